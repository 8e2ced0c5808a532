/** The processes of the clients that outlive every broker. */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { endWithUs } from '../support/children.ts'
import type { ChildSettings, FromChild, ToChild } from './messages.ts'

/** One process of clients. */
export class ClientProcess {
  private readonly child: ChildProcess
  private readonly heard: FromChild[] = []
  private wake: (() => void) | null = null

  private constructor(name: string, settings: ChildSettings) {
    const file = fileURLToPath(new URL(`./${name}.js`, import.meta.url))
    this.child = endWithUs(fork(file, [JSON.stringify(settings)], { stdio: 'inherit' }))
    this.child.on('message', (message: FromChild) => {
      this.heard.push(message)
      this.wake?.()
    })
    this.child.on('exit', () => this.wake?.())
  }

  static async start(
    name: string,
    settings: ChildSettings,
    all: ClientProcess[],
  ): Promise<ClientProcess> {
    const child = new ClientProcess(name, settings)
    all.push(child)
    await child.answer('ready')
    return child
  }

  tell(message: ToChild): void {
    this.child.send(message)
  }

  async answer<K extends FromChild['kind']>(kind: K): Promise<Extract<FromChild, { kind: K }>> {
    for (;;) {
      const found = this.heard.find((message) => message.kind === kind)
      if (found !== undefined) return found as Extract<FromChild, { kind: K }>
      if (this.child.exitCode !== null) throw new Error('a process of clients ended too early')
      await new Promise<void>((resolve) => (this.wake = resolve))
    }
  }

  end(): void {
    this.child.kill('SIGKILL')
  }
}

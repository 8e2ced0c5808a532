/** The processes of the clients that outlive every broker. */
import { fork, type ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endWithUs } from '../support/children.ts'
import { testMsMax } from '../support/patience.ts'
import type { ChildSettings, FromChild, ToChild } from './messages.ts'

/** One process of clients. */
export class ClientProcess {
  private readonly child: ChildProcess
  private readonly name: string
  private readonly heard: FromChild[] = []
  private wake: (() => void) | null = null

  private constructor(name: string, settings: ChildSettings) {
    this.name = name
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

  /** Waits until the process has said it, once for each time; throws when it has ended, or says nothing of it for longer than anything takes. */
  async answer<K extends FromChild['kind']>(kind: K): Promise<Extract<FromChild, { kind: K }>> {
    for (const endMs = performance.now() + testMsMax; ;) {
      const at = this.heard.findIndex((message) => message.kind === kind)
      if (at >= 0) return this.heard.splice(at, 1)[0] as Extract<FromChild, { kind: K }>
      const { exitCode, signalCode } = this.child
      if (exitCode !== null || signalCode !== null)
        throw new Error(`the ${this.name} ended too early: ${signalCode ?? exitCode}`)
      const leftMs = endMs - performance.now()
      if (leftMs <= 0)
        throw new Error(`the ${this.name} did not say "${kind}" within ${testMsMax} ms`)
      const ending = new AbortController()
      const late = sleep(leftMs, undefined, { signal: ending.signal }).catch(() => {})
      await Promise.race([late, new Promise<void>((resolve) => (this.wake = resolve))])
      ending.abort()
    }
  }

  end(): void {
    this.child.kill('SIGKILL')
  }
}

/** A broker process that is started again and again on one directory, and killed each time. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Failpoint } from '../../src/store/failpoint.ts'
import { endWithUs } from '../support/children.ts'
import { freePort } from '../support/free-port.ts'
import { processMsMax } from '../support/patience.ts'

const POLL_MS = 5
/** Of the log, what is shown when something goes wrong. */
const LOG_TAIL = 4000

export interface Armed {
  readonly name: Failpoint
  /** Dies the nth time it is passed. */
  readonly nth: number
}

/** `thread_count`, where MOZZIE_TEST_THREADS asks for it. */
const { MOZZIE_TEST_THREADS } = process.env
const THREADS = MOZZIE_TEST_THREADS === undefined ? '' : `thread_count ${MOZZIE_TEST_THREADS}\n`

export class BrokerUnderFire {
  readonly port: number
  readonly directory: string
  readonly store: string
  private readonly configFile: string
  private child: ChildProcess | null = null
  private log = ''

  /** For `node`, in front of the program. */
  private readonly nodeArguments: readonly string[]

  private constructor(port: number, config: string, nodeArguments: readonly string[]) {
    this.port = port
    this.nodeArguments = nodeArguments
    this.directory = mkdtempSync(join(tmpdir(), 'mozzie-crash-'))
    this.configFile = join(this.directory, 'mosquitto.conf')
    this.store = join(this.directory, 'store.mozzie')
    const user = process.getuid?.() === 0 ? 'user root\n' : ''
    writeFileSync(
      this.configFile,
      `${THREADS}${user}listener ${port} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\nlog_type error\nlog_type warning\n` +
        `connection_messages false\npersistence true\npersistence_location ${this.directory}\n` +
        `persistence_file store\nmax_queued_messages 0\n${config}\n`,
    )
  }

  static async create(
    config = '',
    nodeArguments: readonly string[] = [],
  ): Promise<BrokerUnderFire> {
    return new BrokerUnderFire(await freePort(), config, nodeArguments)
  }

  /** Stops every thread of it where it is; resolves when all stand. Linux only. */
  async freeze(): Promise<void> {
    const child = this.child!
    const tasks = `/proc/${child.pid}/task`
    if (!child.kill('SIGSTOP'))
      throw new Error(`the broker ended by itself (${child.exitCode}):\n${this.log}`)
    const stands = (task: string): boolean =>
      /^\d+ \(.*\) [TZ] /s.test(readFileSync(`${tasks}/${task}/stat`, 'utf8'))
    while (!readdirSync(tasks).every(stands)) await sleep(1)
  }

  thaw(): void {
    this.child?.kill('SIGCONT')
  }

  /** Starts it; resolves when it accepts connections, or has died at an armed failpoint. */
  async start(armed: Armed | null = null): Promise<void> {
    const failpoint = armed === null ? {} : { MOZZIE_FAILPOINT: `${armed.name}:${armed.nth}` }
    const program = join(process.cwd(), 'bin', 'mozzie')
    const child = endWithUs(
      spawn(process.execPath, [...this.nodeArguments, program, '-c', this.configFile], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, ...failpoint },
      }),
    )
    this.child = child
    this.log = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.log = (this.log + text).slice(-LOG_TAIL)
    })
    const deadline = performance.now() + processMsMax
    while (!hasEnded(child) && !(await isAccepting(this.port))) {
      if (performance.now() > deadline) throw new Error(`the broker does not accept:\n${this.log}`)
      await sleep(POLL_MS)
    }
    if (hasEnded(child) && armed === null)
      throw new Error(`the broker ended by itself (${child.exitCode}):\n${this.log}`)
  }

  /** Resolves when it died, at the latest after `ms`; did it? */
  async died(ms: number): Promise<boolean> {
    const { child } = this
    if (child === null || hasEnded(child)) return true
    await Promise.race([once(child, 'exit'), sleep(ms)])
    return hasEnded(child)
  }

  /** SIGKILL; throws when it had ended in any other way before. */
  async kill(): Promise<void> {
    const { child } = this
    if (child === null) return
    if (!hasEnded(child)) {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    }
    this.child = null
    if (child.signalCode !== 'SIGKILL')
      throw new Error(`the broker ended by itself (${child.exitCode}):\n${this.log}`)
  }

  remove(): void {
    this.child?.kill('SIGKILL')
    rmSync(this.directory, { recursive: true, force: true })
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

async function isAccepting(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

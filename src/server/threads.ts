/**
 * `thread_count`: what the first thread is to the others. It has the store and the junction, and is a core itself.
 *
 *     thread 0   core ── door ──┐
 *                               ├── JointStore ── LevelDB or memory;  Junction
 *     thread 1   core ── bytes ─┘        listening sockets are shared, each thread has a copy: whoever is free accepts
 */
import { MessageChannel, Worker } from 'node:worker_threads'
import type { Traced } from '../admin/traces.ts'
import { LogType } from '../base/log.ts'
import type { OwnCounts } from '../broker/counts.ts'
import type { Config } from '../config/config.ts'
import type { Limits } from '../ports/limits.ts'
import type { Peers } from '../ports/peers.ts'
import type { Observer } from '../ports/ports.ts'
import type { Backlog, Store } from '../ports/store.ts'
import type { Stats } from '../ports/stats.ts'
import { Flow } from '../threads/flow.ts'
import type { Bans } from '../auth/bans/bans.ts'
import { shareSaltKey } from '../auth/scram.ts'
import type { Listener } from '../transports/listener.ts'
import { copySockets } from '../transports/socket-copies.ts'
import type { ServerLog } from './log-destinations.ts'
import { budgetsOf, shareCounts, ticketsOf, type ThreadBudgets } from './thread-budgets.ts'
import type { AskThreads } from './thread-asks.ts'
import { checkThreads, threadCountOf } from './thread-count.ts'
import { createJunction, type ThreadJunction } from './thread-junction.ts'
import type {
  DirectPort,
  FromThread,
  TalliesMessage,
  ThreadCommand,
  ThreadData,
  ToThread,
} from './thread-messages.ts'
import { observe } from './thread-observer.ts'
import { Questions, RollCall } from './thread-questions.ts'
import { Whereabouts } from './whereabouts.ts'

export interface ThreadOptions {
  readonly config: Config
  readonly ownStore: () => Store
  readonly limits: Limits
  readonly log: ServerLog
  readonly tlsKeyLogFile: string | null
  readonly bans: Bans
  /** The rule found a client that comes too often. */
  onFlapped(who: { readonly clientId: string; readonly remote: string }): void
  onFatal(error: Error): void
}

/** Where the first thread accepts clients, and the others are to. */
export interface OwnListener {
  readonly name: string
  readonly port: number
  readonly sockets: Listener['sockets']
}

/** The other threads. */
export interface Threads {
  readonly count: number
  /** The first thread's own. */
  readonly store: Store
  readonly peers: Peers
  readonly budgets: ThreadBudgets
  /** Starts them; resolves when all accept. Those they accept wait for the store. */
  start(listeners: readonly OwnListener[]): Promise<void>
  /** Resolves when their cores know all that the store keeps. */
  ready(): Promise<void>
  /** They publish what is due, then it is the first thread's turn; see `Broker.sayWills`. */
  sayWills(): Promise<void>
  stop(): Promise<void>
  tell(message: ToThread): void
  readonly ask: AskThreads
  readonly whereabouts: Whereabouts
  /** Somebody wants to be told of what happens in the other threads. */
  hearWith(ears: Partial<Ears>): void
  /** What waits for a client that is nowhere; null: there is no such session. */
  backlogOf(clientId: string): Readonly<Backlog> | null
  /** Told last by each. */
  reports(): readonly { readonly stats: Stats; readonly counts: OwnCounts }[]
  /** Messages that the first thread dropped on their way to others. */
  dropped(): number
  /** Messages and bytes that wait for clients that are nowhere. */
  queued(): { count: number; bytes: number }
  /** The first thread has turned. */
  tick(): void
  /** Have all of them turned since this was asked last? */
  areAlive(): boolean
}

/** Who is told of what happens in the other threads. */
interface Ears {
  readonly observer: Observer
  traced(seen: readonly Traced[]): void
  command(command: ThreadCommand): Promise<void>
}

const STOP_MS_MAX = 4000
const START_MS_MAX = 30_000

class Running implements Threads {
  readonly count: number
  readonly store: Store
  readonly peers: Peers
  readonly budgets: ThreadBudgets
  private readonly options: ThreadOptions
  private readonly junction: ThreadJunction
  private readonly shared
  private readonly ticks: Int32Array
  private lastTicks: Int32Array
  private readonly workers: Worker[] = []
  private readonly reported = new Map<number, { stats: Stats; counts: OwnCounts }>()
  private readonly rollCall: RollCall
  private readonly questions = new Questions(this.workers)
  readonly ask = this.questions.ask
  readonly whereabouts = new Whereabouts()
  private readonly ears: { -readonly [Ear in keyof Ears]?: Ears[Ear] } = {}
  private lastMask: number
  private readonly flows: Flow[] = []
  /** Of each thread, by index: its ends of what joins it to others past this one. */
  private readonly direct: readonly DirectPort[][]
  private isStopping = false

  constructor(options: ThreadOptions, count: number) {
    const { config, limits, log } = options
    this.count = count
    this.lastMask = log.mask
    this.options = options
    this.junction = createJunction(options.ownStore(), limits, count)
    this.direct = directPorts(count)
    this.store = this.junction.store
    this.peers = this.junction.peers
    this.rollCall = new RollCall(count - 1, (kind) =>
      log.write(LogType.warning, `Warning: a thread is late: ${kind}.`),
    )
    this.shared = shareCounts(count, config)
    shareSaltKey(this.shared.saltKey)
    this.budgets = budgetsOf(this.shared, config, 0, (of, entries) =>
      this.tell({ kind: 'tallies', of, thread: 0, entries }),
    )
    this.budgets.boundUsers(config)
    this.peers.cleanSessions = this.budgets.cleanSessions
    this.peers.userSessions = this.budgets.userSessions
    this.ticks = new Int32Array(this.shared.ticks)
    this.lastTicks = Int32Array.from(this.ticks).fill(-1)
  }

  async start(listeners: readonly OwnListener[]): Promise<void> {
    // At once: what they are told from now on waits for them.
    for (let index = 1; index < this.count; index++) this.startOne(index)
    const copies = await this.copiesOf(listeners)
    for (const [at, worker] of this.workers.entries()) {
      const own = copies.flatMap((numbers) => numbers.slice(at, at + 1))
      const shared = listeners.map(({ name, port, sockets }) => ({
        name,
        port,
        descriptors: own.splice(0, sockets.length),
      }))
      worker.postMessage({ kind: 'listeners', listeners: shared } satisfies ToThread)
    }
    await this.rollCall.all('listening', START_MS_MAX)
  }

  /** Of all sockets, a copy for each other thread; none if that cannot be: the first thread serves all clients then. */
  private async copiesOf(
    listeners: readonly OwnListener[],
  ): Promise<readonly (readonly number[])[]> {
    const sockets = listeners.flatMap((listener) => listener.sockets)
    try {
      return await copySockets(sockets, this.count - 1)
    } catch (error) {
      this.budgets.balance.stop()
      this.options.log.write(
        LogType.warning,
        `Warning: only one of ${this.count} threads takes clients: no process can be started beside this one: ` +
          `${(error as Error).message}. thread_count needs one for a moment: look at LimitNPROC, TasksMax and seccomp, or set thread_count 1.`,
      )
      return sockets.map(() => [])
    }
  }

  private startOne(index: number): void {
    const { config, log, tlsKeyLogFile, onFatal } = this.options
    const data: ThreadData = {
      index,
      config,
      survives: this.store.survives,
      tlsKeyLogFile,
      logMask: log.mask,
      bans: this.options.bans.inForce(),
      shared: this.shared,
      direct: this.direct[index],
    }
    const worker = this.newWorker(data)
    const flow = new Flow(new Int32Array(this.shared.flow), 2 * index + 1, 2 * index)
    this.flows.push(flow)
    const tickets = data.direct.length > 0 ? ticketsOf(this.shared) : undefined
    this.junction.serve(index, worker, flow, tickets)
    worker.on('message', (message: FromThread | Uint8Array) => {
      if (!(message instanceof Uint8Array)) this.hear(index, message)
    })
    worker.on('error', ({ message }) => onFatal(new Error(`thread ${index}: ${message}`)))
    worker.on('exit', () => {
      if (!this.isStopping) onFatal(new Error(`thread ${index} ended`))
    })
    this.workers.push(worker)
  }

  /** @throws Error that says what to do where the system has no thread to give. */
  private newWorker(workerData: ThreadData): Worker {
    const transferList = workerData.direct.map(({ port }) => port)
    try {
      return new Worker(new URL('thread-main.js', import.meta.url), { workerData, transferList })
    } catch (error) {
      throw new Error(
        `thread ${workerData.index} of ${this.count} cannot be started: ${(error as Error).message}. ` +
          'Look at LimitNPROC and TasksMax, or set a smaller thread_count.',
        { cause: error },
      )
    }
  }

  private hear(index: number, message: FromThread): void {
    const { log, onFatal } = this.options
    if (message.kind === 'log') return log.write(message.type, message.text, message.fields)
    if (message.kind === 'flapped') return this.options.onFlapped(message)
    if (message.kind === 'fatal') return onFatal(new Error(`thread ${index}: ${message.text}`))
    if (message.kind === 'counts') return void this.reported.set(index, message)
    if (message.kind === 'tallies') return this.tallied(message)
    if (message.kind === 'answer') return this.questions.answered(message)
    if (message.kind === 'seen')
      return observe(this.ears.observer ?? {}, this.whereabouts, index, message.seen)
    if (message.kind === 'traced') return this.ears.traced?.(message.seen)
    if (message.kind === 'command') return void this.command(index, message)
    this.rollCall.hear(message.kind)
  }

  ready(): Promise<void> {
    return this.rollCall.all('ready', null)
  }

  async sayWills(): Promise<void> {
    this.isStopping = true
    this.tell({ kind: 'sayWills' })
    await this.rollCall.all('willsSaid', STOP_MS_MAX)
  }

  async stop(): Promise<void> {
    this.isStopping = true
    this.tell({ kind: 'stop' })
    await this.rollCall.all('stopped', STOP_MS_MAX)
    for (const worker of this.workers) worker.unref()
  }

  tell(message: ToThread): void {
    for (const worker of this.workers) worker.postMessage(message)
  }

  hearWith(ears: Partial<Ears>): void {
    Object.assign(this.ears, ears)
  }

  private async command(
    index: number,
    { number, command }: Extract<FromThread, { kind: 'command' }>,
  ): Promise<void> {
    await this.ears.command?.(command)
    this.workers[index - 1]?.postMessage({ kind: 'commanded', number } satisfies ToThread)
  }

  private tallied(message: TalliesMessage): void {
    const { of, thread, entries } = message
    this.budgets.tallied(of, thread, entries)
    for (const [at, worker] of this.workers.entries())
      if (at + 1 !== thread) worker.postMessage(message)
  }

  backlogOf(clientId: string): Readonly<Backlog> | null {
    return this.junction.joint.backlogOf(clientId)
  }

  reports() {
    return [...this.reported.values()]
  }

  dropped(): number {
    return this.flows.reduce((sum, { dropped }) => sum + dropped, 0)
  }

  queued() {
    return this.junction.joint.queued
  }

  tick(): void {
    Atomics.add(this.ticks, 0, 1)
    this.budgets.balance.tick()
    const { mask } = this.options.log
    if (mask !== this.lastMask) this.tell({ kind: 'logMask', mask })
    this.lastMask = mask
  }

  areAlive(): boolean {
    const now = Int32Array.from(this.ticks)
    const last = this.lastTicks
    this.lastTicks = now
    return now.every((ticks, index) => ticks !== last[index])
  }
}

/** A channel for each pair of threads but those with the first. */
function directPorts(count: number): DirectPort[][] {
  const ports = Array.from({ length: count }, (): DirectPort[] => [])
  for (let one = 1; one < count; one++)
    for (let other = one + 1; other < count; other++) {
      const { port1, port2 } = new MessageChannel()
      ports[one].push({ index: other, port: port1 })
      ports[other].push({ index: one, port: port2 })
    }
  return ports
}

/** null: there is one thread, and nothing of this. @throws ConfigError */
export function createThreads(options: ThreadOptions): Threads | null {
  const count = threadCountOf(options.config)
  if (count === 1) return null
  checkThreads(options.config)
  return new Running(options, count)
}

/**
 * `thread_count`: what the first thread is to the others. It has the store and the junction, and is a core itself.
 *
 *     thread 0   core ── door ──┐
 *                               ├── JointStore ── LevelDB or memory;  Junction
 *     thread 1   core ── bytes ─┘        listening sockets are shared: whoever is free accepts
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { HttpError } from '../admin/http-error.ts'
import type { Traced } from '../admin/traces.ts'
import { LogType } from '../base/log.ts'
import type { OwnCounts } from '../broker/counts.ts'
import { ConfigError } from '../config/config-error.ts'
import type { Config } from '../config/config.ts'
import type { Limits } from '../ports/limits.ts'
import type { Peers } from '../ports/peers.ts'
import type { Backlog, Observer, Store } from '../ports/ports.ts'
import type { Stats } from '../ports/stats.ts'
import { Flow } from '../threads/flow.ts'
import { JointStore } from '../threads/joint-store.ts'
import type { Bans } from '../auth/bans/bans.ts'
import { Junction } from '../threads/junction.ts'
import { servePeers } from '../threads/peers-wire.ts'
import { serveStore } from '../threads/serve-store.ts'
import { linkThread, LocalWay } from '../threads/thread-link.ts'
import type { ServerLog } from './log-destinations.ts'
import { budgetsOf, shareCounts, type ThreadBudgets } from './thread-budgets.ts'
import type { Answer, AskArguments, AskName, AskThreads } from './thread-asks.ts'
import type {
  FromThread,
  SharedListener,
  TalliesMessage,
  ThreadCommand,
  ThreadData,
  ToThread,
} from './thread-messages.ts'
import { observe } from './thread-observer.ts'
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

/** The other threads. */
export interface Threads {
  readonly count: number
  /** The first thread's own. */
  readonly store: Store
  readonly peers: Peers
  readonly budgets: ThreadBudgets
  /** Starts them; resolves when all accept. Those they accept wait for the store. */
  start(listeners: readonly SharedListener[]): Promise<void>
  /** Resolves when their cores know all that the store keeps. */
  ready(): Promise<void>
  /** They publish what is due, then it is the first thread's turn; see `Broker.sayWills`. */
  sayWills(): Promise<void>
  stop(): Promise<void>
  /** Returns when all stand still, or do not answer: the process ends at once, with a fault. */
  standStill(): void
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

/** How many threads a configuration asks for. */
export function threadCountOf({ global }: Config): number {
  return global.threadCount === 0 ? availableParallelism() : global.threadCount
}

/**
 * What cannot be had together with several threads yet, in words.
 *
 * @throws ConfigError
 */
export function checkThreads(config: Config): void {
  const { global, listeners } = config
  const reasons: readonly (readonly [boolean, string])[] = [
    [process.platform === 'win32', 'it is not possible on Windows'],
    [global.clusterUrls !== null, '"cluster_url"'],
  ]
  const reason = reasons.find(([holds]) => holds)?.[1]
  if (reason === undefined) return
  const location = listeners[0]?.location ?? { file: '', line: 0 }
  throw new ConfigError(`"thread_count" above 1 does not go together with ${reason} yet.`, {
    ...location,
    line: 0,
  })
}

const STOP_MS_MAX = 4000
/** A thread that does not answer by then hangs. */
const ANSWER_MS_MAX = 5000
const START_MS_MAX = 30_000
/** A turn of a thread that is busy. */
const STAND_MS_MAX = 3000

/** Asked and not answered yet. */
interface Question {
  readonly timer: NodeJS.Timeout
  resolve(value: unknown): void
  reject(error: Error): void
}

class Running implements Threads {
  readonly count: number
  readonly store: Store
  readonly peers: Peers
  readonly budgets: ThreadBudgets
  private readonly options: ThreadOptions
  private readonly joint: JointStore
  private readonly junction = new Junction()
  private readonly way = new LocalWay()
  private readonly survives: boolean
  private readonly shared
  private readonly ticks: Int32Array
  private lastTicks: Int32Array
  private readonly workers: Worker[] = []
  private readonly reported = new Map<number, { stats: Stats; counts: OwnCounts }>()
  private readonly heard = new Map<FromThread['kind'], number>()
  private waiting: (() => void)[] = []
  readonly whereabouts = new Whereabouts()
  private readonly ears: { -readonly [Ear in keyof Ears]?: Ears[Ear] } = {}
  private readonly asked = new Map<number, Question>()
  private lastAsked = 0
  private lastMask: number
  private readonly flows: Flow[] = []
  private isStopping = false

  constructor(options: ThreadOptions, count: number) {
    const { config, limits } = options
    const store = options.ownStore()
    this.survives = store.survives
    this.count = count
    this.lastMask = options.log.mask
    this.options = options
    this.joint = new JointStore(store, {
      doors: count,
      hasRoom: ({ queuedCount, queuedBytes }, { payloadLength }) => {
        const bytesMax = store.survives ? limits.storedBytesMax : limits.queuedBytesMax
        return (
          (limits.queuedMax === 0 || queuedCount < limits.queuedMax) &&
          (bytesMax === 0 || queuedBytes + payloadLength <= bytesMax)
        )
      },
    })
    const { way } = this
    this.store = this.joint.door(nameOf(0), way.defer)
    this.peers = this.junction.join(nameOf(0), {
      defer: way.defer,
      sync: way.defer,
      get copies() {
        return way.copies
      },
    })
    this.shared = shareCounts(count, config)
    this.budgets = budgetsOf(this.shared, config, 0, (of, entries) =>
      this.tell({ kind: 'tallies', of, thread: 0, entries }),
    )
    this.budgets.boundUsers(config)
    this.peers.cleanSessions = this.budgets.cleanSessions
    this.peers.userSessions = this.budgets.userSessions
    this.ticks = new Int32Array(this.shared.ticks)
    this.lastTicks = Int32Array.from(this.ticks).fill(-1)
  }

  async start(listeners: readonly SharedListener[]): Promise<void> {
    if (listeners.some(({ descriptors }) => descriptors.includes(-1)))
      throw new Error('thread_count: this Node does not say which sockets it listens on.')
    for (let index = 1; index < this.count; index++) this.startOne(index, listeners)
    await this.all('listening', START_MS_MAX)
  }

  private startOne(index: number, listeners: readonly SharedListener[]): void {
    const { config, log, tlsKeyLogFile, onFatal } = this.options
    const data: ThreadData = {
      index,
      config,
      listeners,
      survives: this.survives,
      tlsKeyLogFile,
      logMask: log.mask,
      bans: this.options.bans.inForce(),
      shared: this.shared,
    }
    const worker = new Worker(new URL('thread-main.js', import.meta.url), { workerData: data })
    const { way } = this
    const flow = new Flow(new Int32Array(this.shared.flow), 2 * index + 1, 2 * index)
    this.flows.push(flow)
    const link = linkThread(
      worker,
      (op, reader) => way.whileIdle(() => void (peers.read(op, reader) || calls(op, reader))),
      () => true,
      flow,
    )
    const peers = servePeers(this.junction, nameOf(index), link.out, flow)
    const calls = serveStore(
      this.joint.door(nameOf(index), (run) => run(), peers.sync),
      link.out,
    )
    worker.on('message', (message: FromThread | Uint8Array) => {
      if (!(message instanceof Uint8Array)) this.hear(index, message)
    })
    const died = (text: string): void => {
      Atomics.add(new Int32Array(this.shared.standing), 0, 1)
      onFatal(new Error(text))
    }
    worker.on('error', ({ message }) => died(`thread ${index}: ${message}`))
    worker.on('exit', () => {
      if (!this.isStopping) died(`thread ${index} ended`)
    })
    this.workers.push(worker)
  }

  private hear(index: number, message: FromThread): void {
    const { log, onFatal } = this.options
    if (message.kind === 'log') return log.write(message.type, message.text, message.fields)
    if (message.kind === 'flapped') return this.options.onFlapped(message)
    if (message.kind === 'fatal') return onFatal(new Error(`thread ${index}: ${message.text}`))
    if (message.kind === 'counts') return void this.reported.set(index, message)
    if (message.kind === 'tallies') return this.tallied(message)
    if (message.kind === 'answer') return this.answered(message)
    if (message.kind === 'seen')
      return observe(this.ears.observer ?? {}, this.whereabouts, index, message.seen)
    if (message.kind === 'traced') return this.ears.traced?.(message.seen)
    if (message.kind === 'command') return void this.command(index, message)
    this.heard.set(message.kind, (this.heard.get(message.kind) ?? 0) + 1)
    for (const wake of this.waiting.splice(0)) wake()
  }

  /** Resolves when all threads have said this, or after `msMax`; null: however long it takes. */
  private all(kind: FromThread['kind'], msMax: number | null): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if ((this.heard.get(kind) ?? 0) < this.count - 1) return void this.waiting.push(look)
        clearTimeout(timer)
        resolve()
      }
      const giveUp = (): void => {
        this.options.log.write(LogType.warning, `Warning: a thread is late: ${kind}.`)
        resolve()
      }
      const timer = msMax === null ? undefined : setTimeout(giveUp, msMax).unref()
      look()
    })
  }

  ready(): Promise<void> {
    return this.all('ready', null)
  }

  async sayWills(): Promise<void> {
    this.isStopping = true
    this.tell({ kind: 'sayWills' })
    await this.all('willsSaid', STOP_MS_MAX)
  }

  async stop(): Promise<void> {
    this.isStopping = true
    this.tell({ kind: 'stop' })
    await this.all('stopped', STOP_MS_MAX)
    for (const worker of this.workers) worker.unref()
  }

  standStill(): void {
    this.isStopping = true
    this.tell({ kind: 'standStill' })
    const standing = new Int32Array(this.shared.standing)
    const endMs = performance.now() + STAND_MS_MAX
    for (;;) {
      const count = Atomics.load(standing, 0)
      const leftMs = endMs - performance.now()
      if (count >= this.workers.length || leftMs <= 0) return
      Atomics.wait(standing, 0, count, leftMs)
    }
  }

  tell(message: ToThread): void {
    for (const worker of this.workers) worker.postMessage(message)
  }

  hearWith(ears: Partial<Ears>): void {
    Object.assign(this.ears, ears)
  }

  readonly ask: AskThreads = <Name extends AskName>(name: Name, ...args: AskArguments<Name>) =>
    Promise.all(this.workers.map((worker) => this.askOne<Name>(worker, name, args)))

  private askOne<Name extends AskName>(
    worker: Worker,
    name: Name,
    args: readonly unknown[],
  ): Promise<Answer<Name>> {
    return new Promise((resolve, reject) => {
      const number = ++this.lastAsked
      const timer = setTimeout(() => {
        this.asked.delete(number)
        reject(new HttpError(503, 'A thread does not answer: it is busy.'))
      }, ANSWER_MS_MAX).unref()
      this.asked.set(number, { timer, resolve, reject })
      worker.postMessage({ kind: 'ask', number, name, args } satisfies ToThread)
    })
  }

  private answered({ number, value, error }: Extract<FromThread, { kind: 'answer' }>): void {
    const question = this.asked.get(number)
    if (question === undefined) return
    this.asked.delete(number)
    clearTimeout(question.timer)
    if (error === null) question.resolve(value)
    else question.reject(new HttpError(503, `A thread does not answer: ${error}`))
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
    return this.joint.backlogOf(clientId)
  }

  reports() {
    return [...this.reported.values()]
  }

  dropped(): number {
    return this.flows.reduce((sum, { dropped }) => sum + dropped, 0)
  }

  queued() {
    return this.joint.queued
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

function nameOf(index: number): string {
  return `thread ${index}`
}

/** null: there is one thread, and nothing of this. @throws ConfigError */
export function createThreads(options: ThreadOptions): Threads | null {
  const count = threadCountOf(options.config)
  if (count === 1) return null
  checkThreads(options.config)
  return new Running(options, count)
}

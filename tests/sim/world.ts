/**
 * A world for the real core: virtual time, links that split, delay and lose, a store that answers when it
 * likes. Everything random comes from one seed; the same seed gives the same run.
 *
 *     SimClient ⇄ SimLink ⇄ Broker ⇄ MemoryStore        all steps in one queue, ordered by virtual time
 */
import { Broker } from '../../src/broker/broker.ts'
import { DEFAULT_LIMITS, type Limits } from '../../src/ports/limits.ts'
import type { Peers } from '../../src/ports/peers.ts'
import type { Auth, Control, Link, ListenerOptions, Observer } from '../../src/ports/ports.ts'
import type { Store } from '../../src/ports/store.ts'
import { createMemoryStore, type MemoryData } from '../../src/store/memory-store.ts'
import { CrashStore, type StoreFaults } from './crash-store.ts'

/** mulberry32: small, seeded, good enough to choose what goes wrong. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

interface Step {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

/** Virtual time: steps run in the order of their time, and within it in the order they were made. */
export class Timeline {
  nowMs = 1000
  private order = 0
  private readonly steps: Step[] = []

  at(delayMs: number, run: () => void): void {
    const step = { atMs: this.nowMs + delayMs, order: this.order++, run }
    let index = this.steps.length
    while (index > 0 && this.steps[index - 1].atMs > step.atMs) index--
    this.steps.splice(index, 0, step)
  }

  /** Runs everything up to `untilMs`. */
  run(untilMs: number): void {
    while (this.step(untilMs));
  }

  /** Runs the next step, unless it comes after `untilMs`; false: there is none before. */
  step(untilMs: number): boolean {
    const step = this.steps[0]
    if (step === undefined || step.atMs > untilMs) {
      this.nowMs = untilMs
      return false
    }
    this.steps.shift()
    this.nowMs = step.atMs
    step.run()
    return true
  }
}

export const listener: ListenerOptions = {
  port: 1883,
  allowAnonymous: true,
  allowZeroLengthClientId: true,
  autoIdPrefix: 'auto-',
  acceptVersions: [3, 4, 5],
  maxQos: 2,
  topicAliasMaximum: 10,
  topicAliasMaximumOut: 10,
  useUsernameAsClientId: false,
  mountPoint: '',
  usernameFrom: 'connect',
}

export interface NodeOptions {
  readonly time: Timeline
  readonly random: () => number
  readonly data: MemoryData
  readonly name: string
  /** Store answers come up to this much later. */
  readonly storeDelayMs: number
  /** So long takes a turn; absent: none takes any time. */
  readonly turnMs?: number
  readonly peers?: Peers | null
  readonly limits?: Partial<Limits>
  /** `data` is a disk: a crash loses what was not committed. Absent: every write is there at once. */
  readonly disk?: StoreFaults
  readonly control?: Control
  readonly observer?: Observer
  /** No other node will ever stand on `data`. */
  readonly alone?: boolean
  /** Instead of one on `data`. */
  readonly store?: Store
}

/** One broker in the world. */
export class SimNode {
  readonly broker: Broker
  /** In force; may be changed. */
  readonly limits: Limits
  readonly options: NodeOptions
  /** A node that was replaced: nothing of it runs any more. */
  dead = false
  /** It knows what the others do. */
  mayAnswer = true
  readonly errors: string[] = []
  readonly store: Store
  /** May be changed. */
  readonly auth: Auth
  private lastAnswerMs = 0
  private readonly crashing: CrashStore | null = null

  constructor(options: NodeOptions) {
    this.options = options
    const { time, random, data, name, disk } = options
    const defer = (run: () => void) => this.answer(run)
    const soon = (run: () => void) => time.at(0, () => this.alive(run))
    if (disk !== undefined)
      this.crashing = new CrashStore(data, { node: name, defer, soon, random, faults: disk })
    this.limits = { ...DEFAULT_LIMITS, connectionMessages: false, ...options.limits }
    this.store =
      options.store ??
      this.crashing ??
      createMemoryStore(data, { node: name, defer, alone: options.alone })
    this.auth = {
      authenticate: (_request, answer) => answer(0),
      publish: null,
      subscribe: null,
      unsubscribe: null,
      deliver: null,
      retainSource: null,
      originOf: null,
      exchange: null,
      admit: null,
      recheck: null,
    }
    this.broker = new Broker({
      clock: { monotonicMs: () => time.nowMs, wallMs: () => 1e12 + time.nowMs },
      random: { fill: (bytes) => bytes.fill(Math.floor(random() * 256)), unit: random },
      log: { mask: 1, write: (_type, text) => void this.errors.push(text) },
      store: this.store,
      peers: options.peers ?? null,
      auth: this.auth,
      control: options.control ?? null,
      observer: options.observer ?? null,
      limits: this.limits,
      mayAnswer: () => this.mayAnswer,
      requestTurnEnd: () =>
        time.at(options.turnMs ?? 0, () => this.alive(() => this.broker.endTurn())),
      fatal: (error) => void this.errors.push(error.message),
    })
    this.broker.start(() => {})
    this.tick()
  }

  alive(run: () => void): void {
    if (!this.dead) run()
  }

  /** Power off. */
  crash(): void {
    this.dead = true
    this.crashing?.crash()
  }

  /** Answers keep their order, whatever their delay. */
  private answer(run: () => void): void {
    const { time, random, storeDelayMs } = this.options
    const dueMs = Math.max(this.lastAnswerMs, time.nowMs + random() * storeDelayMs)
    this.lastAnswerMs = dueMs
    time.at(dueMs - time.nowMs, () => this.alive(run))
  }

  private tick(): void {
    this.options.time.at(100, () =>
      this.alive(() => {
        this.broker.tick()
        this.tick()
      }),
    )
  }
}

type Connection = ReturnType<Broker['accept']>

/** What the far end of a link sees. */
export interface FarEnd {
  receive(bytes: Uint8Array): void
  closed(): void
}

/** How long a stalled write may take; mostly short, now and then a client that does not read. */
const STALL_MS = 20
const LONG_STALL_MS = 1500

/**
 * A connection between a client and a node: chunks are split and delayed, never reordered within it. It holds
 * the core to its word on buffers: a chunk is scribbled over once it was received, and a write that stalls reads
 * its bytes as late as it may.
 */
export class SimLink implements Link {
  readonly remote: string
  readonly listener = listener
  readonly tls = null
  readonly writeSome = null
  private readonly node: SimNode
  private far: FarEnd | null
  private readonly connection: Connection
  private readonly delayMs: number
  private paused = false
  private stalled = false
  private ending = false
  private waiting: Uint8Array[] = []
  private upMs = 0
  private downMs = 0
  gone = false

  constructor(node: SimNode, far: FarEnd, remote: string, delayMs: number) {
    this.node = node
    this.far = far
    this.remote = remote
    this.delayMs = delayMs
    this.connection = node.broker.accept(this)
  }

  /** From the client to the broker, in pieces. */
  send(bytes: Uint8Array): void {
    const { random } = this.node.options
    let at = 0
    while (at < bytes.length) {
      const end = Math.min(
        bytes.length,
        at + 1 + Math.floor(random() * (random() < 0.3 ? 7 : 4000)),
      )
      const piece = bytes.slice(at, end)
      at = end
      this.upMs = this.later(this.upMs, () => this.arrive(piece))
    }
  }

  private arrive(piece: Uint8Array): void {
    if (this.gone) return
    if (this.paused) return void this.waiting.push(piece)
    this.node.alive(() => this.node.broker.receive(this.connection, piece, 0, piece.length))
    piece.fill(0xee)
  }

  write(bytes: Uint8Array, length: number): boolean {
    const { time, random } = this.node.options
    if (this.stalled && !this.gone) throw new Error('written to a link that has not drained')
    if (this.gone || random() < 0.7) {
      this.deliver(bytes.slice(0, length))
      return true
    }
    this.stalled = true
    time.at(random() * (random() < 0.02 ? LONG_STALL_MS : STALL_MS), () => {
      this.deliver(bytes.slice(0, length))
      this.stalled = false
      this.node.alive(() => this.node.broker.linkDrained(this.connection))
      if (this.ending && !this.stalled) this.end()
    })
    return false
  }

  private deliver(bytes: Uint8Array): void {
    this.downMs = this.later(this.downMs, () => {
      if (!this.gone) this.far?.receive(bytes)
    })
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    const waiting = this.waiting
    this.waiting = []
    for (const piece of waiting) this.arrive(piece)
  }

  end(): void {
    this.ending = true
    if (this.stalled) return
    this.downMs = this.later(this.downMs, () => this.drop('connection closed by client'))
  }

  /** The line is cut: what is under way in either direction is lost. */
  drop(reason = 'Connection reset by peer'): void {
    if (this.gone) return
    this.gone = true
    this.node.alive(() => this.node.broker.linkClosed(this.connection, reason))
    this.far?.closed()
  }

  /** The client is gone and nobody told the broker. */
  abandon(): void {
    const far = this.far
    this.far = null
    far?.closed()
  }

  private later(floorMs: number, run: () => void): number {
    const { time, random } = this.node.options
    const dueMs = Math.max(floorMs, time.nowMs + random() * this.delayMs)
    time.at(dueMs - time.nowMs, run)
    return dueMs
  }
}

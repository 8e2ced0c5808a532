/**
 * Our core in this process: virtual time, links without delay, one of three stores behind it; or several cores, joined as
 * threads are, each with some of the connections. Quiet when no task is queued, no end of turn asked for and no answer of
 * the store due.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broker } from '../../src/broker/broker.ts'
import { DEFAULT_LIMITS, type Limits } from '../../src/ports/limits.ts'
import type { Peers } from '../../src/ports/peers.ts'
import type { Link } from '../../src/ports/ports.ts'
import type { Store } from '../../src/ports/store.ts'
import { createLevelStore } from '../../src/store/level/level-store.ts'
import { createMemoryStore, MemoryData } from '../../src/store/memory-store.ts'
import { CrashStore } from '../sim/crash-store.ts'
import { listener, seeded } from '../sim/world.ts'
import { joinCores, type Lane } from '../support/joined-cores.ts'
import { waitMsMax } from '../support/patience.ts'
import type { Profile } from './state.ts'
import type { Line, Target } from './target.ts'
import { watchStore, type WatchedStore } from './watched-store.ts'

/** `none`: in memory, gone with the process; `disk`: a disk in memory; `level`: LevelDB. */
export type StoreKind = 'none' | 'disk' | 'level'

/** Small, so that clients reach it. */
const RECEIVE_MAXIMUM = 4
const TICK_MS = 100
const WALL_MS = 1.7e12

export function createCoreTarget(kind: StoreKind, cores = 1): Target {
  return new CoreTarget(kind, cores)
}

/** What is to be done, in lanes: each is in order, and which is next chance decides. */
class Lanes {
  private readonly lanes = new Map<string, (() => void)[]>()
  private readonly random = seeded(1)

  lane(name: string): Lane {
    const tasks: (() => void)[] = []
    this.lanes.set(name, tasks)
    return (run) => void tasks.push(run)
  }

  next(): (() => void) | undefined {
    const busy = [...this.lanes.values()].filter(({ length }) => length > 0)
    return busy[Math.floor(this.random() * busy.length)]?.shift()
  }

  isEmpty(): boolean {
    return [...this.lanes.values()].every(({ length }) => length === 0)
  }

  /** What was to be done, and by lanes of before will be, is nobody's any more. */
  clear(): void {
    this.lanes.clear()
  }
}

class CoreTarget implements Target {
  readonly profile: Profile
  private readonly kind: StoreKind
  private readonly data = new MemoryData()
  private readonly directory: string
  private readonly cores: number
  private brokers: Broker[] = []
  private store: WatchedStore | null = null
  private readonly limits: Limits = {
    ...DEFAULT_LIMITS,
    connectionMessages: false,
    inflightMax: RECEIVE_MAXIMUM,
  }
  private clockMs = 1000
  private readonly lanes = new Lanes()
  private readonly random = seeded(2)
  private isOnItsWay = (): boolean => false
  private idsGiven = 0
  private lines: CoreLine[] = []

  constructor(kind: StoreKind, cores: number) {
    this.kind = kind
    this.cores = cores
    this.directory = kind === 'level' ? mkdtempSync(join(tmpdir(), 'mozzie-model-')) : ''
    this.profile = {
      survives: kind !== 'none',
      crashes: true,
      saysWhy: true,
      willAtTakeover: true,
      receiveMaximum: RECEIVE_MAXIMUM,
      aliasMaximum: listener.topicAliasMaximum,
      windowMax: DEFAULT_LIMITS.windowMax,
      clockMs: 300,
    }
  }

  async start(): Promise<void> {
    const only = this.lanes.lane('')
    const lane = (name: string): Lane => (this.cores === 1 ? only : this.lanes.lane(name))
    const store = watchStore(this.makeStore(lane('store')))
    this.store = store
    const joined = this.cores > 1 ? joinCores(store, this.cores, lane) : null
    this.isOnItsWay = joined?.isBusy ?? (() => false)
    const ports = joined?.ports ?? [{ store, peers: null }]
    this.brokers = ports.map((each, index) => this.makeBroker(each, lane(`core ${index}`)))
    for (const broker of this.brokers) broker.start(() => {})
    await this.settle()
  }

  private makeBroker(ports: { store: Store; peers: Peers | null }, soon: Lane): Broker {
    const broker: Broker = new Broker({
      clock: { monotonicMs: () => this.clockMs, wallMs: () => WALL_MS + this.clockMs },
      random: { fill: (bytes) => bytes.fill(this.idsGiven++), unit: () => 0.5 },
      log: { mask: 1, write: (_type, text) => fail(text) },
      ...ports,
      auth: {
        authenticate: (_request, answer) => answer(0),
        publish: null,
        subscribe: null,
        unsubscribe: null,
        deliver: null,
        retainSource: null,
        exchange: null,
        admit: null,
        recheck: null,
        originOf: null,
      },
      control: null,
      observer: null,
      limits: this.limits,
      mayAnswer: null,
      requestTurnEnd: () => soon(() => broker.endTurn()),
      fatal: (error) => fail(error.message),
    })
    return broker
  }

  private makeStore(soon: (run: () => void) => void): Store {
    if (this.kind === 'level') {
      const wallMs = () => WALL_MS + this.clockMs
      return createLevelStore({ location: this.directory, sync: 'never', wallMs, warn: fail })
    }
    if (this.kind === 'none')
      return createMemoryStore(new MemoryData(), { node: 'model', defer: soon })
    const options = { node: 'model', defer: soon, soon, random: () => 0.999, faults: {} }
    return new CrashStore(this.data, options)
  }

  async open(name: string): Promise<Line> {
    const broker = this.brokers[Math.floor(this.random() * this.brokers.length)]
    const line = new CoreLine(broker, name)
    this.lines.push(line)
    return line
  }

  nowMs(): number {
    return this.clockMs
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.clockMs + ms
    while (this.clockMs < untilMs) {
      this.clockMs += TICK_MS
      for (const broker of this.brokers) broker.tick()
      await this.settle()
    }
  }

  budget(workPerTurn: number, receiversAtOnce: number): void {
    this.limits.workPerTurn = workPerTurn
    this.limits.receiversAtOnce = receiversAtOnce
  }

  /** In order the store is closed; after a crash it stays as it was. LevelDB allows no second process: closed too. */
  async restart(how: 'stop' | 'crash'): Promise<void> {
    const { brokers, store } = this
    const running = new Set(how === 'stop' ? brokers : [])
    for (const broker of running) broker.stop(() => running.delete(broker))
    if (how === 'crash' && this.kind === 'level')
      await new Promise<void>((resolve) => store?.close(resolve))
    const startedMs = performance.now()
    while (running.size > 0) {
      if (performance.now() - startedMs > waitMsMax) fail('the broker does not stop')
      await this.runTasks()
      await new Promise(setImmediate)
    }
    for (const line of this.lines) line.lost()
    this.lines = []
    this.lanes.clear()
    this.noteCutOff()
    await this.start()
  }

  /** What LevelDB's store does as it opens: who was connected at a crash is away since then. */
  private noteCutOff(): void {
    for (const session of this.data.sessions.values())
      if (session.record.disconnectedAtMs < 0)
        session.record = { ...session.record, disconnectedAtMs: WALL_MS + this.clockMs }
  }

  private async runTasks(): Promise<void> {
    for (let task = this.lanes.next(); task !== undefined; task = this.lanes.next()) {
      task()
      // As in Node, what a task leaves for the end of its turn comes before the next one.
      if (this.cores > 1) await new Promise<void>(queueMicrotask)
    }
  }

  async settle(): Promise<void> {
    for (;;) {
      await this.runTasks()
      if (this.cores > 1) await new Promise(setImmediate)
      if (this.lanes.isEmpty() && !this.store?.isBusy() && !this.isOnItsWay()) return
      await new Promise(setImmediate)
    }
  }

  async stop(): Promise<void> {
    if (this.kind !== 'level') return
    await new Promise<void>((resolve) => this.store?.close(resolve))
    rmSync(this.directory, { recursive: true, force: true })
  }
}

function fail(text: string): never {
  throw new Error(text)
}

/** Holds the core to its word on buffers: what it was given is scribbled over. */
class CoreLine implements Line, Link {
  readonly remote: string
  readonly listener = listener
  readonly tls = null
  readonly writeSome = null
  isClosed = false
  private isPaused = false
  private waiting: Uint8Array[] = []
  private came: Uint8Array[] = []
  private readonly broker: Broker
  private readonly connection: ReturnType<Broker['accept']>

  constructor(broker: Broker, name: string) {
    this.broker = broker
    this.remote = name
    this.connection = broker.accept(this)
  }

  send(bytes: Uint8Array): void {
    if (this.isClosed) return
    if (this.isPaused) return void this.waiting.push(bytes)
    const piece = bytes.slice()
    this.broker.receive(this.connection, piece, 0, piece.length)
    piece.fill(0xee)
  }

  cut(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.broker.linkClosed(this.connection, 'Connection reset by peer')
  }

  /** The broker is gone. */
  lost(): void {
    this.isClosed = true
  }

  take(): Uint8Array[] {
    return this.came.splice(0)
  }

  write(bytes: Uint8Array, length: number): boolean {
    this.came.push(bytes.slice(0, length))
    return true
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    for (const bytes of this.waiting.splice(0)) this.send(bytes)
  }

  end(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.broker.linkClosed(this.connection, 'connection closed by client')
  }
}

/**
 * Our core in this process: virtual time, links without delay, one of three stores behind it. Quiet when no task is
 * queued, no end of turn asked for and no answer of the store due.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broker } from '../../src/broker/broker.ts'
import { DEFAULT_LIMITS, type Limits } from '../../src/ports/limits.ts'
import type { Link, Store } from '../../src/ports/ports.ts'
import { createLevelStore } from '../../src/store/level/level-store.ts'
import { createMemoryStore, MemoryData } from '../../src/store/memory-store.ts'
import { CrashStore } from '../sim/crash-store.ts'
import { listener } from '../sim/world.ts'
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

export function createCoreTarget(kind: StoreKind): Target {
  return new CoreTarget(kind)
}

class CoreTarget implements Target {
  readonly profile: Profile
  private readonly kind: StoreKind
  private readonly data = new MemoryData()
  private readonly directory: string
  private broker: Broker | null = null
  private store: WatchedStore | null = null
  private readonly limits: Limits = {
    ...DEFAULT_LIMITS,
    connectionMessages: false,
    inflightMax: RECEIVE_MAXIMUM,
  }
  private clockMs = 1000
  private tasks: (() => void)[] = []
  private idsGiven = 0
  private lines: CoreLine[] = []
  /** Tasks of an earlier process are nobody's. */
  private process = 0

  constructor(kind: StoreKind) {
    this.kind = kind
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
    const process = ++this.process
    const soon = (run: () => void): void => {
      this.tasks.push(() => {
        if (process === this.process) run()
      })
    }
    const store = watchStore(this.makeStore(soon))
    this.store = store
    this.broker = new Broker({
      clock: { monotonicMs: () => this.clockMs, wallMs: () => WALL_MS + this.clockMs },
      random: { fill: (bytes) => bytes.fill(this.idsGiven++), unit: () => 0.5 },
      log: { mask: 1, write: (_type, text) => fail(text) },
      store,
      peers: null,
      auth: {
        authenticate: (_request, answer) => answer(0),
        publish: null,
        subscribe: null,
        unsubscribe: null,
        deliver: null,
        retainSource: null,
        exchange: null,
        recheck: null,
        originOf: null,
      },
      control: null,
      observer: null,
      limits: this.limits,
      requestTurnEnd: () => soon(() => this.broker?.endTurn()),
      fatal: (error) => fail(error.message),
    })
    this.broker.start(() => {})
    await this.settle()
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
    const line = new CoreLine(this.broker as Broker, name)
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
      this.broker?.tick()
      await this.settle()
    }
  }

  budget(workPerTurn: number, receiversAtOnce: number): void {
    this.limits.workPerTurn = workPerTurn
    this.limits.receiversAtOnce = receiversAtOnce
  }

  /** In order the store is closed; after a crash it stays as it was. LevelDB allows no second process: closed too. */
  async restart(how: 'stop' | 'crash'): Promise<void> {
    const { broker, store } = this
    const state = { isDown: how === 'crash' }
    if (how === 'stop') broker?.stop(() => (state.isDown = true))
    else if (this.kind === 'level') await new Promise<void>((resolve) => store?.close(resolve))
    const startedMs = performance.now()
    while (!state.isDown) {
      if (performance.now() - startedMs > waitMsMax) fail('the broker does not stop')
      this.runTasks()
      await new Promise(setImmediate)
    }
    for (const line of this.lines) line.lost()
    this.lines = []
    this.process++
    this.tasks = []
    this.noteCutOff()
    await this.start()
  }

  /** What LevelDB's store does as it opens: who was connected at a crash is away since then. */
  private noteCutOff(): void {
    for (const session of this.data.sessions.values())
      if (session.record.disconnectedAtMs < 0)
        session.record = { ...session.record, disconnectedAtMs: WALL_MS + this.clockMs }
  }

  private runTasks(): void {
    for (let task = this.tasks.shift(); task !== undefined; task = this.tasks.shift()) task()
  }

  async settle(): Promise<void> {
    for (;;) {
      this.runTasks()
      if (this.store === null || !this.store.isBusy()) return
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

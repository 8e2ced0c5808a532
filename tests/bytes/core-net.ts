/**
 * Brokers in virtual time, and lines to them that hold the core to its word on buffers: input lies in one array for all
 * lines, between bytes of nobody, and is written over when it was handed in; output that is not taken at once is read as
 * late as may be.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Broker } from '../../src/broker/broker.ts'
import type { Limits } from '../../src/ports/limits.ts'
import type { Link } from '../../src/ports/ports.ts'
import { createLevelStore } from '../../src/store/level/level-store.ts'
import { createMemoryStore, MemoryData } from '../../src/store/memory-store.ts'
import type { Dice } from '../model/generate.ts'
import { watchStore, type WatchedStore } from '../model/watched-store.ts'
import { listener, SimNode, Timeline, type NodeOptions } from '../sim/world.ts'
import { joinCores } from '../support/joined-cores.ts'
import type { Net, Wire } from './client.ts'

export type StoreKind = 'memory' | 'level'

/** Gets the bytes of each write, and may change them. */
export type Spoil = (bytes: Uint8Array) => void

/** How the bytes of a client are cut, and how the broker's are taken. */
export interface LineTaste {
  /** Bytes of a piece, at most; drawn for each. */
  readonly pieces: readonly number[]
  readonly pauseMs: number
  /** How often a write is not taken at once, and for how long at most. */
  readonly stalls: number
  readonly stallMs: number
  /** What it takes of a large message within the call. */
  readonly takes: 'none' | 'all' | 'some'
}

/** Around the end of a head. */
const FEW_BYTES = 40

const READ_BYTES = 64 * 1024
const NOBODYS = 0xee
const DISK_ROUNDS_MAX = 5000
/** What the store in memory takes for an answer at most. */
const STORE_MS = [4, 4, 4, 600]

const readBuffer = new Uint8Array(3 * READ_BYTES).fill(NOBODYS)

export class CoreNet implements Net {
  readonly time = new Timeline()
  readonly nodes: SimNode[]
  /** Of the next line that is opened. */
  taste: LineTaste = { pieces: [READ_BYTES], pauseMs: 0, stalls: 0, stallMs: 0, takes: 'none' }
  private readonly dice: Dice
  private readonly spoil: Spoil
  private readonly directory: string | null
  private readonly store: WatchedStore

  constructor(
    dice: Dice,
    random: () => number,
    kind: StoreKind,
    cores: number,
    limits: Partial<Limits>,
    spoil: Spoil,
  ) {
    this.dice = dice
    this.spoil = spoil
    const { time } = this
    const data = new MemoryData()
    this.directory = kind === 'level' ? mkdtempSync(join(tmpdir(), 'mozzie-bytes-')) : null
    const store =
      this.directory === null
        ? createMemoryStore(data, { node: 'one', defer: inOrder(time, random, dice.one(STORE_MS)) })
        : createLevelStore({
            location: this.directory,
            sync: 'never',
            wallMs: () => 1e12 + time.nowMs,
            warn: (text) => void this.nodes[0].errors.push(text),
          })
    this.store = watchStore(store)
    const lane = () => inOrder(time, random)
    const joined = cores > 1 ? joinCores(this.store, cores, lane) : null
    const options: Omit<NodeOptions, 'name'> = { time, random, data, storeDelayMs: 5, limits }
    const ports = joined?.ports ?? [{ store: this.store, peers: null }]
    this.nodes = ports.map((each, index) => new SimNode({ ...options, ...each, name: `${index}` }))
  }

  open(receive: (bytes: Uint8Array) => void, closed: () => void, mount: string): Wire {
    const node = this.dice.one(this.nodes)
    const { time, dice, taste, spoil } = this
    const deliver = (bytes: Uint8Array): void => {
      spoil(bytes)
      receive(bytes)
    }
    return new CutLine(node.broker, time, dice, taste, mount, deliver, closed)
  }

  later(ms: number, run: () => void): void {
    this.time.at(ms, run)
  }

  /** Lets virtual time pass; what is real (a disk, ways between threads) has its turns between. */
  async pass(ms: number): Promise<void> {
    const { time, directory, nodes } = this
    const isReal = directory !== null || nodes.length > 1
    const untilMs = time.nowMs + ms
    for (let count = 1; time.step(untilMs); count++) {
      if (!isReal) continue
      await new Promise<void>(queueMicrotask)
      if (count % 64 === 0) await new Promise(setImmediate)
    }
    await new Promise(setImmediate)
    if (directory !== null) await this.diskDone()
  }

  /** What the disk owes is there soon; then it is its turn in virtual time. */
  private async diskDone(): Promise<void> {
    for (let round = 0; this.store.isBusy() && round < DISK_ROUNDS_MAX; round++)
      await new Promise(setImmediate)
  }

  get errors(): string[] {
    return this.nodes.flatMap(({ errors }) => errors)
  }

  async close(): Promise<void> {
    if (this.directory === null) return
    await new Promise<void>((resolve) => this.store.close(resolve))
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** Later, by chance how much, in order. */
function inOrder(time: Timeline, random: () => number, mostMs = 4): (run: () => void) => void {
  let lastMs = 0
  return (run) => {
    lastMs = Math.max(lastMs, time.nowMs + (random() < 0.5 ? 0 : random() * mostMs))
    time.at(lastMs - time.nowMs, run)
  }
}

class CutLine implements Link, Wire {
  readonly remote = 'line'
  readonly tls = null
  readonly listener: Link['listener']
  private readonly broker: Broker
  private readonly time: Timeline
  private readonly dice: Dice
  private readonly taste: LineTaste
  private readonly connection: ReturnType<Broker['accept']>
  private readonly deliver: (bytes: Uint8Array) => void
  private readonly closed: () => void
  private up: Buffer[] = []
  private upAt = 0
  private isPumping = false
  private isPaused = false
  private isStalled = false
  private isEnding = false
  private isGone = false

  constructor(
    broker: Broker,
    time: Timeline,
    dice: Dice,
    taste: LineTaste,
    mount: string,
    deliver: (bytes: Uint8Array) => void,
    closed: () => void,
  ) {
    this.broker = broker
    this.time = time
    this.dice = dice
    this.taste = taste
    this.listener = mount === '' ? listener : { ...listener, mountPoint: mount }
    this.deliver = deliver
    this.closed = closed
    this.connection = broker.accept(this)
  }

  send(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.up.push(bytes)
    this.pump()
  }

  private pump(): void {
    if (this.isPumping || this.isPaused || this.isGone || this.up.length === 0) return
    this.isPumping = true
    const pauseMs = this.dice.chance(0.7) ? 0 : this.dice.below(this.taste.pauseMs + 1)
    this.time.at(pauseMs, () => {
      this.isPumping = false
      if (this.isPaused || this.isGone) return
      this.handIn(1 + this.dice.below(this.dice.one(this.taste.pieces)))
      this.pump()
    })
  }

  private handIn(most: number): void {
    const start = this.dice.below(READ_BYTES)
    let end = start
    while (this.up.length > 0 && end - start < most) {
      const [first] = this.up
      const count = Math.min(first.length - this.upAt, most - (end - start))
      readBuffer.set(first.subarray(this.upAt, this.upAt + count), end)
      end += count
      this.upAt += count
      if (this.upAt === first.length) {
        this.up.shift()
        this.upAt = 0
      }
    }
    this.broker.receive(this.connection, readBuffer, start, end)
    readBuffer.fill(NOBODYS, start, end)
  }

  write(bytes: Uint8Array, length: number): boolean {
    if (this.isStalled) throw new Error('written to a line that has not drained')
    if (this.isGone) return true
    if (!this.dice.chance(this.taste.stalls)) {
      this.deliver(bytes.slice(0, length))
      return true
    }
    this.isStalled = true
    this.time.at(this.dice.below(this.taste.stallMs + 1), () => {
      this.isStalled = false
      if (this.isGone) return
      this.deliver(bytes.slice(0, length))
      this.broker.linkDrained(this.connection)
      if (this.isEnding && !this.isStalled) this.end()
    })
    return false
  }

  writeSome(head: Uint8Array, headLength: number, body: Uint8Array): number {
    if (this.isStalled) throw new Error('written to a line that has not drained')
    const all = headLength + body.length
    if (this.isGone) return all
    const { dice, taste } = this
    const some = (): number => dice.one([0, dice.below(FEW_BYTES), dice.below(all + 1), all])
    const count = taste.takes === 'some' ? Math.min(all, some()) : taste.takes === 'all' ? all : 0
    const bytes = Buffer.concat([head.subarray(0, headLength), body])
    if (count > 0) this.deliver(new Uint8Array(bytes.subarray(0, count)))
    return count
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    this.pump()
  }

  end(): void {
    this.isEnding = true
    if (this.isStalled) return
    this.time.at(0, () => this.drop('connection closed by client'))
  }

  cut(): void {
    this.drop('Connection reset by peer')
  }

  private drop(reason: string): void {
    if (this.isGone) return
    this.isGone = true
    this.broker.linkClosed(this.connection, reason)
    this.closed()
  }
}

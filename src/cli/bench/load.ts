/**
 * The load of one thread: opens connections, subscribes, publishes for a while, waits for stragglers.
 *
 *     closed loop   a publisher has at most `window` messages under way; what comes back lets the next ones go
 *     open loop     messages leave when they are due (`rate`), late or not, and are timed from then on
 */
import type { Dial } from '../../client/ports.ts'
import { PacketType, type ConnectPacket } from '../../codec/packets.ts'
import { BenchConnection, type Receiver } from './connection.ts'
import { Counters } from './counters.ts'
import type { LoadOptions } from './options.ts'
import { MARK, newPublisher, STAMP_BYTES, type Publisher } from './publisher.ts'

/** Messages of one publisher in a row. */
const BURST = 64
const SETUP_MS_MAX = 60_000
const DRAIN_MS_MAX = 5000
const TICK_MS = 1
const WATCH_MS = 5
const KEEP_ALIVE_SECONDS = 3600
const ERRORS_FROM = 0x80

export interface LoadHooks {
  /** Everything is connected; the measured time begins. */
  measuring(): void
  /** Somebody pressed Ctrl-C: what was measured so far counts. */
  isStopped(): boolean
}

/** The getter is slow, the value never changes. */
const { timeOrigin } = performance
/** Comparable between threads and processes of a machine. */
const now = (): number => timeOrigin + performance.now()
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Topics of a flow: each has the publishers and subscribers whose number leaves its own as remainder. */
export function topicsOf({ mode, publishers, subscribers }: LoadOptions): number {
  return mode === 'flow' ? Math.min(publishers, subscribers) : Math.max(publishers, subscribers)
}

export class Load implements Receiver {
  /** Since the start; `latency` and `connectTimes` of the measured time. */
  readonly counters = new Counters()
  /** What {@link counters} said when measuring began. */
  readonly before = new Counters()
  /** Totals at the end of the measured time. */
  after = new Counters()
  measuredMs = 0
  private readonly options: LoadOptions
  private readonly dial: Dial
  private readonly thread: number
  private readonly threads: number
  private readonly run = Math.random().toString(36).slice(2, 8)
  private readonly publishers: Publisher[] = []
  private readonly byIndex = new Map<number, Publisher>()
  private readonly startedMs = new Map<BenchConnection, number>()
  private readonly connections: BenchConnection[] = []
  private subscribedCount = 0
  private lastSentMs = 0
  /** When each packet identifier was sent, by publisher: only without receivers of our own. */
  private readonly sentMs = new Map<Publisher, Float64Array>()
  private isMeasuring = false
  private isSending = false
  private isTurnAsked = false
  private timer: NodeJS.Timeout | null = null
  private viewOf: Uint8Array | null = null
  private view: DataView = new DataView(new ArrayBuffer(0))

  constructor(options: LoadOptions, dial: Dial, thread: number, threads: number) {
    this.options = options
    this.dial = dial
    this.thread = thread
    this.threads = threads
  }

  async start(hooks: LoadHooks): Promise<void> {
    const { options } = this
    await this.openAll('s', options.subscribers, hooks)
    if (options.mode === 'sub' || options.mode === 'flow') await this.subscribe(hooks)
    await this.openAll('p', options.publishers, hooks)
    for (const connection of this.connections)
      if (connection.isOpen && connection.index < options.publishers && options.publishers > 0)
        this.addPublisher(connection)
    this.isSending = this.publishers.length > 0
    this.turn()
    await this.hold(options.warmUpSeconds, hooks)
    this.before.add(this.counters)
    this.isMeasuring = true
    hooks.measuring()
    const startedMs = performance.now()
    await this.hold(options.seconds, hooks)
    this.measuredMs = performance.now() - startedMs
    this.isMeasuring = false
    this.isSending = false
    this.after = Object.assign(new Counters(), this.counters)
    await this.drain()
    for (const connection of this.connections) connection.end()
  }

  private async hold(seconds: number, hooks: LoadHooks): Promise<void> {
    const endMs = performance.now() + seconds * 1000
    while (!hooks.isStopped()) {
      const leftMs = endMs - performance.now()
      if (leftMs <= 0) return
      await pause(Math.min(leftMs, 100))
    }
  }

  private isMine(index: number): boolean {
    const { options } = this
    return (index % topicsOf(options)) % this.threads === this.thread
  }

  // ── connecting ───────────────────────────────────────────────────────────────────────────────────

  private async openAll(side: string, count: number, hooks: LoadHooks): Promise<void> {
    const mine = Array.from({ length: count }, (_, index) => index).filter((n) => this.isMine(n))
    const perMs = this.options.ramp / this.threads / 1000
    const startMs = performance.now()
    let opened = 0
    while (opened < mine.length && !hooks.isStopped()) {
      const due = Math.min(mine.length, Math.ceil((performance.now() - startMs + 1) * perMs))
      for (; opened < due; opened++) this.open(side, mine[opened])
      await pause(TICK_MS)
    }
    const { counters } = this
    const wanted = this.connections.length
    const settled = () => counters.connected + counters.failed >= wanted
    await this.until(settled, SETUP_MS_MAX, hooks)
  }

  private open(side: string, index: number): void {
    const { version, username, password } = this.options
    const connect: ConnectPacket = {
      type: PacketType.connect,
      version,
      bridge: false,
      cleanStart: true,
      keepAliveSeconds: KEEP_ALIVE_SECONDS,
      clientId: `bench-${this.run}-${this.thread}-${side}${index}`,
      will: null,
      username,
      password: password === null ? null : new TextEncoder().encode(password),
      properties: {},
    }
    const number = side === 'p' ? index : this.options.publishers + index
    const connection = new BenchConnection(number, version, this.dial, connect, this)
    this.connections.push(connection)
    this.startedMs.set(connection, performance.now())
  }

  private async subscribe(hooks: LoadHooks): Promise<void> {
    const { topic, qos, publishers, mode } = this.options
    let wanted = 0
    for (const connection of this.connections) {
      if (!connection.isOpen) continue
      const index = connection.index - publishers
      const number = mode === 'flow' ? index % topicsOf(this.options) : index
      const filter = topic.replaceAll('%i', String(number))
      const one = {
        filter,
        qos,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0 as const,
      }
      connection.send({ type: PacketType.subscribe, packetId: 1, filters: [one], properties: {} })
      wanted++
    }
    await this.until(() => this.subscribedCount >= wanted, SETUP_MS_MAX, hooks)
  }

  private addPublisher(connection: BenchConnection): void {
    const { topic, qos, retain, payloadBytes, version, subscribers, mode } = this.options
    const topics = topicsOf(this.options)
    const number = mode === 'flow' ? connection.index % topics : connection.index
    const publisher = newPublisher(connection, {
      version,
      qos,
      retain,
      payloadBytes,
      topic: topic.replaceAll('%i', String(number)),
      copies: mode === 'flow' ? Math.ceil((subscribers - number) / topics) : 0,
      dueMs: now() + Math.random() * this.intervalMs(),
    })
    this.publishers.push(publisher)
    this.byIndex.set(connection.index, publisher)
  }

  /** ms between two messages of one publisher; 0: a closed loop. */
  private intervalMs(): number {
    const { rate, publishers } = this.options
    return rate === 0 ? 0 : (1000 * publishers) / rate
  }

  private async until(reached: () => boolean, limitMs: number, hooks: LoadHooks): Promise<void> {
    const endMs = performance.now() + limitMs
    while (!reached() && performance.now() < endMs && !hooks.isStopped()) await pause(WATCH_MS)
  }

  private async drain(): Promise<void> {
    const { counters, options } = this
    const isDone = () =>
      (options.mode !== 'flow' || counters.received >= counters.expected) &&
      this.publishers.every(({ inflight, connection }) => inflight === 0 || connection.isClosed)
    const endMs = performance.now() + DRAIN_MS_MAX
    while (!isDone() && performance.now() < endMs) await pause(WATCH_MS)
  }

  // ── sending ──────────────────────────────────────────────────────────────────────────────────────

  private askTurn(): void {
    if (this.isTurnAsked || !this.isSending) return
    this.isTurnAsked = true
    setImmediate(() => {
      this.isTurnAsked = false
      this.turn()
    })
  }

  private turn(): void {
    if (!this.isSending) return
    const intervalMs = this.intervalMs()
    const nowMs = now()
    let isBlocked = false
    for (const publisher of this.publishers) {
      const { connection } = publisher
      if (connection.isClosed) continue
      if (connection.isFull) isBlocked = true
      else if (intervalMs > 0) this.sendDue(publisher, nowMs, intervalMs)
      else this.sendBurst(publisher, this.roomOf(publisher), nowMs)
    }
    if (intervalMs > 0 || isBlocked) this.turnLater()
    else if (this.options.qos === 0 && this.options.mode === 'pub') this.askTurn()
  }

  /** What may be unacknowledged at a time: the broker has a say [MQTT-3.3.4-9]. */
  private windowOf({ connection }: Publisher): number {
    const { window, rate } = this.options
    return Math.min(connection.receiveMaximum, rate > 0 ? 0xffff : window)
  }

  private turnLater(): void {
    this.timer ??= setTimeout(() => {
      this.timer = null
      this.turn()
    }, TICK_MS)
  }

  private roomOf(publisher: Publisher): number {
    const { sent, done, inflight, copies } = publisher
    const { qos, window, mode } = this.options
    const unanswered = qos > 0 ? inflight : 0
    const undelivered = mode === 'flow' && copies > 0 ? sent - Math.floor(done / copies) : 0
    return Math.min(BURST, window - undelivered, this.windowOf(publisher) - unanswered)
  }

  private sendBurst(publisher: Publisher, count: number, nowMs: number): void {
    if (count <= 0) return
    this.stamp(publisher, nowMs)
    for (let index = 0; index < count; index++) this.append(publisher)
    publisher.connection.flush()
  }

  private sendDue(publisher: Publisher, nowMs: number, intervalMs: number): void {
    let count = 0
    const room = this.windowOf(publisher) - publisher.inflight
    while (publisher.dueMs <= nowMs && count < room) {
      this.stamp(publisher, publisher.dueMs)
      this.append(publisher)
      publisher.dueMs += intervalMs
      count++
    }
    if (count > 0) publisher.connection.flush()
  }

  private stamp({ view, payloadAt }: Publisher, sentMs: number): void {
    if (this.options.payloadBytes >= STAMP_BYTES) view.setFloat64(payloadAt + 8, sentMs)
    this.lastSentMs = sentMs
  }

  private append(publisher: Publisher): void {
    const { connection, frame, packetIdAt } = publisher
    const { out } = connection
    if (packetIdAt > 0) {
      const id = connection.nextPacketId()
      frame[packetIdAt] = id >>> 8
      frame[packetIdAt + 1] = id
      publisher.inflight++
      if (this.options.mode === 'pub') this.timesOf(publisher)[id] = this.lastSentMs
    }
    out.append(frame, 0, frame.length)
    publisher.sent++
    this.counters.sent++
    this.counters.sentBytes += frame.length
    this.counters.expected += publisher.copies
  }

  private timesOf(publisher: Publisher): Float64Array {
    let times = this.sentMs.get(publisher)
    if (times === undefined) this.sentMs.set(publisher, (times = new Float64Array(0x1_0000)))
    return times
  }

  // ── what comes back ──────────────────────────────────────────────────────────────────────────────

  opened(connection: BenchConnection, code: number): void {
    const { counters } = this
    if (code !== 0) {
      counters.failed++
      counters.problem ??= `a connection was refused with code ${code}`
      return connection.end()
    }
    counters.connected++
    const startedMs = this.startedMs.get(connection) ?? 0
    counters.connectTimes.record((performance.now() - startedMs) * 1000)
    this.startedMs.delete(connection)
  }

  subscribed(code: number): void {
    this.subscribedCount++
    if (code >= ERRORS_FROM)
      this.counters.problem ??= `a subscription was refused with code ${code}`
  }

  message(bytes: Uint8Array, start: number, end: number): void {
    const { counters } = this
    counters.received++
    counters.receivedBytes += end - start
    if (end - start < STAMP_BYTES) return
    if (this.viewOf !== bytes) {
      this.viewOf = bytes
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    if (this.view.getUint32(start) !== MARK) return
    if (this.isMeasuring) {
      const sentMs = this.view.getFloat64(start + 8)
      counters.latency.record((now() - sentMs) * 1000)
    }
    const publisher = this.byIndex.get(this.view.getUint32(start + 4))
    if (publisher === undefined) return
    publisher.done++
    this.askTurn()
  }

  acknowledged(connection: BenchConnection, packetId: number): void {
    const publisher = this.byIndex.get(connection.index)
    if (publisher === undefined) return
    publisher.inflight--
    this.counters.acked++
    if (this.isMeasuring && this.options.mode === 'pub')
      this.counters.latency.record((now() - this.timesOf(publisher)[packetId]) * 1000)
    this.askTurn()
  }

  closed(connection: BenchConnection, error: Error | null): void {
    const { counters } = this
    counters.failed++
    counters.problem ??= error?.message ?? 'the broker closed a connection'
    connection.isOpen = false
    this.askTurn()
  }
}

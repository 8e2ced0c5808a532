/** The load of publishers and subscribers: free, paced, or by a window of unacknowledged messages. */
import { performance } from 'node:perf_hooks'
import { publishTemplate, SAMPLED_FLAG, subscribeFrame, type ProtocolVersion } from './frames.ts'
import { latencyPercentiles, newLatency } from './latency.ts'
import { append, flush, newLoad, nextPacketId, openLink, reserve, sleep, until } from './link.ts'
import type { Link, Load } from './model.ts'
import { cpuSecondsOf, residentKibOf } from './process-stats.ts'

export interface FlowOptions {
  readonly port: number
  /** Where publishers connect; another node of a cluster. */
  readonly publishPort: number
  readonly tls: boolean
  /** Process id of the broker, 0 when its CPU time is of no interest. */
  readonly brokerPid: number
  readonly version: ProtocolVersion
  readonly shape: 'pair' | 'fanout' | 'fanin'
  readonly publishers: number
  readonly subscribers: number
  readonly qos: number
  readonly payloadBytes: number
  /**
   * Messages of one publisher that may be under way: unacknowledged, or not yet delivered to
   * everyone.
   */
  readonly window: number
  /** Messages per second of each publisher; 0 is as fast as the window allows. */
  readonly pace: number
  readonly seconds: number
  /** Subscribers with sessions that the broker keeps; acknowledgements to publishers are timed. */
  readonly durable: boolean
}

export interface FlowFigures {
  /** Deliveries per second. */
  readonly rate: number
  readonly p50_us: number
  readonly p99_us: number
  readonly p999_us: number
  readonly max_us: number
  /** PUBLISH to PUBACK; 0 unless `durable`. */
  readonly ack_p50_us: number
  readonly ack_p99_us: number
  readonly broker_cpu_us_per_msg: number
  /** Cores in use, broker and load client. */
  readonly broker_cpu: number
  readonly load_cpu: number
  readonly lost: number
  readonly rss_mb: number
}

/** One publisher and its messages, encoded in advance. */
interface Source {
  readonly link: Link
  readonly batch: Buffer
  readonly frameBytes: number
  readonly packetIdAt: number
  readonly payloadAt: number
  nextDueMs: number
}

const WARM_UP_MS = 1000
const DRAIN_MS = 3000
const SETUP_LIMIT_MS = 20_000
/** Messages appended per publisher before the sockets are looked at again. */
const BURST = 64
/** Of an unpaced flow every sixteenth message carries a send time; of a paced one, all. */
const SAMPLE_EVERY = 16

/**
 * Drives publishers and subscribers for one second unmeasured, then `seconds` measured, then waits
 * for stragglers.
 */
export async function runFlow(options: FlowOptions): Promise<FlowFigures> {
  const load = newLoad(options.port, options.version, options.tls)
  if (options.durable) load.ackLatency = newLatency()
  await openSubscribers(load, options)
  const sources = await openPublishers(load, options)
  const pump = startPump(load, sources, options)

  await sleep(WARM_UP_MS)
  load.latency.recording = true
  if (load.ackLatency !== null) load.ackLatency.recording = true
  const before = measure(load, options)
  await sleep(options.seconds * 1000)
  load.latency.recording = false
  const after = measure(load, options)
  pump.stop()

  const sent = sources.reduce((sum, source) => sum + source.link.sent, 0)
  const expected = sent * (options.shape === 'fanout' ? options.subscribers : 1)
  const drainDeadline = performance.now() + DRAIN_MS
  while (load.delivered < expected && performance.now() < drainDeadline) await sleep(10)
  if (load.failure !== '') throw new Error(load.failure)
  if (load.dead > 0) throw new Error(`${load.dead} connections lost`)

  const seconds = (after.ms - before.ms) / 1000
  const delivered = after.delivered - before.delivered
  const [p50 = 0, p99 = 0, p999 = 0, max = 0] = latencyPercentiles(
    load.latency,
    [0.5, 0.99, 0.999, 1],
  )
  const [ackP50 = 0, ackP99 = 0] = latencyPercentiles(load.ackLatency ?? newLatency(), [0.5, 0.99])
  return {
    rate: Math.round(delivered / seconds),
    p50_us: p50,
    p99_us: p99,
    p999_us: p999,
    max_us: max,
    ack_p50_us: ackP50,
    ack_p99_us: ackP99,
    broker_cpu_us_per_msg: ((after.brokerCpu - before.brokerCpu) * 1e6) / Math.max(1, delivered),
    broker_cpu: (after.brokerCpu - before.brokerCpu) / seconds,
    load_cpu: (after.ownCpu - before.ownCpu) / seconds,
    lost: expected - load.delivered,
    rss_mb: residentKibOf(options.brokerPid) / 1024,
  }
}

function measure(load: Load, options: FlowOptions) {
  const own = process.cpuUsage()
  return {
    ms: performance.now(),
    delivered: load.delivered,
    brokerCpu: cpuSecondsOf(options.brokerPid),
    ownCpu: (own.user + own.system) / 1e6,
  }
}

function topicOf(options: FlowOptions, index: number): string {
  if (options.shape === 'fanout') return 'bench/all'
  if (options.shape === 'fanin') return `bench/in/${index}`
  return `bench/${index % options.subscribers}`
}

async function openSubscribers(load: Load, options: FlowOptions): Promise<void> {
  const count = options.subscribers
  for (let index = 0; index < count; index++)
    openLink(load, `load-s${index}-${process.pid}`, !options.durable)
  await until(load, () => load.connected >= count, SETUP_LIMIT_MS, 'connecting subscribers')
  for (const [index, link] of load.links.entries()) {
    const filter = options.shape === 'fanin' ? 'bench/in/#' : topicOf(options, index)
    append(link, subscribeFrame(options.version, 1, filter, options.qos))
    flush(link)
  }
  await until(load, () => load.subscribed >= count, SETUP_LIMIT_MS, 'subscribing')
}

async function openPublishers(load: Load, options: FlowOptions): Promise<Source[]> {
  const sources: Source[] = []
  for (let index = 0; index < options.publishers; index++) {
    const link = openLink(load, `load-p${index}-${process.pid}`, true, options.publishPort)
    const template = publishTemplate({
      version: options.version,
      topic: topicOf(options, index),
      qos: options.qos,
      retain: false,
      payloadBytes: options.payloadBytes,
      publisherId: link.id,
    })
    const { bytes, packetIdAt, payloadAt } = template
    const batch = Buffer.concat(Array<Buffer>(BURST).fill(bytes))
    sources.push({ link, batch, frameBytes: bytes.length, packetIdAt, payloadAt, nextDueMs: 0 })
  }
  const count = options.subscribers + options.publishers
  await until(load, () => load.connected >= count, SETUP_LIMIT_MS, 'connecting publishers')
  return sources
}

/**
 * Sends whenever a window has room. An unpaced flow is woken by what it reads, once per turn of the
 * event loop; a paced one looks at the clock in every turn, because timers are a millisecond coarse
 * and would bundle what should be spread.
 */
function startPump(load: Load, sources: readonly Source[], options: FlowOptions) {
  const paced = options.pace > 0
  const intervalMs = paced ? 1000 / options.pace : 0
  const start = performance.now()
  for (const [index, source] of sources.entries()) {
    source.nextDueMs = start + (intervalMs * index) / sources.length
  }
  let running = true
  let scheduled = false
  const wake = (): void => {
    if (scheduled || !running) return
    scheduled = true
    setImmediate(turn)
  }
  const turn = (): void => {
    scheduled = false
    if (!running) return
    const nowMs = performance.now()
    let sent = 0
    for (const source of sources) {
      let room = Math.min(BURST, roomOf(source.link, options))
      if (paced) room = Math.min(room, takeDue(source, nowMs, intervalMs, room))
      if (room <= 0) continue
      publish(source, room, options)
      sent += room
    }
    if (paced || sent > 0) wake()
  }
  load.onProgress = wake
  wake()
  return {
    stop: () => {
      running = false
      load.onProgress = () => undefined
    },
  }
}

function roomOf(link: Link, options: FlowOptions): number {
  if (link.writing) return 0
  const fan = options.shape === 'fanout' ? options.subscribers : 1
  const undelivered = link.sent - Math.floor(link.done / fan)
  return options.window - (options.qos > 0 ? Math.max(undelivered, link.inflight) : undelivered)
}

/** Moves the source's clock past what is due now, and says how many messages that is. */
function takeDue(source: Source, nowMs: number, intervalMs: number, limit: number): number {
  let due = 0
  while (due < limit && source.nextDueMs <= nowMs) {
    source.nextDueMs += intervalMs
    due++
  }
  return due
}

function publish(source: Source, count: number, options: FlowOptions): void {
  const { link, batch, frameBytes, packetIdAt, payloadAt } = source
  const bytes = count * frameBytes
  reserve(link, bytes)
  const { out } = link
  const at = link.outLength
  batch.copy(out, at, 0, bytes)
  if (options.qos > 0) {
    const sendMs = link.sentMs === null ? 0 : performance.now()
    for (let id = at + packetIdAt, end = at + bytes; id < end; id += frameBytes) {
      const packetId = nextPacketId(link)
      out[id] = packetId >> 8
      out[id + 1] = packetId & 0xff
      if (link.sentMs !== null) link.sentMs[packetId] = sendMs
    }
    link.inflight += count
  }
  const step = options.pace > 0 ? 1 : SAMPLE_EVERY
  const nowMs = performance.now()
  for (let index = (step - (link.sent % step)) % step; index < count; index += step) {
    const payload = at + index * frameBytes + payloadAt
    out.writeDoubleBE(nowMs, payload)
    out[payload + 8] = SAMPLED_FLAG
  }
  link.sent += count
  link.outLength = at + bytes
  flush(link)
}

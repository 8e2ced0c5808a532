/** Packet traces: what one client, topic or address sent and was sent, kept for somebody to look at. */
import { randomUUID } from 'node:crypto'
import { Fifo } from '../base/fifo.ts'
import type { Broker } from '../broker/broker.ts'
import type { Inspector } from '../broker/inspect.ts'
import type { Tap } from '../broker/state/core.ts'
import type { Connection } from '../broker/state/model.ts'
import { PacketType } from '../codec/packets.ts'
import { isShared, matches, topicFilterProblem } from '../topics/names.ts'
import { HttpError } from './http-error.ts'
import { createTap, type TappedPacket } from './packet-tap.ts'
import type { Trace, TraceBody, TracePacket } from './schemas-traces.ts'
import { describe, PAYLOAD_BYTES_MAX, topicOf } from './trace-packet.ts'

const TRACES_MAX = 5
const BYTES_MAX = 8 << 20
/** Packets that are decoded a second; the rest is counted. */
const PACKETS_PER_SECOND_MAX = 2000
/** What an entry costs besides its texts. */
const ENTRY_BYTES = 300

export interface Traces {
  list(): Trace[]
  /** @throws HttpError */
  start(wanted: TraceBody): Trace
  get(id: string): Trace | null
  /** Packets with a number above `after`, at most `max`. */
  packets(id: string, after: number, max: number): TracePacket[]
  remove(id: string): boolean
  /** A packet that was traced elsewhere. */
  take(id: string, packet: TracePacket): void
  stop(): void
}

/** Traces of other cores: what one of ours asks for, and the end of that. */
export interface OtherTraces {
  start(id: string, wanted: TraceBody): void
  end(id: string): void
}

/** A packet that was seen for the trace of another core. */
export interface Traced {
  readonly id: string
  readonly packet: TracePacket
}

type Look = Parameters<typeof createTap>[0]

/** Shows packets to `look` while they are watched. What begins anew knows nothing of packets that it saw no end of. */
function watcherOf(broker: Broker, look: Look, isWatched: () => boolean): () => void {
  let tap: Tap | null = null
  return () => {
    tap = isWatched() ? (tap ?? createTap(look)) : null
    broker.watch(tap)
  }
}

type Entry = { -readonly [Key in keyof TracePacket]: TracePacket[Key] }

interface Running {
  readonly id: string
  readonly wanted: TraceBody
  readonly startedAtMs: number
  readonly endsAtMs: number
  readonly packetsMax: number
  readonly entries: Fifo<Entry>
  bytes: number
  seen: number
  running: boolean
  second: number
  inSecond: number
  timer: NodeJS.Timeout
}

/** @param others Trace the same; what they see comes by `take`. */
export function createTraces(
  broker: Broker,
  inspector: Inspector,
  others: OtherTraces | null = null,
): Traces {
  const traces = new Map<string, Running>()

  const look: Look = (packet) => {
    const known = factsOf(packet, inspector)
    let entry: Entry | null = null
    for (const trace of traces.values()) {
      if (!trace.running || !concerns(trace.wanted, known)) continue
      trace.seen++
      if (!admits(trace)) continue
      entry = entryOf(packet, known, trace.seen)
      keep(trace, entry)
    }
    return fillerOf(entry)
  }

  const watch = watcherOf(broker, look, () => [...traces.values()].some(({ running }) => running))
  const end = (trace: Running): void => {
    clearTimeout(trace.timer)
    if (trace.running) others?.end(trace.id)
    trace.running = false
    watch()
  }

  return {
    list: () => [...traces.values()].map(factsOfTrace),
    start(wanted) {
      check(wanted)
      if (traces.size >= TRACES_MAX)
        throw new HttpError(409, `There are ${TRACES_MAX} traces. Remove one of them first.`)
      const trace: Running = runningOf(wanted, () => end(trace))
      traces.set(trace.id, trace)
      others?.start(trace.id, wanted)
      watch()
      return factsOfTrace(trace)
    },
    get(id) {
      const trace = traces.get(id)
      return trace === undefined ? null : factsOfTrace(trace)
    },
    packets(id, after, max) {
      const found: TracePacket[] = []
      for (const entry of traces.get(id)?.entries ?? []) {
        if (entry.number <= after) continue
        if (found.length === max) break
        found.push(entry)
      }
      return found
    },
    remove(id) {
      const trace = traces.get(id)
      if (trace === undefined) return false
      traces.delete(id)
      end(trace)
      return true
    },
    take: (id, packet) => take(traces.get(id), packet),
    stop() {
      for (const trace of traces.values()) end(trace)
    },
  }
}

function take(trace: Running | undefined, packet: TracePacket): void {
  if (trace === undefined || !trace.running) return
  trace.seen++
  if (admits(trace)) keep(trace, { ...packet, number: trace.seen })
}

/** Takes the begin of a payload that comes in another segment; null: nobody wants it. */
function fillerOf(entry: Entry | null): ((payload: Uint8Array) => void) | null {
  if (entry === null) return null
  return (payload) => {
    if (entry.payload === '') entry.payload = base64(payload)
  }
}

/** Traces for other cores. @param tell Is given what was seen in a turn. */
export function traceForOthers(
  broker: Broker,
  inspector: Inspector,
  tell: (seen: readonly Traced[]) => void,
): OtherTraces {
  const asked = new Map<string, Pick<Running, 'wanted' | 'second' | 'inSecond'>>()
  let seen: { id: string; packet: Entry }[] = []
  const send = (): void => {
    tell(seen)
    seen = []
  }
  const look: Look = (packet) => {
    const known = factsOf(packet, inspector)
    let entry: Entry | null = null
    for (const [id, trace] of asked) {
      if (!concerns(trace.wanted, known) || !admits(trace)) continue
      entry ??= entryOf(packet, known, 0)
      if (seen.length === 0) setImmediate(send)
      seen.push({ id, packet: entry })
    }
    return fillerOf(entry)
  }
  const watch = watcherOf(broker, look, () => asked.size > 0)
  return {
    start(id, wanted) {
      asked.set(id, { wanted, second: 0, inSecond: 0 })
      watch()
    },
    end(id) {
      asked.delete(id)
      watch()
    },
  }
}

/** @param end Is called when its time is up. */
function runningOf(wanted: TraceBody, end: () => void): Running {
  const startedAtMs = Date.now()
  const lifeMs = (wanted.seconds ?? 300) * 1000
  return {
    id: randomUUID(),
    wanted,
    startedAtMs,
    endsAtMs: startedAtMs + lifeMs,
    packetsMax: wanted.packetsMax ?? 2000,
    entries: new Fifo(),
    bytes: 0,
    seen: 0,
    running: true,
    second: 0,
    inSecond: 0,
    timer: setTimeout(end, lifeMs).unref(),
  }
}

function check({ clientId, topic, address }: TraceBody): void {
  if (clientId === undefined && topic === undefined && address === undefined)
    throw new HttpError(400, 'Say which packets: clientId, topic or address.')
  if (topic === undefined) return
  const problem = isShared(topic) ? 'a shared filter matches no topic' : topicFilterProblem(topic)
  if (problem !== null) throw new HttpError(400, `topic: ${problem}`)
}

interface Facts {
  readonly clientId: string | null
  readonly address: string
  /** Of a PUBLISH; null: of another packet, or not known. Found when it is first asked for. */
  topic(): string | null
}

function factsOf(packet: TappedPacket, inspector: Inspector): Facts {
  const { connection, direction, bytes, start } = packet
  const type = bytes[start] >> 4
  const isConnect = type === PacketType.connect
  const clientId = isConnect
    ? describe(packet, null).clientId
    : (connection.identity?.clientId ?? null)
  let topic: string | null | undefined
  return {
    clientId,
    address: addressOf(connection),
    topic() {
      if (type !== PacketType.publish) return null
      topic ??= fullTopic(packet, clientId, direction === 'received', inspector)
      return topic
    },
  }
}

function fullTopic(
  packet: TappedPacket,
  clientId: string | null,
  fromClient: boolean,
  inspector: Inspector,
): string | null {
  const topic = topicOf(packet)
  if (typeof topic === 'string') return topic
  return clientId === null ? null : inspector.aliasTopic(clientId, topic, fromClient)
}

function addressOf({ link }: Connection): string {
  const colon = link.remote.lastIndexOf(':')
  return colon < 0 ? link.remote : link.remote.slice(0, colon)
}

function concerns(wanted: TraceBody, known: Facts): boolean {
  if (wanted.clientId !== undefined && wanted.clientId !== known.clientId) return false
  if (wanted.address !== undefined && wanted.address !== known.address) return false
  if (wanted.topic === undefined) return true
  const topic = known.topic()
  return topic !== null && matches(wanted.topic, topic)
}

function admits(trace: Pick<Running, 'second' | 'inSecond'>): boolean {
  const second = Math.floor(Date.now() / 1000)
  if (second !== trace.second) {
    trace.second = second
    trace.inSecond = 0
  }
  return trace.inSecond++ < PACKETS_PER_SECOND_MAX
}

function entryOf(packet: TappedPacket, known: Facts, number: number): Entry {
  const { connection, direction, start, end } = packet
  const { type, summary, fields, payload } = describe(packet, known.topic())
  return {
    number,
    timeMs: Date.now(),
    direction,
    clientId: known.clientId,
    remote: connection.link.remote,
    type,
    bytes: end - start,
    summary,
    fields,
    payload: payload === null ? null : base64(payload),
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, PAYLOAD_BYTES_MAX)).toString('base64')
}

function sizeOf({ fields, summary, payload }: Entry): number {
  return ENTRY_BYTES + fields.length + summary.length + (payload?.length ?? 0)
}

function keep(trace: Running, entry: Entry): void {
  trace.entries.push(entry)
  trace.bytes += sizeOf(entry)
  while (trace.entries.length > trace.packetsMax || trace.bytes > BYTES_MAX) {
    const oldest = trace.entries.shift()
    if (oldest === undefined) return
    trace.bytes -= sizeOf(oldest)
  }
}

function factsOfTrace(trace: Running): Trace {
  const { id, wanted, startedAtMs, endsAtMs, running, entries, seen } = trace
  const { clientId = null, topic = null, address = null } = wanted
  return {
    id,
    clientId,
    topic,
    address,
    startedAtMs,
    endsAtMs,
    running,
    packets: entries.length,
    seen,
  }
}

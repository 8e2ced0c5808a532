/**
 * A door of the joint store in another thread: calls go over, events come back.
 *
 *     core ── RemoteStore ── bytes ──▶ serveStore ── door of JointStore
 *                  ◀──────── bytes ──
 */
import type { Qos } from '../codec/packets.ts'
import type { Message } from '../ports/message.ts'
import type {
  ClaimedSession,
  SessionRecord,
  Store,
  StoredDelivery,
  StoredWill,
  StoreEvents,
  StoreFailure,
  SubscriptionOptions,
} from '../ports/ports.ts'
import { Call, Event } from './ops.ts'
import type { WireReader, WireWriter } from './wire.ts'

// ── shapes ─────────────────────────────────────────────────────────────────────────────────────────

function writeOptional(out: WireWriter, message: Message | null): void {
  out.u8(message === null ? 0 : 1)
  if (message !== null) out.message(message)
}

function readOptional(reader: WireReader): Message | null {
  return reader.u8() === 0 ? null : reader.message(true)
}

function writeRecord(out: WireWriter, { will, ...rest }: SessionRecord): void {
  out.json(rest)
  writeWaiting(out, will)
}

function readRecord(reader: WireReader): SessionRecord {
  const rest = reader.json() as Omit<SessionRecord, 'will'>
  return { ...rest, will: readWaiting(reader) }
}

function writeWaiting(out: WireWriter, waiting: StoredWill | null): void {
  writeOptional(out, waiting?.message ?? null)
  if (waiting === null) return
  const { dueAtMs, remote, origin } = waiting
  out.json({ dueAtMs, remote, origin })
}

function readWaiting(reader: WireReader): StoredWill | null {
  const message = readOptional(reader)
  if (message === null) return null
  return { message, ...(reader.json() as Omit<StoredWill, 'message'>) }
}

function writeEntry(out: WireWriter, entry: StoredDelivery): void {
  const { sequence, message, qos, retain, subscriptionId, released, safe } = entry
  out.number(sequence)
  out.u8(qos | (retain ? 4 : 0) | (released ? 8 : 0) | (safe ? 16 : 0))
  out.u32(subscriptionId)
  out.message(message)
}

function readEntry(reader: WireReader): StoredDelivery {
  const sequence = reader.number()
  const flags = reader.u8()
  return {
    sequence,
    qos: (flags & 3) as Qos,
    retain: (flags & 4) !== 0,
    released: (flags & 8) !== 0,
    safe: (flags & 16) !== 0,
    subscriptionId: reader.u32(),
    message: reader.message(true),
  }
}

// ── in the worker ──────────────────────────────────────────────────────────────────────────────────

interface Appended {
  readonly clientId: string
  readonly entry: Omit<StoredDelivery, 'sequence'>
}

/** The Store of a core whose thread does not have it. */
export class RemoteStore implements Store {
  readonly survives: boolean
  /** Something was written that is not sealed: it goes over as a whole. */
  isDirty = false
  private readonly out: WireWriter
  private events: StoreEvents | null = null
  private closed: (() => void) | null = null
  /** Whose places in their queues are not known yet, in order. */
  private appended: Appended[] = []
  private lastMessage: Message | null = null
  /** Retained messages on their way, by topic: what is told of one meanwhile is older. */
  private readonly retaining = new Map<string, number>()

  constructor(out: WireWriter, survives: boolean) {
    this.out = out
    this.survives = survives
  }

  open(events: StoreEvents): void {
    this.events = events
    this.out.op(Call.open)
  }

  close(done: () => void): void {
    this.closed = done
    this.isDirty = false
    this.out.op(Call.close)
  }

  private write(op: number): WireWriter {
    this.isDirty = true
    this.lastMessage = null
    this.out.op(op)
    return this.out
  }

  claim(request: number, clientId: string, cleanStart: boolean): void {
    const out = this.write(Call.claim)
    out.number(request)
    out.text(clientId)
    out.u8(cleanStart ? 1 : 0)
  }

  unclaim(clientId: string): void {
    this.write(Call.unclaim).text(clientId)
  }

  saveSession(record: SessionRecord): void {
    writeRecord(this.write(Call.saveSession), record)
  }

  deleteSession(clientId: string): void {
    this.write(Call.deleteSession).text(clientId)
  }

  saveSubscription(clientId: string, filter: string, options: SubscriptionOptions): void {
    const out = this.write(Call.saveSubscription)
    out.text(clientId)
    out.text(filter)
    out.json(options)
  }

  deleteSubscription(clientId: string, filter: string): void {
    const out = this.write(Call.deleteSubscription)
    out.text(clientId)
    out.text(filter)
  }

  /** 0: where it stands in the queue is known there alone; if the session is held here, it comes back as arrived. */
  append(
    clientId: string,
    sequence: number,
    message: Message,
    qos: Qos,
    retain: boolean,
    subscriptionId: number,
  ): number {
    const isSame = message === this.lastMessage
    const out = this.write(isSame ? Call.appendSame : Call.append)
    out.text(clientId)
    out.number(sequence)
    out.u8(qos | (retain ? 4 : 0))
    out.u32(subscriptionId)
    if (!isSame) out.message(message)
    this.lastMessage = message
    this.appended.push({
      clientId,
      entry: { message, qos, retain, subscriptionId, released: false, safe: false },
    })
    return 0
  }

  acknowledge(clientId: string, sequence: number): void {
    const out = this.write(Call.acknowledge)
    out.text(clientId)
    out.number(sequence)
  }

  release(clientId: string, sequence: number): void {
    const out = this.write(Call.release)
    out.text(clientId)
    out.number(sequence)
  }

  read(request: number, clientId: string, after: number, limit: number): void {
    const { out } = this
    out.op(Call.read)
    out.number(request)
    out.text(clientId)
    out.number(after)
    out.u32(limit)
  }

  holdInbound(clientId: string, packetId: number, message: Message): void {
    const out = this.write(Call.holdInbound)
    out.text(clientId)
    out.u32(packetId)
    out.message(message)
  }

  dropInbound(clientId: string, packetId: number): void {
    const out = this.write(Call.dropInbound)
    out.text(clientId)
    out.u32(packetId)
  }

  saveRetained(topic: string, message: Message | null): void {
    const out = this.write(Call.saveRetained)
    this.retaining.set(topic, (this.retaining.get(topic) ?? 0) + 1)
    out.text(topic)
    writeOptional(out, message)
  }

  saveDelayed(id: string, waiting: StoredWill | null): void {
    const out = this.write(Call.saveDelayed)
    out.text(id)
    writeWaiting(out, waiting)
  }

  seal(batch: number): void {
    this.isDirty = false
    this.lastMessage = null
    this.out.op(Call.seal)
    this.out.number(batch)
  }

  /** An event came; false: it is none of the store's. */
  told(op: number, reader: WireReader): boolean {
    const read = this.readers[op]
    if (read === undefined) return false
    read(reader)
    return true
  }

  private readonly readers: Readonly<Record<number, (reader: WireReader) => void>> = {
    [Event.session]: (reader) => {
      const clientId = reader.text()
      const isTended = reader.u8() === 1
      const record = reader.u8() === 0 ? null : readRecord(reader)
      const backlog = reader.json() as Parameters<StoreEvents['session']>[2] | null
      this.events?.session(clientId, record, backlog ?? undefined, isTended)
    },
    [Event.route]: (reader) =>
      this.events?.route(reader.text(), reader.text(), reader.json() as SubscriptionOptions | null),
    [Event.retained]: (reader) => {
      const topic = reader.text()
      const message = readOptional(reader)
      if (!this.retaining.has(topic)) this.events?.retained(topic, message)
    },
    [Event.retainedWritten]: (reader) => {
      const topic = reader.text()
      const left = (this.retaining.get(topic) ?? 0) - 1
      if (left > 0) this.retaining.set(topic, left)
      else this.retaining.delete(topic)
    },
    [Event.delayed]: (reader) =>
      this.events?.delayed(reader.text(), readWaiting(reader) as StoredWill),
    [Event.ready]: () => this.events?.ready(),
    [Event.claimed]: (reader) => {
      const request = reader.number()
      const owner = reader.textOrNull()
      const state = reader.u8() === 0 ? null : readClaimed(reader)
      this.events?.claimed(request, state, owner)
    },
    [Event.page]: (reader) => {
      const request = reader.number()
      const clientId = reader.text()
      const more = reader.u8() === 1
      const count = reader.u32()
      const entries = Array.from({ length: count }, () => readEntry(reader))
      this.events?.page(request, clientId, entries, more)
    },
    [Event.lost]: (reader) =>
      this.events?.lost(reader.text(), reader.number(), reader.number(), reader.json() as string),
    [Event.arrived]: (reader) => this.events?.arrived(reader.text(), readEntry(reader)),
    [Event.appended]: (reader) => {
      const sequence = reader.number()
      const { clientId, entry } = this.appended.shift() as Appended
      if (sequence > 0) this.events?.arrived(clientId, { ...entry, sequence })
    },
    [Event.overflowed]: (reader) => this.events?.overflowed(reader.text()),
    [Event.committed]: (reader) => this.events?.committed(reader.number()),
    [Event.failed]: (reader) =>
      this.events?.failed(
        reader.number(),
        reader.text() as StoreFailure,
        new Error(reader.json() as string),
      ),
    [Event.closed]: () => {
      this.events = null
      this.closed?.()
    },
  }
}

function readClaimed(reader: WireReader): ClaimedSession {
  const record = readRecord(reader)
  const counts = reader.json() as Omit<ClaimedSession, 'record' | 'inbound'>
  const length = reader.u32()
  const inbound = Array.from({ length }, () => ({
    packetId: reader.u32(),
    message: reader.message(true),
  }))
  return { record, inbound, ...counts }
}

// ── beside the store ───────────────────────────────────────────────────────────────────────────────

/** What a worker's sessions hold of entries: the store wants the message again when it is acknowledged. */
type Held = Map<string, Map<number, Message>>

/** Serves a door to a worker. `out`: to the worker. Returns what reads a call; false: it is none of the store's. */
export function serveStore(
  door: Store,
  out: WireWriter,
): (op: number, reader: WireReader) => boolean {
  const held: Held = new Map()
  const events = storeEvents(out, held)
  let lastMessage: Message | null = null
  const append = (reader: WireReader, isSame: boolean): void => {
    const clientId = reader.text()
    const proposal = reader.number()
    const flags = reader.u8()
    const subscriptionId = reader.u32()
    if (!isSame) lastMessage = reader.message(true)
    const message = lastMessage as Message
    const qos = (flags & 3) as Qos
    const given = door.append(clientId, proposal, message, qos, (flags & 4) !== 0, subscriptionId)
    if (given > 0) hold(held, clientId, given, message)
    out.op(Event.appended)
    out.number(given)
  }
  const calls: Readonly<Record<number, (reader: WireReader) => void>> = {
    [Call.open]: () => door.open(events),
    [Call.close]: () => door.close(() => out.op(Event.closed)),
    [Call.claim]: (reader) => door.claim(reader.number(), reader.text(), reader.u8() === 1),
    [Call.unclaim]: (reader) => {
      const clientId = reader.text()
      held.delete(clientId)
      door.unclaim(clientId)
    },
    [Call.saveSession]: (reader) => door.saveSession(readRecord(reader)),
    [Call.deleteSession]: (reader) => {
      const clientId = reader.text()
      held.delete(clientId)
      door.deleteSession(clientId)
    },
    [Call.saveSubscription]: (reader) =>
      door.saveSubscription(reader.text(), reader.text(), reader.json() as SubscriptionOptions),
    [Call.deleteSubscription]: (reader) => door.deleteSubscription(reader.text(), reader.text()),
    [Call.append]: (reader) => append(reader, false),
    [Call.appendSame]: (reader) => append(reader, true),
    [Call.acknowledge]: (reader) => {
      const clientId = reader.text()
      const sequence = reader.number()
      const message = held.get(clientId)?.get(sequence)
      if (message === undefined) return
      held.get(clientId)?.delete(sequence)
      door.acknowledge(clientId, sequence, message)
    },
    [Call.release]: (reader) => door.release(reader.text(), reader.number()),
    [Call.read]: (reader) =>
      door.read(reader.number(), reader.text(), reader.number(), reader.u32()),
    [Call.holdInbound]: (reader) =>
      door.holdInbound(reader.text(), reader.u32(), reader.message(true)),
    [Call.dropInbound]: (reader) => door.dropInbound(reader.text(), reader.u32()),
    [Call.saveRetained]: (reader) => {
      const topic = reader.text()
      door.saveRetained(topic, readOptional(reader))
      out.op(Event.retainedWritten)
      out.text(topic)
    },
    [Call.saveDelayed]: (reader) => door.saveDelayed(reader.text(), readWaiting(reader)),
    [Call.seal]: (reader) => door.seal(reader.number()),
  }
  return (op, reader) => {
    calls[op]?.(reader)
    return op in calls
  }
}

function hold(held: Held, clientId: string, sequence: number, message: Message): void {
  const entries = held.get(clientId)
  if (entries === undefined) held.set(clientId, new Map([[sequence, message]]))
  else entries.set(sequence, message)
}

function storeEvents(out: WireWriter, held: Held): StoreEvents {
  return {
    session(clientId, record, backlog, isTended = false) {
      out.op(Event.session)
      out.text(clientId)
      out.u8(isTended ? 1 : 0)
      out.u8(record === null ? 0 : 1)
      if (record !== null) writeRecord(out, record)
      out.json(backlog === undefined ? null : countsOf(backlog))
    },
    route(clientId, filter, options) {
      out.op(Event.route)
      out.text(clientId)
      out.text(filter)
      out.json(options)
    },
    retained(topic, message) {
      out.op(Event.retained)
      out.text(topic)
      writeOptional(out, message)
    },
    delayed(id, waiting) {
      out.op(Event.delayed)
      out.text(id)
      writeWaiting(out, waiting)
    },
    ready: () => out.op(Event.ready),
    claimed(request, state, owner) {
      out.op(Event.claimed)
      out.number(request)
      out.text(owner)
      out.u8(state === null ? 0 : 1)
      if (state !== null) writeClaimed(out, state)
    },
    page(request, clientId, entries, more) {
      out.op(Event.page)
      out.number(request)
      out.text(clientId)
      out.u8(more ? 1 : 0)
      out.u32(entries.length)
      for (const entry of entries) {
        hold(held, clientId, entry.sequence, entry.message)
        writeEntry(out, entry)
      }
    },
    lost(clientId, sequence, bytes, reason) {
      held.get(clientId)?.delete(sequence)
      out.op(Event.lost)
      out.text(clientId)
      out.number(sequence)
      out.number(bytes)
      out.json(reason)
    },
    arrived(clientId, entry) {
      hold(held, clientId, entry.sequence, entry.message)
      out.op(Event.arrived)
      out.text(clientId)
      writeEntry(out, entry)
    },
    overflowed(clientId) {
      out.op(Event.overflowed)
      out.text(clientId)
    },
    committed(batch) {
      out.op(Event.committed)
      out.number(batch)
    },
    failed(batch, failure, error) {
      out.op(Event.failed)
      out.number(batch)
      out.text(failure)
      out.json(error.message)
    },
  }
}

function countsOf({
  queuedCount,
  queuedBytes,
  lastSequence,
}: {
  queuedCount: number
  queuedBytes: number
  lastSequence: number
}) {
  return { queuedCount, queuedBytes, lastSequence }
}

function writeClaimed(out: WireWriter, { record, inbound, ...counts }: ClaimedSession): void {
  writeRecord(out, record)
  out.json(counts)
  out.u32(inbound.length)
  for (const { packetId, message } of inbound) {
    out.u32(packetId)
    out.message(message)
  }
}

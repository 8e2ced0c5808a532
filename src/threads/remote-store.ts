/**
 * A door of the joint store in another thread: calls go over, events come back.
 *
 *     core ── RemoteStore ── bytes ──▶ serveStore ── door of JointStore
 *                  ◀──────── bytes ──
 */
import type { Qos } from '../codec/packets.ts'
import type { Message } from '../ports/message.ts'
import type {
  SessionRecord,
  Store,
  StoredDelivery,
  StoredWill,
  StoreEvents,
  StoreFailure,
  SubscriptionOptions,
} from '../ports/store.ts'
import { Call, Event } from './ops.ts'
import {
  readClaimed,
  readEntry,
  readOptional,
  readRecord,
  readWaiting,
  writeOptional,
  writeRecord,
  writeWaiting,
} from './store-shapes.ts'
import type { WireReader, WireWriter } from './wire.ts'

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
  private readonly onRetained: () => void
  private events: StoreEvents | null = null
  private closed: (() => void) | null = null
  /** Whose places in their queues are not known yet, in order. */
  private appended: Appended[] = []
  private lastMessage: Message | null = null
  /** Retained messages on their way, by topic: what is told of one meanwhile is older. */
  private readonly retaining = new Map<string, number>()

  /** `onRetained`: a retained message is written. */
  constructor(out: WireWriter, survives: boolean, onRetained: () => void = () => {}) {
    this.out = out
    this.survives = survives
    this.onRetained = onRetained
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

  unclaim(clientId: string, sentTo = -1): void {
    const out = this.write(Call.unclaim)
    out.text(clientId)
    out.number(sentTo)
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
    const kept = message.kept()
    const isSame = kept === this.lastMessage
    const out = this.write(isSame ? Call.appendSame : Call.append)
    out.text(clientId)
    out.number(sequence)
    out.u8(qos | (retain ? 4 : 0))
    out.u32(subscriptionId)
    if (!isSame) out.message(kept)
    this.lastMessage = kept
    this.appended.push({
      clientId,
      entry: { message: kept, qos, retain, subscriptionId, released: false, safe: false },
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

  saveRetained(topic: string, message: Message | null, overAtMs?: number): void {
    if (overAtMs !== undefined) return this.expireRetained(topic, overAtMs)
    const out = this.write(Call.saveRetained)
    this.retaining.set(topic, (this.retaining.get(topic) ?? 0) + 1)
    out.text(topic)
    writeOptional(out, message)
    this.onRetained()
  }

  /** What is told of it meanwhile may have replaced it. */
  private expireRetained(topic: string, overAtMs: number): void {
    const out = this.write(Call.expireRetained)
    out.text(topic)
    out.double(overAtMs)
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

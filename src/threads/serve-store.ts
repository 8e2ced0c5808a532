/** Serves a door of the joint store to a worker; `remote-store.ts` is the other end. */
import type { Qos } from '../codec/packets.ts'
import type { Message } from '../ports/message.ts'
import type { Store, StoreEvents, SubscriptionOptions } from '../ports/store.ts'
import { Call, Event } from './ops.ts'
import {
  readOptional,
  readRecord,
  readWaiting,
  writeClaimed,
  writeEntry,
  writeOptional,
  writeRecord,
  writeWaiting,
} from './store-shapes.ts'
import type { WireReader, WireWriter } from './wire.ts'

/**
 * Entries that a worker may acknowledge: the store wants the message again then. Of a session whose client is away those that it
 * was sent; of one that another thread has had since then none, its core begins anew too.
 */
type Unacknowledged = Map<string, Map<number, Message>>

/** Serves a door to a worker. `out`: to the worker. Returns what reads a call; false: it is none of the store's. */
export function serveStore(
  door: Store,
  out: WireWriter,
): (op: number, reader: WireReader) => boolean {
  const unacknowledged: Unacknowledged = new Map()
  const events = storeEvents(out, unacknowledged)
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
    if (given > 0) noteEntry(unacknowledged, clientId, given, message)
    out.op(Event.appended)
    out.number(given)
  }
  const calls: Readonly<Record<number, (reader: WireReader) => void>> = {
    [Call.open]: () => door.open(events),
    [Call.close]: () => door.close(() => out.op(Event.closed)),
    [Call.claim]: (reader) => door.claim(reader.number(), reader.text(), reader.u8() === 1),
    [Call.unclaim]: (reader) => {
      const clientId = reader.text()
      const sentTo = reader.number()
      if (sentTo >= 0) dropUnsent(unacknowledged, clientId, sentTo)
      door.unclaim(clientId, sentTo < 0 ? undefined : sentTo)
    },
    [Call.saveSession]: (reader) => door.saveSession(readRecord(reader)),
    [Call.deleteSession]: (reader) => {
      const clientId = reader.text()
      unacknowledged.delete(clientId)
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
      const message = unacknowledged.get(clientId)?.get(sequence)
      if (message === undefined) return
      unacknowledged.get(clientId)?.delete(sequence)
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
    [Call.expireRetained]: (reader) => door.saveRetained(reader.text(), null, reader.double()),
    [Call.saveDelayed]: (reader) => door.saveDelayed(reader.text(), readWaiting(reader)),
    [Call.seal]: (reader) => door.seal(reader.number()),
  }
  return (op, reader) => {
    calls[op]?.(reader)
    return op in calls
  }
}

function noteEntry(
  unacknowledged: Unacknowledged,
  clientId: string,
  sequence: number,
  message: Message,
): void {
  const entries = unacknowledged.get(clientId)
  if (entries === undefined) unacknowledged.set(clientId, new Map([[sequence, message]]))
  else entries.set(sequence, message)
}

function dropUnsent(unacknowledged: Unacknowledged, clientId: string, sentTo: number): void {
  const entries = unacknowledged.get(clientId)
  if (entries === undefined) return
  for (const sequence of entries.keys()) if (sequence > sentTo) entries.delete(sequence)
  if (entries.size === 0) unacknowledged.delete(clientId)
}

/** What is told of others' doings. */
function news(out: WireWriter, unacknowledged: Unacknowledged) {
  return {
    session(clientId, record, backlog, isTended = false) {
      unacknowledged.delete(clientId)
      out.op(Event.session)
      out.text(clientId)
      out.u8(isTended ? 1 : 0)
      out.u8(record === null ? 0 : 1)
      if (record !== null) writeRecord(out, record)
      out.json(backlog ?? null)
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
  } satisfies Partial<StoreEvents>
}

/** What answers it, and what comes for sessions that it holds. */
function storeEvents(out: WireWriter, unacknowledged: Unacknowledged): StoreEvents {
  return {
    ...news(out, unacknowledged),
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
        noteEntry(unacknowledged, clientId, entry.sequence, entry.message)
        writeEntry(out, entry)
      }
    },
    lost(clientId, sequence, bytes, reason) {
      unacknowledged.get(clientId)?.delete(sequence)
      out.op(Event.lost)
      out.text(clientId)
      out.number(sequence)
      out.number(bytes)
      out.json(reason)
    },
    arrived(clientId, entry) {
      noteEntry(unacknowledged, clientId, entry.sequence, entry.message)
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

/** What a store is told and tells, in bytes. */
import type { Qos } from '../codec/packets.ts'
import type { Message } from '../ports/message.ts'
import type { ClaimedSession, SessionRecord, StoredDelivery, StoredWill } from '../ports/store.ts'
import type { WireReader, WireWriter } from './wire.ts'

export function writeOptional(out: WireWriter, message: Message | null): void {
  out.u8(message === null ? 0 : 1)
  if (message !== null) out.message(message)
}

export function readOptional(reader: WireReader): Message | null {
  return reader.u8() === 0 ? null : reader.message(true)
}

export function writeRecord(out: WireWriter, { will, ...rest }: SessionRecord): void {
  out.json(rest)
  writeWaiting(out, will)
}

export function readRecord(reader: WireReader): SessionRecord {
  const rest = reader.json() as Omit<SessionRecord, 'will'>
  return { ...rest, will: readWaiting(reader) }
}

export function writeWaiting(out: WireWriter, waiting: StoredWill | null): void {
  writeOptional(out, waiting?.message ?? null)
  if (waiting === null) return
  const { dueAtMs, remote, origin } = waiting
  out.json({ dueAtMs, remote, origin })
}

export function readWaiting(reader: WireReader): StoredWill | null {
  const message = readOptional(reader)
  if (message === null) return null
  return { message, ...(reader.json() as Omit<StoredWill, 'message'>) }
}

export function writeEntry(out: WireWriter, entry: StoredDelivery): void {
  const { sequence, message, qos, retain, subscriptionId, released, safe } = entry
  const { isUnbound = false } = entry
  out.number(sequence)
  out.u8(qos | (retain ? 4 : 0) | (released ? 8 : 0) | (safe ? 16 : 0) | (isUnbound ? 32 : 0))
  out.u32(subscriptionId)
  out.message(message)
}

export function readEntry(reader: WireReader): StoredDelivery {
  const sequence = reader.number()
  const flags = reader.u8()
  return {
    sequence,
    qos: (flags & 3) as Qos,
    retain: (flags & 4) !== 0,
    released: (flags & 8) !== 0,
    safe: (flags & 16) !== 0,
    ...((flags & 32) !== 0 && { isUnbound: true }),
    subscriptionId: reader.u32(),
    message: reader.message(true),
  }
}

export function readClaimed(reader: WireReader): ClaimedSession {
  const record = readRecord(reader)
  const counts = reader.json() as Omit<ClaimedSession, 'record' | 'inbound'>
  const length = reader.u32()
  const inbound = Array.from({ length }, () => ({
    packetId: reader.u32(),
    message: reader.message(true),
  }))
  return { record, inbound, ...counts }
}

export function writeClaimed(
  out: WireWriter,
  { record, inbound, ...counts }: ClaimedSession,
): void {
  writeRecord(out, record)
  out.json(counts)
  out.u32(inbound.length)
  for (const { packetId, message } of inbound) {
    out.u32(packetId)
    out.message(message)
  }
}

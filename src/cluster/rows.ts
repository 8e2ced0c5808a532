/**
 * A session as it lies in its stream: one message, the last one counts.
 *
 *     version  owner  keeper  epoch  partition  sentTo + 1  flags  clientId  [length record  count (filter options)…]
 */
import { ByteWriter } from '../codec/byte-writer.ts'
import type { SessionRecord, SubscriptionOptions } from '../ports/store.ts'
import {
  readOptions,
  readSession,
  RecordError,
  RecordReader,
  writeSession,
  writeSubscription,
  writeText,
  writeUint,
} from '../store/level/records.ts'

const ROW_VERSION = 1
const ROW_BYTES = 256

/** It has been deleted: what is left says so for a while, to nodes that were away. */
const IS_GONE = 0x01
/** It was made by a claim, and nothing of it has been saved yet. */
const IS_BLANK = 0x02

export interface SessionRow {
  readonly clientId: string
  /** The node whose client it is; empty: nobody's. */
  owner: string
  /** The node that has it, or had it last: it sees to its expiry. */
  keeper: string
  /** One more with every claim. */
  epoch: number
  partition: number
  /** null: gone, or nothing saved yet. */
  record: SessionRecord | null
  isGone: boolean
  /** No entry behind this sequence was sent to its client; -1: any may have been. */
  sentTo: number
  readonly subscriptions: Map<string, SubscriptionOptions>
}

export function writeRow(row: SessionRow): Uint8Array {
  const writer = new ByteWriter(new Uint8Array(ROW_BYTES))
  writer.reserve(1)
  writer.bytes[writer.length++] = ROW_VERSION
  writeText(writer, row.owner)
  writeText(writer, row.keeper)
  writeUint(writer, row.epoch)
  writeUint(writer, row.partition)
  writeUint(writer, row.sentTo + 1)
  writeUint(writer, (row.isGone ? IS_GONE : 0) | (row.record === null ? IS_BLANK : 0))
  writeText(writer, row.clientId)
  if (row.isGone || row.record === null) return writer.bytes.slice(0, writer.length)
  const record = new ByteWriter(new Uint8Array(ROW_BYTES))
  writeSession(record, { number: 0, lastSequence: 0, idShift: 0, sentTo: -1, record: row.record })
  writeUint(writer, record.length)
  writer.reserve(record.length)
  writer.bytes.set(record.bytes.subarray(0, record.length), writer.length)
  writer.length += record.length
  writeUint(writer, row.subscriptions.size)
  for (const [filter, options] of row.subscriptions) {
    writeText(writer, filter)
    writeSubscription(writer, options)
  }
  return writer.bytes.slice(0, writer.length)
}

/** Throws {@link RecordError} on bytes that are none. */
export function readRow(bytes: Uint8Array): SessionRow {
  const reader = new RecordReader(bytes)
  if (reader.byte() !== ROW_VERSION) throw new RecordError('a session of another version of mozzie')
  const owner = reader.anyText()
  const keeper = reader.anyText()
  const epoch = reader.uint()
  const partition = reader.uint()
  const sentTo = reader.uint() - 1
  const flags = reader.uint()
  const clientId = reader.anyText()
  const subscriptions = new Map<string, SubscriptionOptions>()
  const row = {
    clientId,
    owner,
    keeper,
    epoch,
    partition,
    isGone: (flags & IS_GONE) !== 0,
    sentTo,
    subscriptions,
  }
  if (flags !== 0) return { ...row, record: null }
  const length = reader.uint()
  const start = reader.skip(length)
  const { record } = readSession(clientId, bytes.slice(start, start + length))
  for (let left = reader.uint(); left > 0; left--) {
    const filter = reader.anyText()
    subscriptions.set(filter, readOptions(reader))
  }
  return { ...row, record }
}

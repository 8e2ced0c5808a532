/** What a store holds, as plain objects: for `mozzie db`. */
import type { Message } from '../../ports/message.ts'
import { decodeUtf8 } from '../../codec/utf8.ts'
import { Kind, NUMBER_BYTES, readNumber } from './keys.ts'
import type { Database } from './level-options.ts'
import { KindReader } from './read-kinds.ts'
import {
  readEntryCosts,
  readEntryHead,
  readMessage,
  readSession,
  readSubscription,
  readWill,
  RecordReader,
} from './records.ts'

/** One record; `kind` says which fields it has. */
export type Described = { readonly kind: string } & Readonly<Record<string, unknown>>

export interface StoreStats {
  readonly sessions: number
  readonly subscriptions: number
  readonly queued: number
  readonly queuedBytes: number
  /** Of them those with a PUBREC. */
  readonly released: number
  /** Incoming QoS 2 messages that wait for their PUBREL. */
  readonly inbound: number
  readonly delayed: number
  readonly retained: number
  readonly retainedBytes: number
  /** Message bodies that several queues share. */
  readonly bodies: number
  /** The sessions with the longest queues. */
  readonly longest: readonly { clientId: string; queued: number; queuedBytes: number }[]
}

const LONGEST = 10

/** Tells every record: sessions first, then what belongs to them. */
export async function describeStore(
  database: Database,
  tell: (record: Described) => void,
): Promise<void> {
  const kinds = new KindReader({ database })
  const names = new Map<number, string>()
  const clientOf = (key: Uint8Array): string | null => names.get(readNumber(key, 1)) ?? null
  await kinds.each(Kind.session, (key, value) => {
    const { number, record } = readSession(decodeUtf8(key, 1, key.length), value)
    names.set(number, record.clientId)
    const { will, ...rest } = record
    const left = will === null ? null : { dueAtMs: will.dueAtMs, ...contentOf(will.message) }
    tell({ kind: 'session', ...rest, will: left })
  })
  await kinds.each(Kind.filter, (key, value) => {
    const filter = decodeUtf8(key, 1 + NUMBER_BYTES, key.length)
    tell({ kind: 'subscription', clientId: clientOf(key), filter, ...readSubscription(value) })
  })
  await kinds.each(Kind.retained, (_key, value) =>
    tell({ kind: 'retained', ...contentOf(readMessage(new RecordReader(value))) }),
  )
  await kinds.each(Kind.delayed, (key, value) => {
    const { dueAtMs, message } = readWill(new RecordReader(value))
    tell({ kind: 'delayed', id: decodeUtf8(key, 1, key.length), dueAtMs, ...contentOf(message) })
  })
  await kinds.each(Kind.inbound, (key, value) => {
    const packetId = key[7] * 256 + key[8]
    const message = contentOf(readMessage(new RecordReader(value)))
    tell({ kind: 'inbound', clientId: clientOf(key), packetId, ...message })
  })
  await kinds.each(Kind.body, (key, value) =>
    tell({
      kind: 'body',
      body: readNumber(key, 1),
      ...contentOf(readMessage(new RecordReader(value))),
    }),
  )
  await kinds.each(Kind.queue, (key, value) => {
    const reader = new RecordReader(value)
    const { body, ...head } = readEntryHead(reader)
    const sequence = readNumber(key, 1 + NUMBER_BYTES)
    const message = body > 0 ? { body } : contentOf(readMessage(reader))
    tell({ kind: 'queued', clientId: clientOf(key), sequence, ...message, ...head })
  })
  await kinds.each(Kind.pubrec, (key) =>
    tell({
      kind: 'released',
      clientId: clientOf(key),
      sequence: readNumber(key, 1 + NUMBER_BYTES),
    }),
  )
}

function contentOf(message: Message): Readonly<Record<string, unknown>> {
  const { topicName, qos, retain, expiresAtMs, publisher, publisherUser, properties } = message
  return {
    topic: topicName,
    qos,
    retain,
    expiresAtMs: expiresAtMs === Infinity ? null : expiresAtMs,
    publisher,
    publisherUser,
    properties: base64(properties.subarray(message.propertiesStart, message.propertiesEnd)),
    payload: base64(message.payloadBytes()),
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}

export async function statsOf(database: Database): Promise<StoreStats> {
  const kinds = new KindReader({ database })
  const counts = { subscriptions: 0, released: 0, inbound: 0, bodies: 0, retained: 0, delayed: 0 }
  const queues = new Map<number, { clientId: string; queued: number; queuedBytes: number }>()
  let sessions = 0
  let retainedBytes = 0
  await kinds.each(Kind.session, (key, value) => {
    const { number, record } = readSession(decodeUtf8(key, 1, key.length), value)
    queues.set(number, { clientId: record.clientId, queued: 0, queuedBytes: 0 })
    sessions++
  })
  await kinds.each(Kind.filter, () => void counts.subscriptions++)
  await kinds.each(Kind.pubrec, () => void counts.released++)
  await kinds.each(Kind.inbound, () => void counts.inbound++)
  await kinds.each(Kind.body, () => void counts.bodies++)
  await kinds.each(Kind.delayed, () => void counts.delayed++)
  await kinds.each(Kind.retained, (_key, value) => {
    counts.retained++
    retainedBytes += readMessage(new RecordReader(value)).size
  })
  await kinds.each(Kind.queue, (key, value) => {
    const queue = queues.get(readNumber(key, 1))
    if (queue === undefined) return
    queue.queued++
    queue.queuedBytes += readEntryCosts(new RecordReader(value)).payloadLength
  })
  const longest = [...queues.values()].sort((a, b) => b.queued - a.queued)
  return {
    sessions,
    ...counts,
    retainedBytes,
    queued: longest.reduce((sum, { queued }) => sum + queued, 0),
    queuedBytes: longest.reduce((sum, { queuedBytes }) => sum + queuedBytes, 0),
    longest: longest.slice(0, LONGEST).filter(({ queued }) => queued > 0),
  }
}

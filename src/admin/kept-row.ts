/** A message that is kept, as a row of a list. */
import type { Message } from '../ports/message.ts'
import type { RetainedRow } from './schemas-clients.ts'

const PREVIEW_BYTES = 256

export function keptFacts(topic: string, message: Message) {
  const { qos, payloadLength, expiresAtMs, publisher, publisherUser } = message
  return {
    topic,
    qos,
    payloadBytes: payloadLength,
    expiresAtMs: expiresAtMs === Infinity ? null : expiresAtMs,
    publisher: publisher === '' ? null : publisher,
    publisherUser,
  }
}

export function rowOf(topic: string, message: Message): RetainedRow {
  const preview = base64(message.payloadBytes().subarray(0, PREVIEW_BYTES))
  return { ...keptFacts(topic, message), preview }
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}

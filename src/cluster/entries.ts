/** What lies in the streams beside sessions: queue entries, held messages, retained messages. */
import { ByteWriter } from '../codec/byte-writer.ts'
import type { Qos } from '../codec/packets.ts'
import type { Message } from '../ports/message.ts'
import type { StoredDelivery } from '../ports/store.ts'
import {
  readEntryHead,
  readMessage,
  RecordReader,
  writeEntryHead,
  writeMessage,
  writeText,
} from '../store/level/records.ts'

/** Room for what stands beside topic, properties and payload; a writer grows when it is too little. */
const SPARE_BYTES = 128

function writerFor(message: Message | null): ByteWriter {
  return new ByteWriter(new Uint8Array((message?.size ?? 0) + SPARE_BYTES))
}

function written(writer: ByteWriter): Uint8Array {
  return writer.bytes.subarray(0, writer.length)
}

export function writeEntry(
  message: Message,
  qos: Qos,
  retain: boolean,
  subscriptionId: number,
): Uint8Array {
  const writer = writerFor(message)
  writeEntryHead(writer, { qos, retain, subscriptionId, body: 0 }, 0)
  writeMessage(writer, message)
  return written(writer)
}

export function readEntry(data: Uint8Array, sequence: number, released: boolean): StoredDelivery {
  const reader = new RecordReader(data)
  const { qos, retain, subscriptionId } = readEntryHead(reader)
  const message = readMessage(reader)
  return { sequence, message, qos, retain, subscriptionId, released, safe: true }
}

/** A message with a text in front: the identity of a held one, or the topic of a retained one; null: the text alone. */
export function writeNamed(name: string, message: Message | null): Uint8Array {
  const writer = writerFor(message)
  writeText(writer, name)
  if (message !== null) writeMessage(writer, message)
  return written(writer)
}

export function readNamed(data: Uint8Array): { name: string; message: Message | null } {
  const reader = new RecordReader(data)
  const name = reader.anyText()
  return { name, message: reader.at === reader.end ? null : readMessage(reader) }
}

/**
 * Reads mosquitto's own database, versions 3 to 6, as a program on a little-endian 64-bit machine wrote it.
 *
 *     magic (15 bytes)  checksum (4, unused)  version (4)  chunk chunk …
 *
 *     version 3, 4   chunk  kind (2)  length (4)  fields one by one, texts with a length in front
 *     version 5, 6   chunk  kind (4)  length (4)  a C struct with its padding, then texts, payload, properties
 *
 * Lengths and identifiers are in network order, 64-bit values as the machine had them. The length of an old chunk is
 * not always right, and mosquitto does not look at it; that of a new one bounds what is read of it.
 */
import { readProperties } from '../../codec/properties.ts'
import { PacketType, type Properties, type Qos } from '../../codec/packets.ts'
import { FileReader } from './file-reader.ts'

/** Nothing of the text is used when null: it is not what MQTT calls a UTF-8 string. */
type Text = string | null

interface DbMessage {
  readonly kind: 'message'
  readonly id: bigint
  /** Seconds since 1970; 0: never. */
  readonly expiresAtSeconds: number
  readonly publisher: Text
  /** Empty: anonymous, or not recorded (version 3). */
  readonly publisherUser: Text
  readonly topic: Text
  readonly qos: Qos
  readonly retain: boolean
  readonly payload: Uint8Array
  /** null: they are malformed. */
  readonly properties: Properties | null
}

interface DbClient {
  readonly kind: 'client'
  readonly clientId: Text
  /** Empty: anonymous, or not recorded (before version 6). */
  readonly username: Text
  /** 0xFFFFFFFF: never; so are all sessions before version 5. */
  readonly expirySeconds: number
  /** Seconds since 1970; 0: its clock does not run. */
  readonly expiresAtSeconds: number
}

export interface DbDelivery {
  readonly kind: 'delivery'
  readonly clientId: Text
  readonly messageId: bigint
  readonly packetId: number
  readonly qos: Qos
  readonly retain: boolean
  readonly outgoing: boolean
  /** See {@link DeliveryState}. */
  readonly state: number
  /** 0: none. */
  readonly subscriptionId: number
}

interface DbSubscription {
  readonly kind: 'subscription'
  readonly clientId: Text
  readonly filter: Text
  readonly qos: Qos
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly subscriptionId: number
}

interface DbRetained {
  readonly kind: 'retained'
  readonly messageId: bigint
}

export type DbChunk =
  | DbMessage
  | DbClient
  | DbDelivery
  | DbSubscription
  | DbRetained
  /** `number`: a kind of chunk that no version known here has. */
  | { readonly kind: 'unknown'; readonly number: number }

export interface MosquittoDb {
  readonly version: number
  readonly chunks: readonly DbChunk[]
}

/** How far a delivery is, where that matters here. */
export const DeliveryState = {
  resendPubrel: 6,
  waitForPubrel: 7,
  waitForPubcomp: 9,
  sendPubrec: 10,
  queued: 11,
} as const

const MAGIC = [0, 0xb5, 0, ...new TextEncoder().encode('mosquitto db')]
const OLDEST = 3
const NEWEST = 6
const NEVER = 0xffffffff
const NO_LOCAL = 0x04
const RETAIN_AS_PUBLISHED = 0x08

/** Reads one chunk's fields; `chunkEnd` is where the length in its head says that it ends. */
type ChunkReader = (reader: FileReader, version: number, chunkEnd: number) => DbChunk | null

const KINDS: readonly string[] = [
  '',
  'configuration',
  'message',
  'delivery',
  'retained message',
  'subscription',
  'client',
]

/** Readers by the number of the chunk's kind. */
const OLD_READERS: readonly (ChunkReader | null)[] = [
  null,
  readOldConfig,
  readOldMessage,
  readOldDelivery,
  readRetained,
  readOldSubscription,
  readOldClient,
]
const NEW_READERS: readonly (ChunkReader | null)[] = [
  null,
  () => null,
  readMessage,
  readDelivery,
  readRetained,
  readSubscription,
  readClient,
]

/** @throws MosquittoDbError with the offset of what is wrong. */
export function parseMosquittoDb(bytes: Uint8Array): MosquittoDb {
  const reader = new FileReader(bytes)
  reader.what = 'the head of the file'
  if (!MAGIC.every((byte, index) => bytes[index] === byte))
    reader.fail('it is not a database of mosquitto')
  reader.skip(MAGIC.length + 4)
  const version = reader.uint32()
  if (version < OLDEST || version > NEWEST)
    reader.fail(
      `it has version ${version}; versions ${OLDEST} to ${NEWEST} (mosquitto 0.15 to 2.x) are known`,
    )
  const chunks: DbChunk[] = []
  while (!reader.isAtEnd()) {
    const chunk = version < 5 ? readOldChunk(reader, version) : readNewChunk(reader, version)
    if (chunk !== null) chunks.push(chunk)
  }
  return { version, chunks }
}

function readOldChunk(reader: FileReader, version: number): DbChunk | null {
  reader.what = 'the head of a chunk'
  const number = reader.uint16()
  const length = reader.uint32()
  const chunkEnd = reader.at + length
  const read = OLD_READERS[number]
  if (read) {
    reader.what = `a ${KINDS[number]}`
    return read(reader, version, chunkEnd)
  }
  reader.skip(length)
  return { kind: 'unknown', number }
}

function readNewChunk(reader: FileReader, version: number): DbChunk | null {
  reader.what = 'the head of a chunk'
  const number = reader.uint32()
  const length = reader.uint32()
  const read = NEW_READERS[number]
  reader.what = read ? `a ${KINDS[number]}` : `a chunk of kind ${number}`
  const outer = reader.narrow(length)
  const chunk = read ? read(reader, version, reader.end) : { kind: 'unknown' as const, number }
  reader.widen(outer)
  return chunk
}

// ── both ───────────────────────────────────────────────────────────────────────────────────────────

function readRetained(reader: FileReader): DbChunk {
  return { kind: 'retained', messageId: reader.hostUint64() }
}

function readQos(reader: FileReader): Qos {
  const qos = reader.byte()
  if (qos > 2) reader.fail(`its QoS is ${qos}`)
  return qos as Qos
}

// ── versions 5 and 6 ───────────────────────────────────────────────────────────────────────────────

function readMessage(reader: FileReader): DbChunk {
  const id = reader.hostUint64()
  const expiresAtSeconds = reader.hostSeconds()
  const payloadLength = reader.uint32()
  reader.skip(2)
  const publisherLength = reader.uint16()
  const userLength = reader.uint16()
  const topicLength = reader.uint16()
  reader.skip(2)
  const qos = readQos(reader)
  const retain = reader.byte() !== 0
  const publisher = reader.text(publisherLength)
  const publisherUser = reader.text(userLength)
  const topic = reader.text(topicLength)
  const payload = reader.bytesOf(payloadLength)
  const properties = readPublishProperties(reader)
  return {
    kind: 'message',
    id,
    expiresAtSeconds,
    publisher,
    publisherUser,
    topic,
    qos,
    retain,
    payload,
    properties,
  }
}

/** Those of a PUBLISH, as they came, up to the chunk's end; none take no byte. */
function readPublishProperties(reader: FileReader): Properties | null {
  if (reader.isAtEnd()) return {}
  const length = reader.varint()
  const start = reader.at
  reader.skip(length)
  try {
    return readProperties(PacketType.publish, reader.bytes, start, start + length)
  } catch {
    return null
  }
}

function readDelivery(reader: FileReader): DbChunk {
  const messageId = reader.hostUint64()
  const packetId = reader.uint16()
  const idLength = reader.uint16()
  const qos = readQos(reader)
  const state = reader.byte()
  const retain = reader.byte() >>> 4 !== 0
  const outgoing = reader.byte() !== 0
  const clientId = reader.text(idLength)
  const subscriptionId = readPublishProperties(reader)?.subscriptionIds?.[0] ?? 0
  return {
    kind: 'delivery',
    clientId,
    messageId,
    packetId,
    qos,
    retain,
    outgoing,
    state,
    subscriptionId,
  }
}

function readSubscription(reader: FileReader): DbChunk {
  const subscriptionId = reader.uint32()
  const idLength = reader.uint16()
  const filterLength = reader.uint16()
  const qos = readQos(reader)
  const options = reader.byte()
  reader.skip(2)
  return {
    kind: 'subscription',
    clientId: reader.text(idLength),
    filter: reader.text(filterLength),
    qos,
    noLocal: (options & NO_LOCAL) !== 0,
    retainAsPublished: (options & RETAIN_AS_PUBLISHED) !== 0,
    subscriptionId,
  }
}

function readClient(reader: FileReader, version: number): DbChunk {
  const expiresAtSeconds = reader.hostSeconds()
  const expirySeconds = reader.uint32()
  reader.skip(2)
  const idLength = reader.uint16()
  let userLength = 0
  if (version >= 6) {
    reader.skip(2)
    userLength = reader.uint16()
    reader.skip(4)
  }
  const clientId = reader.text(idLength)
  const username = reader.text(userLength)
  return { kind: 'client', clientId, username, expirySeconds, expiresAtSeconds }
}

// ── versions 3 and 4 ───────────────────────────────────────────────────────────────────────────────

function readOldConfig(reader: FileReader): null {
  reader.skip(1)
  const idBytes = reader.byte()
  if (idBytes !== 8) reader.fail(`its message numbers have ${idBytes} bytes, 8 are known`)
  reader.skip(8)
  return null
}

function readOldMessage(reader: FileReader, version: number): DbChunk {
  const id = reader.hostUint64()
  const publisher = reader.countedText()
  let publisherUser: Text = ''
  if (version === 4) {
    publisherUser = reader.countedText()
    reader.skip(2)
  }
  reader.skip(4)
  const topic = reader.countedText()
  const qos = readQos(reader)
  const retain = reader.byte() !== 0
  const payload = reader.bytesOf(reader.uint32())
  return {
    kind: 'message',
    id,
    expiresAtSeconds: 0,
    publisher,
    publisherUser,
    topic,
    qos,
    retain,
    payload,
    properties: {},
  }
}

function readOldDelivery(reader: FileReader): DbChunk {
  const clientId = reader.countedText()
  const messageId = reader.hostUint64()
  const packetId = reader.uint16()
  const qos = readQos(reader)
  const retain = reader.byte() !== 0
  const outgoing = reader.byte() !== 0
  const state = reader.byte()
  reader.skip(1)
  return {
    kind: 'delivery',
    clientId,
    messageId,
    packetId,
    qos,
    retain,
    outgoing,
    state,
    subscriptionId: 0,
  }
}

function readOldSubscription(reader: FileReader): DbChunk {
  const clientId = reader.countedText()
  const filter = reader.countedText()
  const qos = readQos(reader)
  const plain = { noLocal: false, retainAsPublished: false, subscriptionId: 0 }
  return { kind: 'subscription', clientId, filter, qos, ...plain }
}

function readOldClient(reader: FileReader, _version: number, chunkEnd: number): DbChunk {
  const clientId = reader.countedText()
  reader.skip(2)
  // When it left: 4 bytes where the machine's time had 4. Nothing is made of it, no session ends.
  reader.skip(chunkEnd - reader.at === 4 ? 4 : 8)
  return { kind: 'client', clientId, username: '', expirySeconds: NEVER, expiresAtSeconds: 0 }
}

/** The check of messages that come from values instead of the network: programs, HTTP, configuration, the broker itself. */
import { ByteWriter } from './byte-writer.ts'
import { EncodeError, checkBytes, checkNumber } from './encode-error.ts'
import { PacketType, type Properties, type Qos } from './packets.ts'
import { isTopicName, putProperties } from './properties.ts'
import { isWellFormedUtf8, stringLength } from './utf8.ts'

export interface MessageValues {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
  /** Of a PUBLISH. */
  readonly properties: Properties
}

const SCRATCH_BYTES = 256
/** What a receiver's PUBLISH may need beside the message itself: length, alias, subscription identifiers. */
const SPARE_BYTES = 0x1_0000
const PACKET_BYTES_MAX = 0xfff_ffff

/**
 * Throws EncodeError unless the message can be sent to every client: what a network packet is refused for at its decoder
 * is refused here.
 */
export function checkMessage(message: MessageValues): void {
  const { topic, payload, qos, retain, properties } = message
  const topicBytes = checkTopic(topic)
  checkBytes('the payload', payload)
  checkNumber('QoS', qos, 0, 2)
  if (typeof retain !== 'boolean') throw new EncodeError('retain is neither true nor false')
  const propertyBytes = checkProperties(properties, payload)
  if (topicBytes + propertyBytes + payload.length > PACKET_BYTES_MAX - SPARE_BYTES)
    throw new EncodeError('the message is larger than a packet can be')
}

/** Throws EncodeError unless a message can have this topic. Returns its bytes; how many levels it has is not looked at. */
export function checkTopic(topic: string): number {
  if (typeof topic !== 'string') throw new EncodeError('the topic is no text')
  if (!isTopicName(topic))
    throw new EncodeError(topic === '' ? 'topic name is empty' : 'topic name contains a wildcard')
  return stringLength(topic)
}

/**
 * Throws EncodeError on properties that a PUBLISH cannot have, and on a payload that is no UTF-8 though they say so.
 * Returns their bytes.
 */
export function checkProperties(properties: Properties, payload: Uint8Array): number {
  const scratch = new ByteWriter(new Uint8Array(SCRATCH_BYTES))
  putProperties(scratch, PacketType.publish, properties)
  if (properties.payloadFormat === 1 && !isWellFormedUtf8(payload, 0, payload.length))
    throw new EncodeError('the payload is not UTF-8, as payloadFormat 1 says it is')
  return scratch.length
}

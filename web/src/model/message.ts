/** A message as page and worker speak of it. */
import type { Properties, Qos } from '../../../src/codec/packets.ts'

export type { Properties, Qos }

export type Direction = 'in' | 'out'

/** How a payload is shown. `auto` decides by looking at it. */
export const FORMATS = [
  'auto',
  'text',
  'json',
  'hex',
  'base64',
  'cbor',
  'msgpack',
  'protobuf',
  'avro',
  'sparkplug',
  'gzip',
  'deflate',
  'image',
  'bitmap1',
  'bitmap2',
  'bitmap4',
  'bitmapPlanes',
  'tagBitmap',
] as const
export type Format = (typeof FORMATS)[number]

/** How a payload is typed. */
export const INPUT_FORMATS = ['text', 'json', 'hex', 'base64', 'cbor', 'msgpack'] as const
export type InputFormat = (typeof INPUT_FORMATS)[number]

/** What an MQTT 5.0 PUBLISH may say besides topic and payload, as typed: empty text is "not set". */
export interface MessageFields {
  payloadFormat: boolean
  expirySeconds: string
  contentType: string
  responseTopic: string
  /** Text, or hex after `0x`. */
  correlation: string
  topicAlias: string
  userProperties: [string, string][]
}

/** A message to publish, as typed. */
export interface Draft {
  topic: string
  payload: string
  format: InputFormat
  qos: Qos
  retain: boolean
  fields: MessageFields
}

export const noFields = (): MessageFields => ({
  payloadFormat: false,
  expirySeconds: '',
  contentType: '',
  responseTopic: '',
  correlation: '',
  topicAlias: '',
  userProperties: [],
})

export const emptyDraft = (): Draft => ({
  topic: '',
  payload: '',
  format: 'text',
  qos: 0,
  retain: false,
  fields: noFields(),
})

/** A row of the table: what is seen without opening the message. */
export interface Row {
  /** Place in the view, ever growing. */
  readonly index: number
  /** Identity of the message within its connection. */
  readonly seq: number
  /** Milliseconds since 1970. */
  readonly timeMs: number
  /** Milliseconds after the message listed above it; null: it is the first. */
  readonly sinceMs: number | null
  readonly direction: Direction
  readonly topic: string
  readonly qos: Qos
  readonly retain: boolean
  readonly dup: boolean
  /** Published, and the broker did not take it. */
  readonly refused: boolean
  /** Payload bytes. */
  readonly size: number
  /** The beginning of the payload, in one line. */
  readonly preview: string
  /** Colours of the subscriptions it matches, as numbers of the palette. */
  readonly colours: readonly number[]
}

/** All that is known of a message. */
export interface Detail extends Row {
  readonly payload: Uint8Array
  readonly properties: Properties | null
  /** 0: none is known. */
  readonly packetId: number
  /** Milliseconds after the message before it on the same topic; null: there is none. */
  readonly sincePreviousMs: number | null
}

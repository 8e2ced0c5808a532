/** A message as one JSON object: `%j`, `%J` and `--output jsonl`. */
import type { Properties } from '../../codec/packets.ts'
import { strftime } from '../../base/strftime.ts'
import { minifyJson } from './json-text.ts'
import type { ShownMessage, WallTime } from './shown-message.ts'

const decoder = new TextDecoder()
const strictDecoder = new TextDecoder('utf-8', { fatal: true })

/** Names on the command line and in JSON; properties that messages do not carry are missing. */
const NAMES: Readonly<Partial<Record<keyof Properties, string>>> = {
  payloadFormat: 'payload-format-indicator',
  messageExpirySeconds: 'message-expiry-interval',
  contentType: 'content-type',
  responseTopic: 'response-topic',
  correlationData: 'correlation-data',
  subscriptionIds: 'subscription-identifier',
  topicAlias: 'topic-alias',
  userProperties: 'user-properties',
}

/** `2026-01-31T12:00:00.123456+0100` */
export function jsonTime({ date, nanoseconds }: WallTime): string {
  const micros = String(Math.floor(nanoseconds / 1000)).padStart(6, '0')
  return strftime(`%Y-%m-%dT%H:%M:%S.${micros}%z`, date)
}

function propertyMembers(properties: Properties): string[] {
  // In the order of the wire, which is the order in which the decoder added them.
  return (Object.keys(properties) as (keyof Properties)[]).flatMap((key) => {
    const name = NAMES[key]
    const value = properties[key]
    if (name === undefined || value === undefined) return []
    if (key === 'userProperties') {
      const pairs = (properties.userProperties ?? []).map(([k, v]) => `{${quote(k)}:${quote(v)}}`)
      return [`"${name}":[${pairs.join(',')}]`]
    }
    if (key === 'subscriptionIds') {
      return (properties.subscriptionIds ?? []).map((id) => `"${name}":${id}`)
    }
    return [
      `"${name}":${value instanceof Uint8Array ? quote(decoder.decode(value)) : JSON.stringify(value)}`,
    ]
  })
}

const quote = (text: string): string => JSON.stringify(text)

function object(message: ShownMessage, members: readonly string[]): string {
  const { topic, qos, retain, payload, packetId, properties, receivedAt } = message
  const own = propertyMembers(properties)
  return `{${[
    `"tst":${quote(jsonTime(receivedAt))}`,
    `"topic":${quote(topic)}`,
    `"qos":${qos}`,
    `"retain":${retain}`,
    `"payloadlen":${payload.length}`,
    ...(qos > 0 ? [`"mid":${packetId}`] : []),
    ...(own.length > 0 ? [`"properties":{${own.join(',')}}`] : []),
    ...members,
  ].join(',')}}`
}

/** `%j`: the payload as a string; bytes that are no UTF-8 become U+FFFD. */
export function messageJson(message: ShownMessage): string {
  const { shown } = message
  const payload = shown.length === 0 ? 'null' : quote(decoder.decode(shown))
  return object(message, [`"payload":${payload}`])
}

/** `%J`: the payload as JSON in its place; null when it is no JSON. */
export function messageJsonParsed(message: ShownMessage): string | null {
  const { shown } = message
  const payload = shown.length === 0 ? 'null' : minifyJson(decoder.decode(shown))
  return payload === null ? null : object(message, [`"payload":${payload}`])
}

/** `--output jsonl`: whatever the payload is; `payload_base64` when it is no text. */
export function messageJsonLine(message: ShownMessage, isJsonPayload: boolean): string {
  const { shown } = message
  if (shown.length === 0) return object(message, ['"payload":null'])
  const text = textOf(shown)
  if (text === null) {
    return object(message, [`"payload_base64":"${Buffer.from(shown).toString('base64')}"`])
  }
  const parsed = isJsonPayload ? minifyJson(text) : null
  return object(message, [`"payload":${parsed ?? quote(text)}`])
}

/** Bytes as text, or null when they are no UTF-8. */
function textOf(bytes: Uint8Array): string | null {
  try {
    return strictDecoder.decode(bytes)
  } catch {
    return null
  }
}

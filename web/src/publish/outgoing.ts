/** Drafts as packets: typed text becomes bytes and numbers, and what is wrong with it gets a name. */
import { topicNameProblem } from '../../../src/topics/names.ts'
import { correlationBytes, encodeInput, fromBase64, fromHex, utf8 } from '../decode/bytes.ts'
import type { Draft, InputFormat, MessageFields, Properties, Qos } from '../model/message.ts'
import { expand, hasPlaceholder, type TemplateContext } from './template.ts'

export interface Outgoing {
  topic: string
  payload: Uint8Array
  qos: Qos
  retain: boolean
  properties: Properties
}

/** A draft that cannot be sent; `message` is for people. */
export class DraftError extends Error {}

/** A number field as typed; undefined: left empty. Throws DraftError. */
export function numberField(
  name: string,
  text: string,
  min: number,
  max: number,
): number | undefined {
  if (text.trim() === '') return undefined
  const value = Number(text)
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new DraftError(`${name}: a whole number from ${min} to ${max} is needed, not "${text}"`)
}

export const UINT32_MAX = 0xffff_ffff

/** The packet's properties; those of MQTT 5.0, so none for older versions. */
export function publishProperties(fields: MessageFields, version: number): Properties {
  const properties: Properties = {}
  if (version < 5) return properties
  if (fields.payloadFormat) properties.payloadFormat = 1
  const expiry = numberField('message expiry', fields.expirySeconds, 0, UINT32_MAX)
  if (expiry !== undefined) properties.messageExpirySeconds = expiry
  const alias = numberField('topic alias', fields.topicAlias, 1, 0xffff)
  if (alias !== undefined) properties.topicAlias = alias
  if (fields.contentType !== '') properties.contentType = fields.contentType
  if (fields.responseTopic !== '') properties.responseTopic = fields.responseTopic
  if (fields.correlation !== '') {
    const bytes = correlationBytes(fields.correlation)
    if (bytes === null) throw new DraftError('correlation data: bad hex after 0x')
    properties.correlationData = bytes
  }
  if (fields.userProperties.length > 0) properties.userProperties = fields.userProperties
  return properties
}

/** A will's payload: known before anything can be loaded, so CBOR and MessagePack go as hex or base64. */
export function encodeNow(text: string, format: InputFormat): Uint8Array {
  const bytes =
    format === 'hex' ? fromHex(text) : format === 'base64' ? fromBase64(text) : utf8(text)
  if (bytes === null) throw new DraftError(`will: payload is not ${format}`)
  return bytes
}

/** Quotes, backslashes and line ends of a value, as they stand within a JSON string. */
const inJson = (value: string): string => JSON.stringify(value).slice(1, -1)

/** Whether a payload is JSON by its format, or reads like it: not one that a placeholder begins. */
export function isJsonLike({ format, payload }: Draft): boolean {
  return format === 'json' || (format === 'text' && /^\s*(?:\[|\{(?!\{))/.test(payload))
}

/** For placeholders in a payload that is like JSON. */
export function withEscape(draft: Draft, context: TemplateContext): TemplateContext {
  return isJsonLike(draft) ? { ...context, escape: inJson } : context
}

/** Throws DraftError. */
export async function outgoing(
  draft: Draft,
  version: number,
  context: TemplateContext,
): Promise<Outgoing> {
  const fill = (text: string, at: TemplateContext) =>
    hasPlaceholder(text) ? expand(text, at) : text
  const topic = fill(draft.topic, context)
  const problem = topicNameProblem(topic)
  if (problem !== null) throw new DraftError(problem)
  const payload = await encodeInput(fill(draft.payload, withEscape(draft, context)), draft.format)
  if (typeof payload === 'string') throw new DraftError(`payload is not ${payload}`)
  const fields = {
    ...draft.fields,
    userProperties: draft.fields.userProperties.filter(([name]) => name !== ''),
  }
  return {
    topic,
    payload,
    qos: draft.qos,
    retain: draft.retain,
    properties: publishProperties(fields, version),
  }
}

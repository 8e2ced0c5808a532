/** The properties of a message out of a file: nothing gets in that no PUBLISH carries. */
import { fromBase64, utf8 } from '../decode/bytes.ts'
import type { Properties } from '../model/message.ts'

export type Loose = Readonly<Record<string, unknown>>

export const isLoose = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Names of properties in the files of the tools. */
const TOOL_NAMES: ReadonlyMap<string, string> = new Map([
  ['payload-format-indicator', 'payloadFormat'],
  ['message-expiry-interval', 'messageExpirySeconds'],
  ['content-type', 'contentType'],
  ['response-topic', 'responseTopic'],
  ['correlation-data', 'correlationData'],
  ['subscription-identifier', 'subscriptionIds'],
  ['topic-alias', 'topicAlias'],
  ['user-properties', 'userProperties'],
])

/** Undefined: it is none. */
type Read = (held: unknown) => unknown

const text: Read = (held) => (typeof held === 'string' ? held : undefined)

const number =
  (max: number): Read =>
  (held) =>
    Number.isInteger(held) && (held as number) >= 0 && (held as number) <= max ? held : undefined

const bytes: Read = (held) => {
  if (typeof held === 'string') return utf8(held)
  return isLoose(held) && typeof held.base64 === 'string'
    ? (fromBase64(held.base64) ?? undefined)
    : undefined
}

const ids: Read = (held) => all([held].flat(), number(0xfff_ffff))

/** Pairs, or objects with one member each; mosquitto: one object. */
const pairs: Read = (held) => all(listOf(held), pair)

const listOf = (held: unknown): unknown[] =>
  (Array.isArray(held) ? (held as unknown[]) : [held]).flatMap((each) =>
    isLoose(each) ? Object.entries(each) : [each],
  )

function pair(held: unknown): [string, string] | undefined {
  if (!Array.isArray(held) || held.length !== 2) return undefined
  const [name, value] = held as unknown[]
  return typeof name === 'string' && typeof value === 'string' ? [name, value] : undefined
}

function all(list: readonly unknown[], read: Read): unknown {
  const found = list.map(read)
  return found.includes(undefined) ? undefined : found
}

const READ: ReadonlyMap<string, Read> = new Map<keyof Properties, Read>([
  ['payloadFormat', number(1)],
  ['messageExpirySeconds', number(0xffff_ffff)],
  ['contentType', text],
  ['responseTopic', text],
  ['correlationData', bytes],
  ['subscriptionIds', ids],
  ['topicAlias', number(0xffff)],
  ['userProperties', pairs],
])

/** Names that no PUBLISH has are left out. `onWrong` is told of a value that is none, and throws. */
export function propertiesOf(value: unknown, onWrong: (name: string) => never): Properties | null {
  if (!isLoose(value)) return null
  const properties: Record<string, unknown> = {}
  for (const [written, held] of Object.entries(value)) {
    const name = TOOL_NAMES.get(written) ?? written
    const read = READ.get(name)
    if (read === undefined) continue
    const found = read(held)
    if (found === undefined) onWrong(written)
    properties[name] = found
  }
  return properties
}

/** `-D PACKET PROPERTY VALUE`: which packet takes which property, and how its value is written. */
import type { Properties } from '../../codec/packets.ts'
import { isMalformed, wholeNumber, type Operand } from './flag.ts'
import type { PropertyTarget, Settings } from './settings.ts'

type ValueKind = 'number' | 'text' | 'binary' | 'pair'

interface PropertyRow {
  readonly key: keyof Properties
  readonly kind: ValueKind
  /** Largest number, or most bytes. */
  readonly max: number
  readonly targets: readonly PropertyTarget[]
}

const BYTE_MAX = 0xff
const SHORT_MAX = 0xffff
const LONG_MAX = 0xffff_ffff
const VARINT_MAX = 268_435_455

const MESSAGE: readonly PropertyTarget[] = ['publish', 'will']

function row(
  key: keyof Properties,
  kind: ValueKind,
  max: number,
  ...targets: PropertyTarget[]
): PropertyRow {
  return { key, kind, max, targets }
}

// prettier-ignore
const PROPERTIES: Readonly<Record<string, PropertyRow>> = {
  'authentication-data': row('authenticationData', 'binary', SHORT_MAX, 'connect'),
  'authentication-method': row('authenticationMethod', 'text', SHORT_MAX, 'connect'),
  'content-type': row('contentType', 'text', SHORT_MAX, ...MESSAGE),
  'correlation-data': row('correlationData', 'binary', SHORT_MAX, ...MESSAGE),
  'maximum-packet-size': row('maximumPacketSize', 'number', LONG_MAX, 'connect'),
  'message-expiry-interval': row('messageExpirySeconds', 'number', LONG_MAX, ...MESSAGE),
  'payload-format-indicator': row('payloadFormat', 'number', BYTE_MAX, ...MESSAGE),
  'reason-string': row('reasonString', 'text', SHORT_MAX, 'disconnect'),
  'receive-maximum': row('receiveMaximum', 'number', SHORT_MAX, 'connect'),
  'request-problem-information': row('requestProblemInformation', 'number', BYTE_MAX, 'connect'),
  'request-response-information': row('requestResponseInformation', 'number', BYTE_MAX, 'connect'),
  'response-topic': row('responseTopic', 'text', SHORT_MAX, ...MESSAGE),
  'server-reference': row('serverReference', 'text', SHORT_MAX, 'disconnect'),
  'session-expiry-interval': row('sessionExpirySeconds', 'number', LONG_MAX, 'connect', 'disconnect'),
  'subscription-identifier': row('subscriptionIds', 'number', VARINT_MAX, 'subscribe'),
  'topic-alias': row('topicAlias', 'number', SHORT_MAX, 'publish'),
  'topic-alias-maximum': row('topicAliasMaximum', 'number', SHORT_MAX, 'connect'),
  'user-property': row('userProperties', 'pair', SHORT_MAX, 'connect', 'publish', 'subscribe', 'unsubscribe', 'disconnect', 'will'),
  'will-delay-interval': row('willDelaySeconds', 'number', LONG_MAX, 'will'),
}

/** Properties that only a server sends: known by name, allowed nowhere. */
const serverOnly = new Set([
  'assigned-client-identifier',
  'maximum-qos',
  'response-information',
  'retain-available',
  'server-keep-alive',
  'shared-subscription-available',
  'subscription-identifier-available',
  'wildcard-subscription-available',
])

const TARGETS: readonly string[] = [
  'connect',
  'publish',
  'subscribe',
  'unsubscribe',
  'disconnect',
  'will',
]

/** Packets that these tools never put properties into. */
const silent = new Set([
  'auth',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  'suback',
  'unsuback',
  'connack',
])

/** Words that complete the first and the second operand in a shell. */
export const PROPERTY_WORDS: { packets: readonly string[]; properties: readonly string[] } = {
  packets: TARGETS,
  properties: Object.keys(PROPERTIES),
}

/** How many words belong to a `-D` in front of `rest`: a user property has a name and a value. */
export function propertyWordCount(rest: readonly string[]): number {
  return rest[1] === 'user-property' ? 4 : 3
}

/** Adds the property of `-D`; `words` are packet, property and value, or packet, user-property, name and value. */
export function addProperty(settings: Settings, words: readonly Operand[]): string | null {
  const [{ text: target }, { text: name }, value] = words
  if (!TARGETS.includes(target) && !silent.has(target)) {
    return 'Error: Invalid command given in --property argument.'
  }
  if (serverOnly.has(name)) {
    return `Error: ${name} property not allowed for ${target} in --property argument.`
  }
  if (!Object.hasOwn(PROPERTIES, name)) {
    return 'Error: Invalid property name given in --property argument.'
  }
  if (silent.has(target)) {
    return `Error: ${name} property not supported for ${target} in --property argument.`
  }
  const found = PROPERTIES[name]
  if (!found.targets.includes(target as PropertyTarget)) {
    return `Error: ${name} property not allowed for ${target} in --property argument.`
  }
  settings.version = 5
  return store(settings, target as PropertyTarget, name, found, value, words[3])
}

function store(
  settings: Settings,
  target: PropertyTarget,
  name: string,
  { key, kind, max }: PropertyRow,
  value: Operand,
  pairValue: Operand | undefined,
): string | null {
  const place = settings.properties[target]
  if (kind === 'pair') {
    const pair = [value, pairValue ?? value] as const
    const wrong = pair.map((half) => textProblem(half, name, max)).find((text) => text !== null)
    if (wrong !== undefined) return wrong
    ;(place.userProperties ??= []).push([pair[0].text, pair[1].text])
    return null
  }
  if (place[key] !== undefined) settings.repeatedProperties.add(target)
  const stored = kind === 'number' ? toNumber(value, name, max) : toText(value, kind, name, max)
  if (stored.problem !== undefined) return stored.problem
  const listed = key === 'subscriptionIds' ? [stored.value] : stored.value
  // The table, not the type checker, ties a key to the type of its value.
  ;(place as Record<string, unknown>)[key] = listed
  return null
}

type Stored = { value: unknown; problem?: undefined } | { problem: string }

function toNumber({ text: digits }: Operand, name: string, max: number): Stored {
  const value = wholeNumber(digits, 0, max)
  if (value !== null) return { value }
  return { problem: `Error: Property value (${digits}) out of range for property ${name}.` }
}

function toText(operand: Operand, kind: ValueKind, name: string, max: number): Stored {
  if (kind === 'binary') {
    return operand.bytes.length > max ? { problem: tooLong(name) } : { value: operand.bytes }
  }
  const problem = textProblem(operand, name, max)
  return problem === null ? { value: operand.text } : { problem }
}

function textProblem(operand: Operand, name: string, max: number): string | null {
  if (operand.bytes.length > max) return tooLong(name)
  return isMalformed(operand) ? `Error: Malformed UTF-8 in property ${name}.` : null
}

function tooLong(name: string): string {
  return `Error: Property value too long for property ${name}.`
}

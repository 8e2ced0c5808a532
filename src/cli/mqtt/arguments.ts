/** The command line of `mozzie pub|sub|rr`: words into {@link Settings}. */
import { nearestName } from '../../base/nearest-name.ts'
import type { Properties } from '../../codec/packets.ts'
import { MESSAGE_FLAGS } from './flags-message.ts'
import { NETWORK_FLAGS, TLS_FLAGS } from './flags-network.ts'
import { OTHER_FLAGS, OUTPUT_FLAGS } from './flags-output.ts'
import { SESSION_FLAGS } from './flags-session.ts'
import type { Flag, Operand } from './flag.ts'
import {
  defaultSettings,
  NEVER_EXPIRES,
  type PropertyTarget,
  type Settings,
  type Tool,
} from './settings.ts'

/** `error` goes to standard error; the process ends with code 1. `hint` says what to do, where the error does not. */
export type ParsedWords =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly error: string; readonly hint?: string }

const FLAGS: readonly Flag[] = [
  ...MESSAGE_FLAGS,
  ...OUTPUT_FLAGS,
  ...SESSION_FLAGS,
  ...NETWORK_FLAGS,
  ...TLS_FLAGS,
  ...OTHER_FLAGS,
]

/** The flags of a tool, in the order of its help text. Shell completions are made of them as well. */
export function flagsOfTool(tool: Tool): readonly Flag[] {
  return FLAGS.filter(({ tools }) => tools.includes(tool))
}

type Problem = { error: string; hint?: string }

/** The name that mosquitto's tools use in their errors. */
function titleOf({ names }: Flag): string {
  if (names.includes('--protocol-version') || names.includes('--property')) return names[1]
  return names[0]
}

/** Applies words to `settings`; the operands of a flag are the words behind it. */
export function applyWords(settings: Settings, words: readonly Operand[]): Problem | null {
  const byName = new Map(
    flagsOfTool(settings.tool).flatMap((row) => row.names.map((name) => [name, row] as const)),
  )
  for (let at = 0; at < words.length; at++) {
    const { text } = words[at]
    const row = byName.get(text)
    // Blanks at the end of a line of a file, behind an option that takes nothing.
    if (row === undefined && at > 0 && /^ +$/.test(text)) continue
    if (row === undefined) return unknownOption(settings.tool, text, [...byName.keys()])
    const rest = words.slice(at + 1)
    const count = row.operandCount(rest.map((word) => word.text))
    if (rest.length < count) {
      return { error: `Error: ${titleOf(row)} argument given but ${row.missing}.` }
    }
    const operands = rest.slice(0, count)
    const problem = row.apply(settings, operands[0] ?? words[at], operands)
    if (problem !== null) return { error: problem }
    at += count
    if (settings.action !== 'run') return null
  }
  return null
}

function unknownOption(tool: Tool, name: string, names: readonly string[]): Problem {
  const error = `Error: Unknown option '${name}'.`
  const others = FLAGS.find((row) => row.names.includes(name))?.tools
  if (others !== undefined) {
    return { error, hint: `It is an option of ${others.join(' and ')}, not of ${tool}.` }
  }
  if (!name.startsWith('-')) {
    return { error, hint: 'A text with blanks needs quotation marks around it.' }
  }
  const nearest = nearestName(name, names)
  return nearest === null ? { error } : { error, hint: `Did you mean ${nearest}?` }
}

/** Checks what no flag can say alone, and fills in what follows from others. */
export function finishSettings(settings: Settings): string | null {
  const { will, tool } = settings
  if (will.topic === null) {
    if (will.payload !== null) return 'Error: Will payload given, but no will topic given.'
    if (will.retain) return 'Error: Will retain given, but no will topic given.'
  }
  const tlsWrong = tlsProblem(settings)
  if (tlsWrong !== null) return tlsWrong
  if (settings.retainedOnly && settings.noRetained) {
    return "Error: Combining '-R' and '--retained-only' makes no sense."
  }
  if (tool === 'sub' && settings.filters.length === 0 && settings.unsubscribes.length === 0) {
    return 'Error: You must specify a topic to subscribe to (-t) or unsubscribe from (-U).'
  }
  // -V behind -x or -D takes MQTT 5.0 back, and the properties with it.
  if (settings.version < 5) {
    for (const target of Object.keys(LABELS) as PropertyTarget[]) settings.properties[target] = {}
  }
  return expiryProblem(settings) ?? propertyProblem(settings)
}

function tlsProblem({ tls }: Settings): string | null {
  if ((tls.certFile === null) !== (tls.keyFile === null)) {
    return 'Error: Both certfile and keyfile must be provided if one of them is set.'
  }
  if (tls.keyForm !== null && tls.keyFile === null) {
    return 'Error: If keyform is set, keyfile must be also specified.'
  }
  if (tls.engineKeyPassSha1 !== null && (tls.engine === null || tls.keyForm === null)) {
    return 'Error: when using tls-engine-kpass-sha1, both tls-engine and keyform must also be provided.'
  }
  if (tls.psk !== null && (tls.caFile !== null || tls.caPath !== null)) {
    return 'Error: Only one of --psk or --cafile/--capath may be used at once.'
  }
  if ((tls.psk === null) !== (tls.pskIdentity === null)) {
    return tls.psk === null
      ? 'Error: --psk required if --psk-identity used.'
      : 'Error: --psk-identity required if --psk used.'
  }
  return null
}

function expiryProblem(settings: Settings): string | null {
  const { version, cleanStart, clientId, properties } = settings
  const isNamed = clientId !== null
  if (version < 5) {
    if (cleanStart || isNamed) return null
    return 'Error: You must provide a client id if you are using the -c option.'
  }
  if (!cleanStart && settings.sessionExpirySeconds === null) {
    // An interval that -D gives is the user's word for how long, -c only asks not to start anew.
    if (properties.connect.sessionExpirySeconds === undefined) {
      settings.sessionExpirySeconds = NEVER_EXPIRES
    }
  }
  const { sessionExpirySeconds: seconds } = settings
  if (seconds === null || seconds === 0) return null
  if (seconds === NEVER_EXPIRES && !isNamed) {
    return 'Error: You must provide a client id if you are using an infinite session expiry interval.'
  }
  if (properties.connect.sessionExpirySeconds !== undefined) {
    settings.repeatedProperties.add('connect')
  }
  properties.connect.sessionExpirySeconds = seconds
  return null
}

/** Values that a packet of MQTT 5.0 may not have although they fit: 2.2.2.2 and the packets' sections. */
const OUT_OF_RANGE: readonly (readonly [keyof Properties, (value: number) => boolean])[] = [
  ['receiveMaximum', (value) => value === 0],
  ['maximumPacketSize', (value) => value === 0],
  ['topicAlias', (value) => value === 0],
  ['payloadFormat', (value) => value > 1],
  ['requestProblemInformation', (value) => value > 1],
  ['requestResponseInformation', (value) => value > 1],
]

const LABELS: Readonly<Record<PropertyTarget, string>> = {
  connect: 'CONNECT',
  publish: 'PUBLISH',
  subscribe: 'SUBSCRIBE',
  unsubscribe: 'UNSUBSCRIBE',
  disconnect: 'DISCONNECT',
  will: 'Will',
}

function propertyProblem({ properties, repeatedProperties }: Settings): string | null {
  for (const [target, label] of Object.entries(LABELS) as [PropertyTarget, string][]) {
    if (repeatedProperties.has(target)) {
      return `Error in ${label} properties: Duplicate property in property list`
    }
    const own = properties[target]
    const isWrong =
      own.subscriptionIds?.[0] === 0 ||
      OUT_OF_RANGE.some(([key, test]) => typeof own[key] === 'number' && test(own[key])) ||
      (own.responseTopic !== undefined && /[+#]/.test(own.responseTopic))
    if (isWrong) {
      return `Error in ${label} properties: A network protocol error occurred when communicating with the broker.`
    }
  }
  return null
}

/** Words as they are when they are text already. */
export function operandsOf(words: readonly string[]): Operand[] {
  return words.map((text) => ({ text, bytes: Buffer.from(text) }))
}

/** Reads a command line without any options file. */
export function parseWords(tool: Tool, words: readonly Operand[]): ParsedWords {
  const settings = defaultSettings(tool)
  const problem = applyWords(settings, words)
  if (problem !== null) return { ok: false, ...problem }
  if (settings.action !== 'run') return { ok: true, settings }
  const error = finishSettings(settings)
  return error === null ? { ok: true, settings } : { ok: false, error }
}

/**
 * The search box's language. Words that must all hold, in any order:
 *
 *     kitchen            topic or payload holds it, case does not matter
 *     "two words"        the same, with spaces
 *     -word              does not hold it (before any of these forms)
 *     topic:a/+/c        the topic matches the filter (or holds the text, without wildcards)
 *     payload:text       the payload holds it
 *     /reg(ular)?/i      topic or payload matches the expression
 *     $.a.b[0]>21.5      the JSON payload has a value there that compares so (= != < <= > >=), or just has it
 *     qos:1 retain:1 dir:in dir:out size>1000
 */
import { matches as topicMatches, topicFilterProblem } from '../../../src/topics/names.ts'
import { integerAt, parsePath } from '../decode/json-path.ts'
import { valueWithin, type ReadValue } from '../decode/values.ts'

/** What a query looks at; `payload` may lie in shared memory and is only read. */
export interface Candidate {
  topic: string
  payload: Uint8Array
  qos: number
  retain: boolean
  outgoing: boolean
  /** The payload's value where it is structured, in whatever way; null: it is not. */
  read(): ReadValue | null
}

export type Predicate = (candidate: Candidate) => boolean

/** A query that cannot be understood: which word, and what was expected of it. */
export class QueryError extends Error {}

const decoder = new TextDecoder()

/** The query as a function; null: it is empty and everything matches. Throws QueryError. */
export function compileQuery(text: string): Predicate | null {
  const predicates = splitWords(text).map(compileWord)
  if (predicates.length === 0) return null
  return (candidate) => predicates.every((predicate) => predicate(candidate))
}

/** Words at spaces outside of quotes and of /expressions/; a comparison may have spaces around its sign. */
function splitWords(text: string): string[] {
  return closedUp(text).match(/-?(?:\/(?:\\.|[^/\\])+\/[a-z]*(?=\s|$)|(?:[^\s"]|"[^"]*"?)+)/g) ?? []
}

/** A text in quotes, or a path and its sign. */
const COMPARED = /"[^"]*"?|(?<=^|\s)(-?\$[.[][^\s"=<>!]*)\s*(<=|>=|!=|<|>|=)\s*(?=\S)/g

/** `$.a = 1` as `$.a=1`. */
function closedUp(text: string): string {
  return text.replaceAll(COMPARED, (whole, path?: string, sign = '') =>
    path === undefined ? whole : path + sign,
  )
}

function compileWord(word: string): Predicate {
  if (word.length > 1 && word.startsWith('-')) {
    const positive = compileWord(word.slice(1))
    return (candidate) => !positive(candidate)
  }
  for (const [pattern, compile] of FORMS) {
    const found = pattern.exec(word)
    if (found !== null) return compile(found)
  }
  if (MEANT.test(word)) throw new QueryError(word)
  const needle = unquoted(word)
  const inBytes = bytesContain(needle)
  const lower = needle.toLowerCase()
  return ({ topic, payload }) => topic.toLowerCase().includes(lower) || inBytes(payload)
}

/** A word that was meant to be one of the forms, and is none: it would silently find nothing. */
const MEANT = /^(?:(?:topic|payload|qos|retain(?:ed)?|dir|size):|size[<>=]|\$[.[=<>!])/

/** Without the quotes around it; quotes within, as in pasted JSON, are part of the text. */
function unquoted(text: string): string {
  return /^"[^"]*"?$/.test(text) ? text.replaceAll('"', '') : text
}

/** Texts that a hit has in its topic or payload, to be marked there. */
export function needlesOf(text: string): string[] {
  return splitWords(text)
    .filter((word) => !word.startsWith('-'))
    .map((word) => /^(?:topic|payload):(.+)$/.exec(word)?.[1] ?? (MEANT.test(word) ? '' : word))
    .map(unquoted)
    .filter((needle) => needle !== '' && !/[+#]/.test(needle))
}

type Form = readonly [pattern: RegExp, compile: (found: RegExpExecArray) => Predicate]

const FORMS: readonly Form[] = [
  [/^topic:(.+)$/, ([word, text = '']) => topicPredicate(word, unquoted(text))],
  [/^payload:(.+)$/, ([, text = '']) => payloadPredicate(unquoted(text))],
  [
    /^qos:([012])$/,
    ([, qos]) =>
      (candidate) =>
        candidate.qos === Number(qos),
  ],
  [
    /^retain(?:ed)?:([01])$/,
    ([, on]) =>
      (candidate) =>
        candidate.retain === (on === '1'),
  ],
  [
    /^dir:(in|out)$/,
    ([, way]) =>
      (candidate) =>
        candidate.outgoing === (way === 'out'),
  ],
  [/^("(?:[^"\\]|\\.)+"):(.+)$/, ([, name = '', value = '']) => pastedPredicate(name, value)],
  [/^size(<=|>=|<|>|=)(\d+)$/, ([, sign = '=', bytes]) => sizePredicate(sign, Number(bytes))],
  [/^\/(.+)\/([a-z]*)$/, ([word, source = '', flags = '']) => expression(word, source, flags)],
  [
    /^(\$[.[][^=<>!]*)(?:(!=|<=|>=|=|<|>)(.*))?$/,
    ([, path = '', sign, text]) => pathPredicate(path, sign, text),
  ],
]

function topicPredicate(word: string, text: string): Predicate {
  if (/[+#]/.test(text)) {
    // No topic has these characters.
    if (topicFilterProblem(text) !== null) throw new QueryError(word)
    return ({ topic }) => topicMatches(text, topic)
  }
  const lower = text.toLowerCase()
  return ({ topic }) => topic.toLowerCase().includes(lower)
}

function payloadPredicate(text: string): Predicate {
  const inBytes = bytesContain(text)
  return ({ payload }) => inBytes(payload)
}

/** `"id":1` as it stands in JSON, with whatever spaces: it is not found in `"id": 17`. */
function pastedPredicate(name: string, value: string): Predicate {
  const quote = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  const end = /\d$/.test(value) ? '(?![\\d.eE])' : ''
  const pattern = new RegExp(`${quote(name)}\\s*:\\s*${quote(value)}${end}`, 'i')
  const hasName = bytesContain(name)
  return ({ payload }) => hasName(payload) && pattern.test(decoder.decode(payload))
}

function sizePredicate(sign: string, bytes: number): Predicate {
  const holds = comparison(sign)
  return ({ payload }) => holds(payload.length, bytes)
}

function expression(word: string, source: string, flags: string): Predicate {
  let compiled: RegExp
  try {
    compiled = new RegExp(source, flags.replaceAll(/[gy]/g, ''))
  } catch {
    throw new QueryError(word)
  }
  return ({ topic, payload }) => compiled.test(topic) || compiled.test(decoder.decode(payload))
}

function pathPredicate(path: string, sign: string | undefined, text = ''): Predicate {
  const word = `${path}${sign ?? ''}${text}`
  if (parsePath(path) === null || (sign !== undefined && text === '') || /^[<>=!]/.test(text))
    throw new QueryError(word)
  const wanted = unquoted(text)
  const number = wanted.trim() === '' ? Number.NaN : Number(wanted)
  const holds = comparison(sign ?? '')
  const exact = /^-?\d{16,}$/.test(wanted) ? BigInt(wanted) : null
  const steps = parsePath(path) ?? []
  return ({ payload, read }) => {
    // Beyond 2^53 two different numbers may look the same to a double.
    const digits = exact === null ? null : integerAt(payload, path)
    if (exact !== null && digits !== null) return holds(digits, exact)
    const whole = read()
    const value = whole === null ? undefined : valueWithin(whole, steps)
    if (typeof value === 'bigint' && exact !== null) return holds(value, exact)
    if (typeof value === 'bigint') return sign === undefined || holds(Number(value), number)
    if (value === undefined) return false
    if (sign === undefined) return true
    const asNumber = numberOf(value)
    if (asNumber !== null && !Number.isNaN(number)) return holds(asNumber, number)
    // A number is neither less nor more than a word, nor a word than a number.
    const isMixed = (asNumber === null) !== Number.isNaN(number)
    if (isMixed && /[<>]/.test(sign)) return false
    return holds(typeof value === 'string' ? value : JSON.stringify(value), wanted)
  }
}

/** Of a number, and of a text that is one: devices send both. */
function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return value
  return typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value) ? Number(value) : null
}

type Comparable = string | number | bigint

const COMPARISONS: Record<string, (a: Comparable, b: Comparable) => boolean> = {
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

function comparison(sign: string): (a: Comparable, b: Comparable) => boolean {
  return COMPARISONS[sign] ?? (() => true)
}

/** Whether bytes hold the text. ASCII letters match in either case; nothing is decoded. */
export function bytesContain(text: string): (bytes: Uint8Array) => boolean {
  const lower = new TextEncoder().encode(text.toLowerCase())
  const upper = new TextEncoder().encode(text.toUpperCase())
  // Case changes a letter's length in a few scripts only; those are searched as typed.
  const needle = lower.length === upper.length ? lower : new TextEncoder().encode(text)
  const other = lower.length === upper.length ? upper : needle
  const { length } = needle
  return (bytes) => {
    const end = bytes.length - length
    search: for (let at = 0; at <= end; at++) {
      for (let i = 0; i < length; i++) {
        const byte = bytes[at + i]
        if (byte !== needle[i] && byte !== other[i]) continue search
      }
      return true
    }
    return false
  }
}

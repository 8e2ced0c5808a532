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
 *     "id": 1            the payload holds this JSON, with whatever spaces; a whole object too
 *     qos:1 retain:1 dir:in dir:out size>1000
 */
import { matches as topicMatches, topicFilterProblem } from '../../../src/topics/names.ts'
import { compareDecimals } from '../decode/decimal.ts'
import { parsePath } from '../decode/json-path.ts'
import { textWithin, valueWithin, type ReadValue } from '../decode/values.ts'
import { isWholeJson, longestToken, PASTED, PASTED_NAME, patternOf, quoted } from './pasted.ts'

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

/** Words at spaces outside of quotes and of /expressions/; a comparison may have spaces around its sign, and pasted JSON anywhere. */
function splitWords(text: string): string[] {
  if (isWholeJson(text)) return [text.trim()]
  return closedUp(text).match(/-?(?:\/(?:\\.|[^/\\])+\/[a-z]*(?=\s|$)|(?:[^\s"]|"[^"]*"?)+)/g) ?? []
}

/** A name in pasted JSON, a text in quotes, or a path and its sign. */
const COMPARED = new RegExp(
  String.raw`(${PASTED_NAME})|"[^"]*"?|(?<=^|\s)(-?\$[.[][^\s"=<>!]*)\s*(<=|>=|!=|<|>|=)\s*(?=\S)`,
  'g',
)

/** `$.a = 1` as `$.a=1`, `"a" : 1` as `"a":1`. */
function closedUp(text: string): string {
  return text.replaceAll(COMPARED, (whole, name?: string, path?: string, sign = '') => {
    if (name !== undefined) return name.replace(/\s*:\s*$/, ':')
    return path === undefined ? whole : path + sign
  })
}

function compileWord(word: string): Predicate {
  const dashes = /^-*/.exec(word.slice(0, -1))?.[0].length ?? 0
  if (dashes > 0) {
    const positive = compileWord(word.slice(dashes))
    return dashes % 2 === 0 ? positive : (candidate) => !positive(candidate)
  }
  if (isPasted(word)) return pastedPredicate(word)
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

const MARKS_LENGTH_MAX = 10_000

/** Sources of expressions that find what a hit has in its topic or payload, to be marked there. */
export function marksOf(text: string): string[] {
  const sources = sourcesOf(text)
  // An expression has an end; whoever pasted so much does not look for it in a line.
  return sources.join('|').length > MARKS_LENGTH_MAX ? [] : sources
}

function sourcesOf(text: string): string[] {
  return splitWords(text)
    .filter((word) => !word.startsWith('-'))
    .map((word) => /^(?:topic|payload):(.+)$/.exec(word)?.[1] ?? (MEANT.test(word) ? '' : word))
    .filter((word) => !/[+#]/.test(word))
    .map((word) => (isPasted(word) ? patternOf(word) : quoted(unquoted(word))))
    .filter((source) => source !== '')
}

const isPasted = (word: string): boolean => PASTED.test(word) || isWholeJson(word)

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

function pastedPredicate(text: string): Predicate {
  const pattern = expressionOf(text, patternOf(text), 'i')
  const mayHold = bytesContain(longestToken(text))
  return ({ payload }) => mayHold(payload) && pattern.test(decoder.decode(payload))
}

function sizePredicate(sign: string, bytes: number): Predicate {
  const holds = comparison(sign)
  return ({ payload }) => holds(payload.length, bytes)
}

const NAMED_LENGTH_MAX = 100

/** Throws QueryError for one that is wrong, or too long. */
function expressionOf(word: string, source: string, flags: string): RegExp {
  try {
    const compiled = new RegExp(source, flags)
    // It is compiled by its first use, for each of the two kinds of text.
    for (const text of ['', '\u0100']) compiled.test(text)
    return compiled
  } catch {
    throw new QueryError(
      word.length > NAMED_LENGTH_MAX ? `${word.slice(0, NAMED_LENGTH_MAX)}…` : word,
    )
  }
}

function expression(word: string, source: string, flags: string): Predicate {
  const compiled = expressionOf(word, source, flags.replaceAll(/[gy]/g, ''))
  return ({ topic, payload }) => compiled.test(topic) || compiled.test(decoder.decode(payload))
}

function pathPredicate(path: string, sign: string | undefined, text = ''): Predicate {
  const word = `${path}${sign ?? ''}${text}`
  if (parsePath(path) === null || (sign !== undefined && text === '') || /^[<>=!]/.test(text))
    throw new QueryError(word)
  const wanted = unquoted(text)
  const number = wanted.trim() === '' ? Number.NaN : Number(wanted)
  const holds = comparison(sign ?? '')
  const steps = parsePath(path) ?? []
  return ({ read }) => {
    const whole = read()
    const value = whole === null ? undefined : valueWithin(whole, steps)
    if (whole === null || value === undefined) return false
    if (sign === undefined) return true
    const asNumber = numberOf(value)
    if (asNumber !== null && !Number.isNaN(number)) {
      if (asNumber !== number) return holds(asNumber, number)
      // Beyond 2^53, and with many decimals, two different numbers may look the same to a double.
      return holds(compareDecimals(textWithin(whole, steps), wanted) ?? 0, 0)
    }
    // A number is neither less nor more than a word, nor a word than a number.
    const isMixed = (asNumber === null) !== Number.isNaN(number)
    if (isMixed && /[<>]/.test(sign)) return false
    return holds(typeof value === 'string' ? value : textWithin(whole, steps), wanted)
  }
}

/** Of a number, and of a text that is one: devices send both. */
function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value) ? Number(value) : null
}

type Comparable = string | number

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

/**
 * Structured payloads as lines, from the source text of JSON or from decoded values. Numbers are kept as
 * they were written: `127.0`, `1e3` and 18446744073709551615 stay what they are.
 */
import { pathStep } from './json-path.ts'

export type LineKind = 'string' | 'number' | 'literal' | 'bytes' | 'open' | 'close'

export interface Line {
  readonly depth: number
  /** As it is to be shown, quotes included; null: none. */
  readonly key: string | null
  readonly text: string
  readonly kind: LineKind
  readonly comma: boolean
  /** Where a number (or a boolean, or text that is one) can be plotted from; null: nothing to plot. */
  readonly path: string | null
}

const DEPTH_MAX = 256

/** What is wrong with a payload that should be structured; `at` counts characters. */
export class DecodeError extends Error {}

export function linesToText(lines: readonly Line[]): string {
  return lines
    .map((line) => {
      const key = line.key === null ? '' : `${line.key}: `
      return `${'  '.repeat(line.depth)}${key}${line.text}${line.comma ? ',' : ''}`
    })
    .join('\n')
}

const TOKEN =
  /\s*(?:("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)|([[\]{},:]))/y

/** A text cut off within a longer string is taken for broken. */
const TOKEN_CHARACTERS_MAX = 64 << 10

class Scanner {
  private readonly source: string
  private at = 0
  value = ''
  kind: 'string' | 'number' | 'literal' | 'mark' | 'end' = 'end'

  constructor(text: string) {
    this.source = text
    this.advance()
  }

  advance(): void {
    TOKEN.lastIndex = this.at
    const found = TOKEN.exec(this.source)
    if (found === null) {
      if (this.source.slice(this.at).trim() !== '') throw this.error()
      this.kind = 'end'
      this.value = ''
      return
    }
    this.at = TOKEN.lastIndex
    const [, string, number, literal, mark] = found
    this.value = string ?? number ?? literal ?? mark ?? ''
    this.kind =
      string !== undefined
        ? 'string'
        : number !== undefined
          ? 'number'
          : literal !== undefined
            ? 'literal'
            : 'mark'
  }

  isMark(mark: string): boolean {
    return this.kind === 'mark' && this.value === mark
  }

  /** What could not be read is no more than the last token. */
  get isNearEnd(): boolean {
    return this.source.length - this.at < TOKEN_CHARACTERS_MAX
  }

  error(): DecodeError {
    return new DecodeError(`no JSON at character ${this.at + 1}`)
  }
}

/** JSON text as lines. Throws DecodeError. */
export function jsonLines(text: string): Line[] {
  const scanner = new Scanner(text)
  const lines: Line[] = []
  scanValue(scanner, lines, 0, null, '$')
  if (scanner.kind !== 'end') throw scanner.error()
  return lines
}

/** The beginning of JSON text that was cut off somewhere: as many lines as are certain. */
export function jsonLinesOfPart(text: string): Line[] {
  const scanner = new Scanner(text)
  const lines: Line[] = []
  try {
    scanValue(scanner, lines, 0, null, '$')
  } catch (error) {
    if (!(error instanceof DecodeError) || !scanner.isNearEnd) throw error
    // The last value may itself be cut off.
    lines.pop()
  }
  return lines
}

function scanValue(
  scanner: Scanner,
  lines: Line[],
  depth: number,
  key: string | null,
  path: string,
): void {
  const { kind, value } = scanner
  if (depth > DEPTH_MAX) throw new DecodeError(`more than ${DEPTH_MAX} levels`)
  if (kind === 'end') throw scanner.error()
  if (kind === 'mark') {
    if (value !== '{' && value !== '[') throw scanner.error()
    scanner.advance()
    scanMembers(scanner, lines, depth, key, path, value)
    return
  }
  lines.push({
    depth,
    key,
    text: value,
    kind,
    comma: false,
    path: plottable(kind, value) ? path : null,
  })
  scanner.advance()
}

function plottable(kind: LineKind, text: string): boolean {
  if (kind === 'number' || text === 'true' || text === 'false') return true
  return kind === 'string' && /^"\s*-?\d+(?:\.\d+)?\s*"$/.test(text)
}

function scanMembers(
  scanner: Scanner,
  lines: Line[],
  depth: number,
  key: string | null,
  path: string,
  open: '{' | '[',
): void {
  const close = open === '{' ? '}' : ']'
  if (scanner.isMark(close)) {
    scanner.advance()
    lines.push({ depth, key, text: open + close, kind: 'literal', comma: false, path: null })
    return
  }
  lines.push({ depth, key, text: open, kind: 'open', comma: false, path: null })
  for (let index = 0; ; index++) {
    let name: string | null = null
    let step: string | number = index
    if (open === '{') {
      if (scanner.kind !== 'string') throw scanner.error()
      name = scanner.value
      step = JSON.parse(name) as string
      scanner.advance()
      if (!scanner.isMark(':')) throw scanner.error()
      scanner.advance()
    }
    scanValue(scanner, lines, depth + 1, name, pathStep(path, step))
    const more = scanner.isMark(',')
    if (!more && !scanner.isMark(close)) throw scanner.error()
    scanner.advance()
    if (!more) break
    addComma(lines)
  }
  lines.push({ depth, key: null, text: close, kind: 'close', comma: false, path: null })
}

function addComma(lines: Line[]): void {
  const last = lines.pop()
  if (last !== undefined) lines.push({ ...last, comma: true })
}

/** A decoded value (CBOR, MessagePack, Protobuf, Avro) as lines. Throws DecodeError when too deep. */
export function valueLines(value: unknown): Line[] {
  const lines: Line[] = []
  addValue(lines, value, { depth: 0, key: null, path: '$', isWithinKey: false })
  return lines
}

interface Spot {
  readonly depth: number
  readonly key: string | null
  readonly path: string
  /** It is part of the name of a member. */
  readonly isWithinKey: boolean
}

function addValue(lines: Line[], value: unknown, spot: Spot): void {
  const { depth, key, path, isWithinKey } = spot
  if (depth > DEPTH_MAX) throw new DecodeError(`more than ${DEPTH_MAX} levels`)
  const put = (text: string, kind: LineKind, plotted: string | null = null, at = key) =>
    lines.push({ depth, key: at, text, kind, comma: false, path: plotted })
  const [kind, text] = scalar(value)
  if (text !== null) {
    put(text, kind, plottable(kind, text) ? path : null)
    return
  }
  const isList = Array.isArray(value)
  const members: [string | null, unknown, string | number][] = isList
    ? (value as unknown[]).map((item, at) => [null, item, at])
    : entriesOf(value as object, isWithinKey)
  const [open = '', close = ''] = isList ? '[]' : '{}'
  if (members.length === 0) {
    put(open + close, 'literal')
    return
  }
  put(open, 'open')
  members.forEach(([name, item, step], index) => {
    addValue(lines, item, { ...spot, depth: depth + 1, key: name, path: pathStep(path, step) })
    if (index < members.length - 1) addComma(lines)
  })
  put(close, 'close', null, null)
}

/** A key that is a map or a list is written out once: each level of names within names would double its quotation marks. */
function keyText(key: unknown, isWithinKey: boolean): string {
  if (typeof key === 'string') return key
  const [, text] = scalar(key)
  if (text !== null) return text
  if (isWithinKey) return '{…}'
  const lines: Line[] = []
  addValue(lines, key, { depth: 0, key: null, path: '$', isWithinKey: true })
  return linesToText(lines)
}

function entriesOf(value: object, isWithinKey: boolean): [string, unknown, string][] {
  const entries =
    value instanceof Map ? [...(value as Map<unknown, unknown>)] : Object.entries(value)
  return entries.map(([key, item]) => {
    const text = keyText(key, isWithinKey)
    return [JSON.stringify(text), item, text]
  })
}

function scalar(value: unknown): [LineKind, string | null] {
  if (typeof value === 'string') return ['string', JSON.stringify(value)]
  if (typeof value === 'number') return ['number', Object.is(value, -0) ? '-0' : String(value)]
  if (typeof value === 'bigint') return ['number', value.toString()]
  if (value === null || value === undefined || typeof value === 'boolean')
    return ['literal', String(value)]
  if (value instanceof Uint8Array) return ['bytes', `h'${toHex(value)}'`]
  if (value instanceof Date)
    return ['literal', Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString()]
  return ['open', null]
}

/** Bytes as hex digits. */
export function toHex(bytes: Uint8Array, separator = ''): string {
  let text = ''
  for (let at = 0; at < bytes.length; at++) {
    if (at > 0) text += separator
    text += (bytes[at] ?? 0).toString(16).padStart(2, '0')
  }
  return text
}

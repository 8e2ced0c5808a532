/** How text becomes a value: numbers, switches, lists, paths. */
import { ValueError } from './config-error.ts'
import { words } from './lexer.ts'

/** How the text behind an option's name becomes a value. */
export interface ValueType<T> {
  /** What may be written, for messages and documentation: `true | false`. */
  readonly describes: string
  /** Whether a second line is an error unless the option says otherwise. True of plain strings. */
  readonly onceOnly: boolean
  /** @throws ValueError when `rest` is not such a value. */
  read(name: string, rest: string): T
  /** Combines a further line with the ones before it. Absent: the last line wins. */
  merge?(name: string, before: T | undefined, next: T): T
  /** A value as it would be written in the file, for documentation. Absent: as JavaScript writes it. */
  show?(value: T): string
}

const STRING_BYTES_MAX = 65_535
const encoder = new TextEncoder()

/** No bound that a reader would care about. */
const ENDLESS = 2_147_483_647

const FLAGS = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
])

/** Exactly `true`, `1`, `false` or `0`. */
export const bool: ValueType<boolean> = {
  describes: 'true | false',
  onceOnly: false,
  read(name, rest) {
    const word = firstWord(name, rest)
    const value = FLAGS.get(word)
    if (value === undefined) throw new ValueError(`"${name}" must be true or false, not "${word}".`)
    return value
  },
}

/** A whole number from `min` to `max`; `adjust` maps special values (-1) before the range is checked. */
export function int(
  min: number,
  max: number,
  adjust: (value: number) => number = (value) => value,
): ValueType<number> {
  return {
    describes: max < ENDLESS ? `${min} to ${max}` : `${min} or more`,
    onceOnly: false,
    read: (name, rest) => readInteger(name, firstWord(name, rest), min, max, adjust),
  }
}

/** A duration of `min` to `max` units, kept in milliseconds. */
export function durationMs(
  unit: 's' | 'min',
  min: number,
  max: number,
  adjust?: (value: number) => number,
): ValueType<number> {
  const count = int(min, max, adjust)
  const unitMs = unit === 's' ? 1000 : 60_000
  return {
    describes: `${min} to ${max} ${unit}`,
    show: (value) => String(value / unitMs),
    onceOnly: false,
    read: (name, rest) => count.read(name, rest) * unitMs,
  }
}

/** The rest of the line without outer blanks: 1 to 65535 bytes, `charactersMax` characters at most. */
export function text(describes = 'text', charactersMax = STRING_BYTES_MAX): ValueType<string> {
  return {
    describes,
    onceOnly: true,
    read(name, rest) {
      const value = rest.trim()
      if (value === '') throw emptyValue(name)
      if (encoder.encode(value).length > STRING_BYTES_MAX)
        throw new ValueError(`The "${name}" value is longer than ${STRING_BYTES_MAX} bytes.`)
      if (value.length > charactersMax)
        throw new ValueError(`The "${name}" value is longer than ${charactersMax} characters.`)
      return value
    },
  }
}

export const path = text('path')

/** As {@link text}, without what MQTT strings must not hold: it goes into packets. */
export function mqttText(describes: string, charactersMax = STRING_BYTES_MAX): ValueType<string> {
  const plain = text(describes, charactersMax)
  return {
    ...plain,
    read(name, rest) {
      const value = plain.read(name, rest)
      if (/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(value))
        throw new ValueError(`The "${name}" value holds a character that MQTT does not allow.`)
      return value
    },
  }
}

/** One of `values`, exactly as written there. */
export function choice<const T extends string>(...values: T[]): ValueType<T> {
  return {
    describes: values.join(' | '),
    onceOnly: false,
    read(name, rest) {
      const word = firstWord(name, rest)
      const value = values.find((candidate) => candidate === word)
      if (value === undefined)
        throw new ValueError(`"${name}" must be one of ${values.join(', ')}, not "${word}".`)
      return value
    },
  }
}

/** Any number of lines, one element each. */
export function repeatable<T>(type: ValueType<T>): ValueType<readonly T[]> {
  return {
    describes: `${type.describes}, repeatable`,
    onceOnly: false,
    read: (name, rest) => [type.read(name, rest)],
    merge: (_name, before, next) => [...(before ?? []), ...next],
  }
}

/** A value type that fits no other: `read` gets the rest of the line, never blank. */
export function custom<T>(
  describes: string,
  read: (name: string, rest: string) => T,
): ValueType<T> {
  return {
    describes,
    onceOnly: false,
    read(name, rest) {
      if (rest.trim() === '') throw emptyValue(name)
      return read(name, rest)
    },
  }
}

export function emptyValue(name: string): ValueError {
  return new ValueError(`Empty "${name}" value in configuration.`)
}

/** The first word of a value. @throws ValueError when there is none. */
export function firstWord(name: string, rest: string): string {
  const word = words(rest).at(0)
  if (word === undefined || word.trim() === '') throw emptyValue(name)
  return word
}

// C's strtol with base 0: blanks and a sign first, then 0x hexadecimal, 0 octal, or decimal.
const INTEGER = /^\s*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/

/** @throws ValueError when `word` is no number or lies outside `min` to `max`. */
export function readInteger(
  name: string,
  word: string,
  min: number,
  max: number,
  adjust: (value: number) => number = (value) => value,
): number {
  const match = INTEGER.exec(word)
  if (match === null) throw new ValueError(`"${name}" value "${word}" is not a number.`)
  const [, sign, digits] = match
  const octal = digits.length > 1 && /^0[0-7]/.test(digits)
  const magnitude = octal ? Number.parseInt(digits, 8) : Number(digits)
  const value = adjust(sign === '-' && magnitude !== 0 ? -magnitude : magnitude)
  if (value < min || value > max)
    throw new ValueError(`"${name}" must be from ${min} to ${max}, not ${word.trim()}.`)
  return value
}

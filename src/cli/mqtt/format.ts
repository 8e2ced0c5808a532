/** `-F FORMAT`: the text into pieces. What the pieces print is in `format-print.ts`. */

/** `%[-][0][width][.precision][separator]letter` */
export interface Conversion {
  readonly kind: 'conversion'
  readonly letter: string
  readonly left: boolean
  readonly zero: boolean
  /** 0: as wide as it is. */
  readonly width: number
  /** -1: not given. */
  readonly precision: number
  /** Stands between groups of hexadecimal digits. */
  readonly separator: string
}

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  /** `@X`: what strftime makes of `%X`; `@N`: nanoseconds. */
  | { readonly kind: 'time'; readonly letter: string }
  | Conversion

export type ParsedFormat =
  | { readonly ok: true; readonly pieces: readonly Piece[] }
  | { readonly ok: false; readonly error: string }

const letters = new Set('%ACDEFIJPRSUXdfjlmpqrtx')

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  '0': '\0',
  a: '\u0007',
  e: '\u001b',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\u000b',
}

/** Flags in any order, then width, precision, separator, letter. Sticky: it goes on where the format is. */
const CONVERSION_SYNTAX =
  /%([-0]*)([0-9]{0,4})(\.[0-9]{0,4})?([!"#$&'()*+,\-./:;<=>?@[\\\]^_`{|}~ ])?(.)?/suy

const failure = (error: string): ParsedFormat => ({ ok: false, error })

/** Reads a format. The error is the line that goes to standard error. */
export function parseFormat(format: string): ParsedFormat {
  const pieces: Piece[] = []
  let plain = ''
  let at = 0
  const add = (piece: Piece): void => {
    if (plain !== '') pieces.push({ kind: 'text', text: plain })
    plain = ''
    pieces.push(piece)
  }
  while (at < format.length) {
    const character = String.fromCodePoint(format.codePointAt(at) ?? 0)
    if (character === '%') {
      const conversion = conversionAt(format, at)
      if (typeof conversion === 'string') return failure(conversion)
      at = CONVERSION_SYNTAX.lastIndex
      add(conversion)
      continue
    }
    const next = format.codePointAt(at + character.length)
    const letter = next === undefined ? '' : String.fromCodePoint(next)
    at += character.length
    if (character !== '@' && character !== '\\') {
      plain += character
      continue
    }
    at += letter.length
    if (character === '@') {
      if (letter === '') return failure('Error: Incomplete format specifier.')
      if (letter === '@') plain += '@'
      else add({ kind: 'time', letter })
    } else if (letter === '') return failure('Error: Incomplete escape specifier.')
    else if (!Object.hasOwn(ESCAPES, letter)) {
      return failure(`Error: Invalid escape specifier '${letter}'.`)
    } else plain += ESCAPES[letter]
  }
  if (plain !== '') pieces.push({ kind: 'text', text: plain })
  return { ok: true, pieces }
}

/** The conversion at `at`, or an error line. `conversionSyntax.lastIndex` is then behind it. */
function conversionAt(format: string, at: number): Conversion | string {
  CONVERSION_SYNTAX.lastIndex = at
  const match = CONVERSION_SYNTAX.exec(format)
  const [, flags = '', width = '', precision, separator, letter] = match ?? []
  if (letter === undefined) return 'Error: Incomplete format specifier.'
  if (!letters.has(letter)) return `Error: Invalid format specifier '${letter}'.`
  return {
    kind: 'conversion',
    letter,
    left: flags.includes('-'),
    zero: flags.includes('0') && !flags.startsWith('-'),
    width: Number(width),
    precision: precision === undefined ? -1 : Number(precision.slice(1)),
    separator: separator ?? ' ',
  }
}

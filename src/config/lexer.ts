/** Lines of a mosquitto.conf, cut into names and values. */
import { ConfigError } from './config-error.ts'

/** One line that holds an option. `rest` is all that follows the space behind the name. */
export interface ConfigLine {
  name: string
  rest: string
  line: number
}

const NEWLINE = 0x0a
const HASH = 0x23
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The option lines of a mosquitto.conf. A `#` makes a comment only as the very first character, a
 * space (not a tab) ends the name, blanks at the end of a line do not count.
 *
 * Comments are dropped as bytes, before decoding: an old Latin-1 comment is no error, a Latin-1
 * value is.
 *
 * @throws ConfigError for a line that is not UTF-8 or holds a NUL.
 */
export function* configLines(file: string, bytes: Uint8Array): Generator<ConfigLine> {
  let start = BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte) ? 3 : 0
  for (let line = 1; start < bytes.length; line++) {
    const found = bytes.indexOf(NEWLINE, start)
    const end = found === -1 ? bytes.length : found
    if (bytes[start] !== HASH) {
      const text = decodeLine(bytes.subarray(start, end), { file, line }).trim()
      if (text !== '') yield splitName(text, line)
    }
    start = end + 1
  }
}

function decodeLine(bytes: Uint8Array, location: { file: string; line: number }): string {
  if (bytes.includes(0)) throw new ConfigError('The line holds a NUL character.', location)
  try {
    return decoder.decode(bytes)
  } catch {
    throw new ConfigError('The line is not valid UTF-8.', location)
  }
}

function splitName(text: string, line: number): ConfigLine {
  const space = text.indexOf(' ')
  if (space === -1) return { name: text, rest: '', line }
  return { name: text.slice(0, space), rest: text.slice(space + 1), line }
}

/** The words of a value: what spaces separate. Runs of spaces count as one. */
export function words(rest: string): string[] {
  return rest.split(' ').filter((word) => word !== '')
}

/** As {@link words}, without a trailing `# comment`: the few options that accept one. */
export function wordsBeforeComment(rest: string): string[] {
  const all = words(rest)
  const comment = all.findIndex((word) => word.startsWith('#'))
  return comment === -1 ? all : all.slice(0, comment)
}

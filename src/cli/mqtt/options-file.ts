/** Options that stand in a file: one a line, what is behind the first blank is its operand, blanks and all. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Operand } from './flag.ts'
import { propertyWordCount } from './property-arguments.ts'
import type { Tool } from './settings.ts'

const BLANK = 0x20

export interface OptionLine {
  readonly lineNumber: number
  readonly words: readonly Operand[]
}

/** The file that is read without being asked for: mosquitto's, so that the tools can take each other's place. */
export function defaultOptionsFile(tool: Tool | 'ctrl'): string {
  const { XDG_CONFIG_HOME: config, USERPROFILE: profile } = process.env
  if (process.platform === 'win32') return join(profile ?? homedir(), `mosquitto_${tool}.conf`)
  const directory = config === undefined || config === '' ? join(homedir(), '.config') : config
  return join(directory, `mosquitto_${tool}`)
}

/** The lines of a file; null when there is none. Other errors of the file system are thrown. */
export function readOptionsFile(path: string): OptionLine[] | null {
  try {
    return parseOptionLines(readFileSync(path))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw error
  }
}

/** Comments begin a line with `#`. Only `-D` has several operands, apart by blanks; its last one may hold some. */
export function parseOptionLines(bytes: Uint8Array): OptionLine[] {
  const lines: OptionLine[] = []
  let start = 0
  for (let lineNumber = 1; start < bytes.length; lineNumber++) {
    const newline = bytes.indexOf(0x0a, start)
    const end = newline === -1 ? bytes.length : newline
    const hasReturn = end > start && bytes[end - 1] === 0x0d
    const words = splitLine(Buffer.from(bytes.subarray(start, hasReturn ? end - 1 : end)))
    if (words.length > 0) lines.push({ lineNumber, words })
    start = end + 1
  }
  return lines
}

function splitLine(whole: Buffer): Operand[] {
  if (whole[0] === 0x23) return []
  // Blanks before the option are nothing, as in mosquitto; those behind it belong to what follows.
  const begin = whole.findIndex((byte) => byte !== BLANK)
  if (begin < 0) return []
  const [name, operand] = splitOnce(whole.subarray(begin))
  const words = [name]
  // Nothing but the blank that ends the name.
  if (operand === null || operand.length === 0) return words.map(toOperand)
  const isProperty = ['-D', '--property'].includes(name.toString())
  const count = isProperty ? propertyWordCount(operand.toString().split(' ')) : 1
  let rest: Buffer | null = operand
  while (rest !== null && words.length < count) {
    const [word, more]: [Buffer, Buffer | null] = splitOnce(rest)
    words.push(word)
    rest = more
  }
  if (rest !== null) words.push(rest)
  return words.map(toOperand)
}

function splitOnce(line: Buffer): [Buffer, Buffer | null] {
  const blank = line.indexOf(BLANK)
  return blank === -1 ? [line, null] : [line.subarray(0, blank), line.subarray(blank + 1)]
}

function toOperand(bytes: Buffer): Operand {
  return { text: bytes.toString(), bytes }
}

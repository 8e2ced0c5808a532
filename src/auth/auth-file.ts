/** Files that decide who may do what: how they are opened, and how they may be wrong. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
} from 'node:fs'
import { isUtf8 } from 'node:buffer'

/** A file of users, keys or rules is missing or wrong. Nothing of it may be used. */
export class AuthFileError extends Error {
  override name = 'AuthFileError'

  /** @param line 1-based; 0 when it is about the file as a whole. */
  constructor(message: string, file: string, line = 0) {
    super(line === 0 ? message : `${message} (${file}:${line})`)
  }
}

/** The text of such a file, and what its owner should know about it. */
export interface AuthFile {
  readonly file: string
  readonly text: string
  readonly warnings: readonly string[]
}

const BYTES_MAX = 256 << 20
const NEWLINE = 0x0a
const HASH = 0x23
const OTHERS_MAY_READ = 0o004
const OTHERS_MAY_WRITE = 0o022

/**
 * Reads `file`, which the option `option` names. A symbolic link is followed only if root or this account made
 * it (as container platforms do); MOSQUITTO_UNSAFE_ALLOW_SYMLINKS in the environment lifts that.
 *
 * @param secret Whether nobody else should be able to read it.
 * @throws AuthFileError
 */
export function readAuthFile(option: string, file: string, secret: boolean): AuthFile {
  const name = `${option} ${file}`
  let descriptor = -1
  try {
    // Without waiting: to open a pipe that nobody writes into would leave the broker deaf to signals.
    const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)
    descriptor = openSync(file, flags | (followsLink(file) ? 0 : constants.O_NOFOLLOW))
    const stats = fstatSync(descriptor)
    const { size, mode, uid } = stats
    if (stats.isDirectory()) throw new AuthFileError(`${name} is a directory.`, file)
    if (stats.isFIFO())
      throw new AuthFileError(`${name} is a pipe; it must be a file, to be read again.`, file)
    if (size > BYTES_MAX)
      throw new AuthFileError(`${name} is larger than ${BYTES_MAX >> 20} MiB.`, file)
    // A device may never end, but for /dev/null, which is empty.
    if (!stats.isFile() && readSync(descriptor, Buffer.alloc(1)) > 0)
      throw new AuthFileError(`${name} is a device; it must be a file.`, file)
    const text = decode(name, file, stats.isFile() ? readFileSync(descriptor) : Buffer.alloc(0))
    return { file, text, warnings: modeWarnings(name, file, mode, uid, secret) }
  } catch (error) {
    if (error instanceof AuthFileError) throw error
    throw new AuthFileError(
      `Cannot read ${name}: ${explain(error as NodeJS.ErrnoException)}.`,
      file,
    )
  } finally {
    if (descriptor >= 0) closeSync(descriptor)
  }
}

/** Without the comment and blank lines: the lines of a file and their numbers, outer blanks behind removed. */
export function* authLines({ text }: { text: string }): Generator<[line: number, text: string]> {
  let line = 0
  for (const raw of text.split('\n')) {
    line++
    const content = raw.slice(0, endOf(raw))
    if (content !== '' && !content.startsWith('#')) yield [line, content]
  }
}

/** What mosquitto takes for a blank: those of ASCII. Any other one belongs to the name that it is in. */
function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d)
}

function endOf(text: string): number {
  let end = text.length
  while (end > 0 && isBlank(text.charCodeAt(end - 1))) end--
  return end
}

/** A name of such a file is what stands between the blanks around it, as in mosquitto. */
export function trimBlanks(text: string): string {
  const end = endOf(text)
  let start = 0
  while (start < end && isBlank(text.charCodeAt(start))) start++
  return text.slice(start, end)
}

function ownId(): number {
  return process.geteuid?.() ?? 0
}

function followsLink(file: string): boolean {
  if (process.env.MOSQUITTO_UNSAFE_ALLOW_SYMLINKS !== undefined) return true
  const link = lstatSync(file)
  return link.isSymbolicLink() && (link.uid === 0 || link.uid === ownId())
}

function decode(name: string, file: string, bytes: Uint8Array): string {
  const nul = bytes.indexOf(0)
  if (nul >= 0) throw new AuthFileError(`${name} contains a NUL byte.`, file, lineOf(bytes, nul))
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  const wrong = isUtf8(bytes) ? -1 : wrongAt(bytes)
  if (wrong >= 0) throw new AuthFileError(`${name} is not UTF-8.`, file, lineOf(bytes, wrong))
  if (text.startsWith('\uFEFF'))
    throw new AuthFileError(
      `${name} begins with a byte order mark: save it as UTF-8 without one.`,
      file,
      1,
    )
  return text
}

/** Where the first line begins that is not UTF-8; -1: none but comments, which an old file may have in Latin-1. */
function wrongAt(bytes: Uint8Array): number {
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(NEWLINE, start)
    const end = found < 0 ? bytes.length : found
    if (bytes[start] !== HASH && !isUtf8(bytes.subarray(start, end))) return start
    start = end + 1
  }
  return -1
}

function lineOf(bytes: Uint8Array, at: number): number {
  let line = 1
  for (let index = 0; index < at; index++) if (bytes[index] === NEWLINE) line++
  return line
}

function modeWarnings(
  name: string,
  file: string,
  mode: number,
  uid: number,
  secret: boolean,
): string[] {
  const warnings: string[] = []
  if (secret && (mode & OTHERS_MAY_READ) !== 0)
    warnings.push(`${name} can be read by everybody on this machine: chmod 0600 ${file}`)
  if ((mode & OTHERS_MAY_WRITE) !== 0)
    warnings.push(`${name} can be changed by other accounts of this machine: chmod go-w ${file}`)
  // Root reads it for the account that it will become, which may well be the owner.
  if (uid !== 0 && ownId() !== 0 && uid !== ownId())
    warnings.push(`${name} belongs to another account (uid ${uid}), which can change it.`)
  return warnings
}

function explain(error: NodeJS.ErrnoException): string {
  const texts: Record<string, string> = {
    ENOENT: 'it does not exist',
    EACCES: `the account of the broker (uid ${ownId()}) may not read it`,
    ELOOP: 'it is a symbolic link that another account made',
    EMFILE: 'the process has no file descriptors left',
  }
  return texts[error.code ?? ''] ?? error.message
}

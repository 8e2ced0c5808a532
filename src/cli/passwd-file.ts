/** A password file as `mozzie passwd` edits it: what it does not change stays as it is, byte for byte. */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** One line for stderr. */
export class PasswdError extends Error {
  override name = 'PasswdError'
}

const NEW_FILE_MODE = 0o600
const newFileFlags =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const ABANDONED_MS = 5000
const RETRY_MS = 20
const TRIES_MAX = 500

/**
 * The lines of `name`, each character a byte: in whatever encoding a file is, what stays of it must not change.
 *
 * @throws PasswdError
 */
export function readPasswdFile(name: string): string[] {
  try {
    const text = readFileSync(name, 'latin1')
    return text === '' ? [] : text.replace(/\n$/, '').split('\n')
  } catch (error) {
    throw new PasswdError(`Unable to open password file ${name}. ${explain(error)}`)
  }
}

/** `text` as it stands in such a line: in UTF-8. */
export function lineText(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** What a person reads of such a line. */
export function shownText(line: string): string {
  return Buffer.from(line, 'latin1').toString()
}

/** Creates `name`; nothing may be there yet. @throws PasswdError */
export function createPasswdFile(name: string, lines: readonly string[]): void {
  try {
    const descriptor = openSync(name, newFileFlags, NEW_FILE_MODE)
    try {
      fill(descriptor, lines, null)
    } catch (error) {
      // Half a file would be taken for one, and would be in the way of the next attempt.
      rmSync(name, { force: true })
      throw error
    } finally {
      closeSync(descriptor)
    }
    syncDirectory(name)
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST'
    const hint = exists ? ' Without -c the user is added to it.' : ''
    throw new PasswdError(`Unable to open file ${name} for writing. ${explain(error)}${hint}`)
  }
}

/**
 * Puts what `change` makes of the lines in their place: whoever opens the file gets the old one or the new one,
 * whole. The new one begins beside it under a name that only one process at a time can have, so that two who
 * change the file do so one after the other.
 *
 * @param change Returns null to leave the file alone.
 * @throws PasswdError
 */
export function editPasswdFile(
  name: string,
  change: (lines: readonly string[]) => readonly string[] | null,
): void {
  readPasswdFile(name)
  const path = realpathSync(name)
  const next = join(dirname(path), `.${basename(path)}.new`)
  const descriptor = openNext(next)
  try {
    const lines = change(readPasswdFile(path))
    if (lines === null) return rmSync(next)
    fill(descriptor, lines, path)
    renameSync(next, path)
    syncDirectory(path)
  } catch (error) {
    rmSync(next, { force: true })
    if (error instanceof PasswdError) throw error
    throw new PasswdError(`Unable to write ${path}. ${explain(error)}`)
  } finally {
    closeSync(descriptor)
  }
}

/** Waits while another process has the name; one that was killed there has lost it after a while. */
function openNext(next: string): number {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    try {
      return openSync(next, newFileFlags, NEW_FILE_MODE)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
        throw new PasswdError(`Unable to write ${next}. ${explain(error)}`)
      if (ageMs(next) > ABANDONED_MS) rmSync(next, { force: true })
      else Atomics.wait(pause, 0, 0, RETRY_MS)
    }
  }
  throw new PasswdError(`Another process is changing the file: ${next} is there.`)
}

function ageMs(path: string): number {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats === undefined ? 0 : Date.now() - stats.mtimeMs
}

/** Writes the lines into a new file, with the owner and the mode of `like` if that is one. */
function fill(descriptor: number, lines: readonly string[], like: string | null): void {
  let mode = NEW_FILE_MODE
  if (like !== null) {
    const known = statSync(like)
    mode = known.mode & 0o777
    if (process.getuid?.() === 0) fchownSync(descriptor, known.uid, known.gid)
  }
  fchmodSync(descriptor, mode)
  writeAll(descriptor, Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1'))
  fsyncSync(descriptor)
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at)
}

function syncDirectory(path: string): void {
  const descriptor = openSync(dirname(path), constants.O_RDONLY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory.',
  EACCES: 'Permission denied.',
  EEXIST: 'File exists.',
  EISDIR: 'Is a directory.',
}

function explain(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return REASONS[code ?? ''] ?? `${message}.`
}

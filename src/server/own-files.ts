/** Files that the broker writes, perhaps as root, in directories where others may have put something before. */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'

const { O_APPEND, O_CREAT, O_EXCL, O_WRONLY } = constants
const noFollow = constants.O_NOFOLLOW ?? 0

/**
 * Opens `path` to append to it; made with mode 0600 when it is not there. Neither a link in its place is followed
 * nor a file with a second name written to: it may be another one's.
 *
 * @throws the error of the system, or one that says why the file is none of ours.
 */
export function openToAppend(path: string): number {
  return ownOnly(openSync(path, O_APPEND | O_CREAT | O_WRONLY | noFollow, 0o600))
}

function ownOnly(descriptor: number): number {
  const stats = fstatSync(descriptor)
  if (!stats.isFile() || stats.nlink === 1) return descriptor
  closeSync(descriptor)
  throw new Error('the file has a second name (a hard link)')
}

/**
 * Puts a file of ours, with `text` and `mode`, in the place of whatever has the name: a link goes, what it leads to
 * stays. Where the directory lets us make none, a plain file that is there is filled, with the mode it has.
 *
 * @throws the error of the system.
 */
export function replaceFile(path: string, text: string, mode: number): void {
  const next = `${path}.${process.pid}.new`
  let descriptor: number
  try {
    descriptor = openSync(next, O_CREAT | O_EXCL | O_WRONLY | noFollow, mode)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
    return fill(ownOnly(openSync(path, O_WRONLY | noFollow)), text)
  }
  try {
    // The umask took bits from it; the file is new, nobody else's.
    if (process.env['UMASK_SET'] === undefined) fchmodSync(descriptor, mode)
    fill(descriptor, text)
    renameSync(next, path)
  } catch (error) {
    rmSync(next, { force: true })
    throw error
  }
}

function fill(descriptor: number, text: string): void {
  try {
    ftruncateSync(descriptor)
    writeSync(descriptor, text)
  } finally {
    closeSync(descriptor)
  }
}

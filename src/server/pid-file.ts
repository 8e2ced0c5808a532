/** The pid file. */
import { lstatSync, readFileSync, unlinkSync } from 'node:fs'
import { replaceFile } from './own-files.ts'

/** The pid file cannot be written. */
export class PidFileError extends Error {
  override name = 'PidFileError'
}

/** Whoever wants to signal the broker may know. */
const MODE = 0o644

/** @throws PidFileError */
export function writePidFile(path: string): void {
  try {
    replaceFile(path, `${process.pid}\n`, MODE)
  } catch (error) {
    throw new PidFileError(`Unable to write the pid file "${path}": ${(error as Error).message}.`)
  }
}

/** Removes the file if it is still ours. */
export function removePidFile(path: string): void {
  try {
    if (!lstatSync(path).isFile()) return
    if (readFileSync(path, 'latin1').trim() === String(process.pid)) unlinkSync(path)
  } catch {
    // Gone, or in a directory that the account we run as may not write to.
  }
}

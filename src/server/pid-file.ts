import { chmodSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'

/** The pid file cannot be written. */
export class PidFileError extends Error {
  override name = 'PidFileError'
}

/** @throws PidFileError */
export function writePidFile(path: string): void {
  try {
    writeFileSync(path, `${process.pid}\n`)
    // Whoever wants to signal the broker may know, unless its owner has a umask of their own.
    if (process.env['UMASK_SET'] === undefined) chmodSync(path, 0o644)
  } catch (error) {
    throw new PidFileError(`Unable to write the pid file "${path}": ${(error as Error).message}.`)
  }
}

/** Removes the file if it is still ours. */
export function removePidFile(path: string): void {
  try {
    if (readFileSync(path, 'latin1').trim() === String(process.pid)) unlinkSync(path)
  } catch {
    // Gone, or in a directory that the account we run as may not write to.
  }
}

import { readFileSync, unlinkSync, writeFileSync } from 'node:fs'

/** @throws the error of the system when the file cannot be written. */
export function writePidFile(path: string): void {
  writeFileSync(path, `${process.pid}\n`, { mode: 0o644 })
}

/** Removes the file if it is still ours. */
export function removePidFile(path: string): void {
  try {
    if (readFileSync(path, 'latin1').trim() === String(process.pid)) unlinkSync(path)
  } catch {
    // Gone, or in a directory that the account we run as may not write to.
  }
}

/** Directories that are missing, made. */
import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes the directory `path` and those above it that are missing, each with `mode`; one that is there stays as it is.
 * Node's own way (`recursive`) goes round for ever where nothing can be made in a directory that is there, as in /proc.
 * @throws the system's error, which names the directory that could not be made.
 */
export function makeDirectories(path: string, mode: number): void {
  const whole = resolve(path)
  if (isDirectory(whole)) return
  const above = dirname(whole)
  if (above !== whole) makeDirectories(above, mode)
  try {
    mkdirSync(whole, mode)
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!isDirectory(whole)) throw error
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

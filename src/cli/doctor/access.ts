/** May an account use a file? Asked of the file system as root, of the modes for another account. */
import { accessSync, constants, statSync, type Stats } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Account } from '../../server/privileges.ts'

export const READ = constants.R_OK
export const WRITE = constants.W_OK
const PASS = constants.X_OK

/** What keeps an account from a file: the file itself, or a directory on the way. `missing`: it is not there. */
export interface Obstacle {
  readonly path: string
  readonly missing: boolean
  readonly mode: string
  readonly owner: number
}

/**
 * @param account null: this process asks for itself.
 * @returns null: nothing is in the way.
 */
export function obstacleTo(file: string, wanted: number, account: Account | null): Obstacle | null {
  const path = resolve(file)
  const parent = dirname(path)
  if (parent !== path) {
    const before = obstacleTo(parent, PASS, account)
    if (before !== null) return before
  }
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return { path, missing: true, mode: '', owner: -1 }
  return may(path, stats, wanted, account)
    ? null
    : { path, missing: false, mode: modeText(stats), owner: stats.uid }
}

function may(path: string, stats: Stats, wanted: number, account: Account | null): boolean {
  if (account === null) {
    try {
      accessSync(path, wanted)
      return true
    } catch {
      return false
    }
  }
  const shift = stats.uid === account.uid ? 6 : stats.gid === account.gid ? 3 : 0
  return ((stats.mode >> shift) & wanted) === wanted
}

function modeText({ mode }: Stats): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}

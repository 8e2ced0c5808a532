/** Changes from root to the account of the broker. */
import { execFileSync } from 'node:child_process'

/** The account cannot be changed to. */
export class PrivilegeError extends Error {
  override name = 'PrivilegeError'
}

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Files of the broker are nobody else's; those that are say so where they are made. */
const DEFAULT_UMASK = 0o077

/**
 * UMASK_SET of the environment: the umask for everything the broker makes, in octal.
 *
 * @throws PrivilegeError when it is none.
 */
export function applyUmask(): void {
  const { UMASK_SET } = process.env
  if (UMASK_SET === undefined) return void process.umask(DEFAULT_UMASK)
  if (!/^[0-7]{1,4}$/.test(UMASK_SET))
    throw new PrivilegeError(`UMASK_SET "${UMASK_SET}" is not an octal number.`)
  process.umask(Number.parseInt(UMASK_SET, 8))
}

const DEFAULT_USER = 'mosquitto'
const FALLBACK_USER = 'nobody'

/**
 * Leaves root: PUID and PGID of the environment win, then `user`. Nothing happens when the process is not
 * root, or is to stay it.
 *
 * @param user As configured; `root` or empty: stay. The default falls back to `nobody`.
 * @param say Told what happened.
 * @throws PrivilegeError when there is no such account.
 */
export function dropPrivileges(user: string, say: (text: string) => void): void {
  if (process.getuid?.() !== 0) return
  const account = wantedAccount(user)
  if (account === null || account.uid === 0) {
    say('Warning: running as root. Name an account with the option "user".')
    return
  }
  try {
    process.setgroups?.([account.gid])
    process.setgid?.(account.gid)
    process.setuid?.(account.uid)
  } catch (error) {
    throw new PrivilegeError(`Unable to run as user "${account.name}": ${(error as Error).message}`)
  }
  say(`Info: running mozzie as user: ${account.name}.`)
}

/**
 * The account that a broker started by root would run as: PUID and PGID of the environment win, then `user`.
 *
 * @returns null: it would stay root.
 * @throws PrivilegeError when there is no such account.
 */
export function wantedAccount(user: string): Account | null {
  const { PUID, PGID } = process.env
  if (PUID !== undefined || PGID !== undefined) {
    const uid = numericId('PUID', PUID)
    return { name: String(uid), uid, gid: numericId('PGID', PGID) }
  }
  if (user === '' || user === 'root') return null
  const account = findAccount(user) ?? (user === DEFAULT_USER ? findAccount(FALLBACK_USER) : null)
  if (account === null) throw new PrivilegeError(`The user "${user}" does not exist.`)
  return account
}

function numericId(name: string, text: string | undefined): number {
  if (text === undefined) return 0
  if (!/^\d{1,9}$/.test(text)) throw new PrivilegeError(`${name} "${text}" is not a numeric id.`)
  return Number(text)
}

/** Asks `id`, which knows accounts from every source that the system is set up with. */
function findAccount(name: string): Account | null {
  try {
    const ask = (flag: string): number =>
      Number(execFileSync('id', [flag, '--', name], { stdio: ['ignore', 'pipe', 'ignore'] }))
    return { name, uid: ask('-u'), gid: ask('-g') }
  } catch {
    return null
  }
}

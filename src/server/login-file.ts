/**
 * Logins at the pages, kept over a restart in a file beside the store. It holds hashes of tokens, and of each login a
 * proof that only the password hash can confirm: who steals the file cannot come in by it, who writes it neither.
 */
import { existsSync } from 'node:fs'
import { HTTP_CLIENT_ID } from '../admin/callers.ts'
import type { KeptLogin, LoginKeeper } from '../admin/logins.ts'
import { readAuthFile } from '../auth/auth-file.ts'
import { LogType, type Log } from '../base/log.ts'
import { replaceFile } from './own-files.ts'
import type { ServerSecurity } from './security.ts'

const VERSION = 1

/** @param file `FILE.logins` beside the store; null: nothing is kept. */
export function loginKeeperOf(
  file: string | null,
  security: ServerSecurity,
  log: Log,
): LoginKeeper | null {
  if (file === null) return null
  const fault = (error: unknown): void =>
    log.write(
      LogType.warning,
      `Warning: logins at the page end with the broker: ${file}: ${(error as Error).message}`,
    )
  return {
    load() {
      if (!existsSync(file)) return []
      try {
        const { text, warnings } = readAuthFile('logins', file, true)
        for (const warning of warnings) log.write(LogType.warning, `Warning: ${warning}`)
        return parse(text)
      } catch (error) {
        fault(error)
        return []
      }
    },
    save(logins) {
      if (logins.length === 0 && !existsSync(file)) return
      try {
        replaceFile(file, `${JSON.stringify({ version: VERSION, logins })}\n`, 0o600)
      } catch (error) {
        fault(error)
      }
    },
    proofOf: security.proofOf,
    again: ({ key, username, realm, proof }, listener) =>
      security.loginAgain(listener, { clientId: HTTP_CLIENT_ID, username }, { realm, proof }, key),
  }
}

/** Throws Error when it is not what was written. */
function parse(text: string): KeptLogin[] {
  const { version, logins } = JSON.parse(text) as { version: unknown; logins: unknown }
  if (version !== VERSION || !Array.isArray(logins)) throw new Error('not a file of logins')
  return logins.filter(isLogin)
}

function isLogin(value: unknown): value is KeptLogin {
  if (typeof value !== 'object' || value === null) return false
  const { key, username, realm, proof, beganMs, seenMs } = value as Record<string, unknown>
  const texts = [key, username, realm, proof]
  return (
    texts.every((text) => typeof text === 'string') &&
    [beganMs, seenMs].every((time) => Number.isFinite(time))
  )
}

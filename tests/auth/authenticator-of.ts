/** The authenticator of a listener with a password file and nothing else. */
import type { Log } from '../../src/base/log.ts'
import { createArgon2 } from '../../src/auth/argon2.ts'
import { createAuthenticator, type Authenticator } from '../../src/auth/authenticate.ts'
import { parsePasswordFile } from '../../src/auth/password-file.ts'
import type { Realm } from '../../src/auth/realm.ts'
import { listener } from '../sim/world.ts'

const log: Log = { mask: 0, write: () => {} }

/** Of who wants in, and has not said as whom. */
export const newcomer = {
  clientId: 'c',
  username: null,
  password: null,
  version: 5,
  remote: '127.0.0.1:1',
  listener,
  tls: null,
  proven: false,
} as const

/**
 * @param text The file's.
 * @param hold Takes refusals that are held back; absent: none is, for what they wait is another matter, and the same for all.
 */
export function authenticatorOf(
  text: string,
  hold = (call: () => void): void => call(),
): Authenticator {
  const passwords = parsePasswordFile(text, 'users')
  const realm: Realm = {
    name: '1883',
    passwords,
    acl: null,
    hook: null,
    dynamic: null,
    tokens: null,
    goAuth: null,
  }
  return createAuthenticator({
    log,
    argon2id: createArgon2(),
    realmOf: () => realm,
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    loginEnded: () => {},
    later: (_delayMs, call) => hold(call),
  })
}

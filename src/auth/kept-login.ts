/** A login that is to outlive the process: what proves it later, and how it becomes a login again. */
import { createHmac } from 'node:crypto'
import type { Identity, ListenerOptions } from '../ports/ports.ts'
import { Login, passwordOf, welcomes, type Realm } from './realm.ts'

/** What is kept of it. Without the password hash it stands for nothing, and tells nothing of it. */
export interface LoginProof {
  /** Of the realm where it came in. */
  readonly realm: string
  /** Of name and password hash, keyed with what the caller knows the login by: another hash, another proof. */
  readonly proof: string
}

export interface NamedClient {
  readonly clientId: string
  readonly username: string
}

/** null: it did not come in by a password that can be looked up again (a token, the login hook, TLS). */
export function proofOf({ login, username }: Identity, key: string): LoginProof | null {
  if (!(login instanceof Login) || login.encoded === null || username === null) return null
  return { realm: login.realm.name, proof: proofFor(key, username, login.encoded) }
}

/** The login as it was; null: the user is gone, not welcome, or has another password. */
export function loginAgain(
  realm: Realm,
  listener: ListenerOptions,
  { clientId, username }: NamedClient,
  kept: LoginProof,
  key: string,
): Identity | null {
  const encoded = passwordOf(realm, username)?.encoded
  if (encoded === undefined || kept.realm !== realm.name) return null
  if (!welcomes(realm, username, clientId)) return null
  if (proofFor(key, username, encoded) !== kept.proof) return null
  const login = new Login(realm, { encoded })
  return { clientId, username, remote: '', listener, login, origin: realm.name }
}

function proofFor(key: string, username: string, encoded: string): string {
  return createHmac('sha256', key)
    .update(JSON.stringify([username, encoded]))
    .digest('base64url')
}

/** A NATS operator with one account and one user: lines of configuration of a nats-server, and the user's file of credentials. */
import { nkeys } from '@nats-io/nats-core'

type KeyPair = ReturnType<typeof nkeys.createUser>

export interface NatsOperator {
  readonly lines: string[]
  /** What the file of a user holds that the servers know. */
  readonly creds: string
  /** The same of a user whose account they do not know. */
  readonly strangerCreds: string
}

const NO_LIMITS = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, conn: -1, leaf: -1 }
const STORAGE = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 }
const HEADER = { typ: 'JWT', alg: 'ed25519-nkey' }

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A JWT as nats-server reads it: what `issuer` says of `subject`. */
function claim(issuer: KeyPair, subject: KeyPair, nats: object): string {
  const [iss, sub] = [issuer.getPublicKey(), subject.getPublicKey()]
  const text = `${encode(HEADER)}.${encode({ jti: sub, iat: 1, iss, sub, name: sub, nats })}`
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`
}

function credsOf(account: KeyPair): string {
  const user = nkeys.createUser()
  const nats = { type: 'user', version: 2, pub: {}, sub: {}, subs: -1, data: -1, payload: -1 }
  return [
    '-----BEGIN NATS USER JWT-----',
    claim(account, user, nats),
    '------END NATS USER JWT------',
    '',
    '-----BEGIN USER NKEY SEED-----',
    Buffer.from(user.getSeed()).toString(),
    '------END USER NKEY SEED------',
    '',
  ].join('\n')
}

export function createOperator(): NatsOperator {
  const operator = nkeys.createOperator()
  const system = nkeys.createAccount()
  const account = nkeys.createAccount()
  const accountOf = (pair: KeyPair, more: object): string => {
    const limits = { ...NO_LIMITS, wildcards: true, ...more }
    const nats = { type: 'account', version: 2, limits, default_permissions: { pub: {}, sub: {} } }
    return `${pair.getPublicKey()}: ${claim(operator, pair, nats)}`
  }
  const systemKey = system.getPublicKey()
  const nats = { type: 'operator', version: 2, system_account: systemKey }
  return {
    lines: [
      `operator: ${claim(operator, operator, nats)}`,
      `system_account: ${systemKey}`,
      'resolver: MEMORY',
      `resolver_preload: { ${accountOf(system, {})}, ${accountOf(account, STORAGE)} }`,
    ],
    creds: credsOf(account),
    strangerCreds: credsOf(nkeys.createAccount()),
  }
}

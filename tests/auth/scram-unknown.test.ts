/** SCRAM for users who are not there: nothing that is offered tells them from those who are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scram } from '../../src/client/node.ts'
import { PacketType } from '../../src/codec/packets.ts'
import { Reason } from '../../src/codec/reason-codes.ts'
import {
  formatPasswordHash,
  hashPassword,
  newPasswordHash,
  type PasswordHash,
} from '../../src/auth/password-hash.ts'
import { offerScram, SCRAM_METHODS, type ScramMethod } from '../../src/auth/scram.ts'
import type { Authenticator } from '../../src/auth/authenticate.ts'
import type { ExchangeStep } from '../../src/ports/ports.ts'
import { connect } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { authenticatorOf, newcomer } from './authenticator-of.ts'
import { startSecured } from './secured.ts'

const SHA256 = SCRAM_METHODS.get('SCRAM-SHA-256') as ScramMethod
const SHA512 = SCRAM_METHODS.get('SCRAM-SHA-512') as ScramMethod
/** Failures that cost nothing, answers that may be held for one user, and some. */
const GUESSES = 40
/** So many connections do not all come to one thread. */
const CONNECTIONS = 24

async function lineOf(
  user: string,
  password: string,
  scheme: PasswordHash['scheme'],
  iterations: number,
): Promise<string> {
  const wanted = newPasswordHash(scheme, iterations)
  const noArgon2 = () => Promise.reject(new Error('not asked for'))
  const hash = await hashPassword(Buffer.from(password), wanted, noArgon2)
  return `${user}:${formatPasswordHash({ ...wanted, hash })}\n`
}

/** The next step of an exchange. */
type Next = (data: Uint8Array | null | undefined) => Promise<ExchangeStep>

function begin(authenticator: Authenticator, method: string): Next {
  const exchange = authenticator.exchange(newcomer, method)
  return (data) => new Promise((resolve) => exchange?.next(data ?? null, resolve))
}

interface Offered {
  readonly salt: string
  readonly saltBytes: number
  readonly iterations: string
}

function offeredBy(message: Uint8Array): Offered {
  const [, salt = '', iterations = ''] =
    /s=([^,]+),i=(\d+)/.exec(Buffer.from(message).toString()) ?? []
  return { salt, saltBytes: Buffer.from(salt, 'base64').length, iterations }
}

async function offered(authenticator: Authenticator, method: string, user: string) {
  const step = await begin(authenticator, method)(Buffer.from(`n,,n=${user},r=abc`))
  assert.ok(step.kind === 'continue' && step.data !== null)
  return offeredBy(step.data)
}

/** A guess that needs only its last message. */
async function guess(authenticator: Authenticator, password: string) {
  const login = scram({ username: 'ann', password })
  const next = begin(authenticator, 'SCRAM-SHA-256')
  const offer = await next(await login.start?.())
  assert.ok(offer.kind === 'continue' && offer.data !== null)
  const proof = await login.respond(offer.data)
  return () => next(proof)
}

test('a salt of nobody is another one for each method, as with users who are there', () => {
  const [first, second] = [SHA256, SHA512].map((method) => {
    const text = offerScram(method, 'n,,n=nobody,r=abc', () => undefined)?.text ?? ''
    return offeredBy(Buffer.from(text)).salt.slice(0, 40)
  })
  assert.notEqual(first, second)
})

test('where users have hashes for both methods, nobody is offered what is usual for each', async () => {
  const authenticator = authenticatorOf(
    (await lineOf('ann', 'secret', 'scram-sha-256', 20_000)) +
      (await lineOf('bob', 'secret', 'sha512-pbkdf2', 3000)),
  )
  for (const [method, user] of [
    ['SCRAM-SHA-256', 'ann'],
    ['SCRAM-SHA-512', 'bob'],
  ] as const) {
    const [known, unknown] = [
      await offered(authenticator, method, user),
      await offered(authenticator, method, 'nobody'),
    ]
    assert.deepEqual(
      [unknown.saltBytes, unknown.iterations],
      [known.saltBytes, known.iterations],
      method,
    )
  }
})

test('what is offered stays the same while too many guesses are held, and no proof is looked at then', async () => {
  const held: (() => void)[] = []
  const authenticator = authenticatorOf(
    await lineOf('ann', 'secret', 'scram-sha-256', 4096),
    (call) => void held.push(call),
  )
  const before = await offered(authenticator, 'SCRAM-SHA-256', 'ann')
  // They have all begun before the first of them fails.
  const right = await guess(authenticator, 'secret')
  const guesses = await Promise.all(
    Array.from({ length: GUESSES }, (_, at) => guess(authenticator, `secret${at}`)),
  )
  const answers = guesses.map((end) => end())
  assert.deepEqual(await right(), { kind: 'refused', reason: Reason.quotaExceeded })
  assert.deepEqual(await offered(authenticator, 'SCRAM-SHA-256', 'ann'), before)
  for (const call of held) call()
  const reasons = (await Promise.all(answers)).map((step) => step.kind)
  assert.deepEqual(new Set(reasons), new Set(['refused']))
  const again = await guess(authenticator, 'secret')
  assert.equal((await again()).kind, 'done')
})

test('all threads offer nobody the same salt', async (context) => {
  const broker = await startSecured(
    context,
    'thread_count 2\nlistener PORT0 127.0.0.1\npassword_file DIR/users\n',
    { users: await lineOf('ann', 'secret', 'scram-sha-256', 4096) },
  )
  const saltOf = async (clientId: string): Promise<string> => {
    const raw = await RawClient.open(broker.ports[0], 5)
    const properties = {
      authenticationMethod: 'SCRAM-SHA-256',
      authenticationData: Buffer.from('n,,n=nobody,r=abc'),
    }
    raw.send(connect(5, { clientId, properties }))
    const challenge = await raw.next()
    assert.ok(challenge?.type === PacketType.auth)
    return offeredBy(challenge.properties.authenticationData ?? new Uint8Array(0)).salt
  }
  const salts = await Promise.all(Array.from({ length: CONNECTIONS }, (_, at) => saltOf(`c${at}`)))
  assert.equal(new Set(salts).size, 1)
})

test('who asks to act for another user, or for an extension that must be understood, is refused (RFC 5802, 5.1)', () => {
  const find = (): never => assert.fail('nobody is looked up')
  for (const message of ['n,a=bob,n=ann,r=abc', 'n,,m=x,n=ann,r=abc', 'n,,n=ann,r=abc,m=x'])
    assert.equal(offerScram(SHA256, message, find), null, message)
  assert.notEqual(
    offerScram(SHA256, 'n,a=a=2Cb,n=a=2Cb,r=abc,x=y', () => undefined),
    null,
  )
})

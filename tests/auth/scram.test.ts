/** SCRAM: the vectors of RFC 7677, our client against our broker, and what must not get in. */
import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { connect as connectClient, scram, type MqttClient } from '../../src/client/node.ts'
import { PacketType, type Packet, type Properties } from '../../src/codec/packets.ts'
import { Reason } from '../../src/codec/reason-codes.ts'
import {
  formatPasswordHash,
  hashPassword,
  newPasswordHash,
  parsePasswordHash,
} from '../../src/auth/password-hash.ts'
import { offerScram, SCRAM_METHODS, verifyScram, type ScramMethod } from '../../src/auth/scram.ts'
import type { Authenticator } from '../../src/auth/authenticate.ts'
import type { ExchangeStep } from '../../src/ports/ports.ts'
import { startTool } from '../cli/tool-process.ts'
import { auth, connect, type PacketOf } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { authenticatorOf, newcomer } from './authenticator-of.ts'
import { passwordLine, startSecured, type Secured } from './secured.ts'

const sha256 = SCRAM_METHODS.get('SCRAM-SHA-256') as ScramMethod
const noArgon2 = () => Promise.reject(new Error('not asked for'))

async function scramLine(user: string, password: string): Promise<string> {
  const wanted = newPasswordHash('scram-sha-256', 4096)
  const hash = await hashPassword(Buffer.from(password), wanted, noArgon2)
  return `${user}:${formatPasswordHash({ ...wanted, hash })}\n`
}

test('the exchange of RFC 7677, 3: keys and signatures are those of its example', async () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const like = { ...newPasswordHash('scram-sha-256', 4096), salt }
  const hash = await hashPassword(Buffer.from('pencil'), like, noArgon2)
  const parsed = parsePasswordHash(formatPasswordHash({ ...like, hash }))
  assert.ok(typeof parsed === 'object')
  const made = offerScram(sha256, 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO', () => parsed)
  assert.ok(made !== null)
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
  const offer = { ...made, nonce, text: `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096` }
  const last = `c=biws,r=${nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`
  assert.equal(verifyScram(sha256, offer, last), 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
  for (const wrong of [
    last.replace('dHzb', 'eHzb'),
    last.replace('biws', 'eSws'),
    last.replace('NlF', 'NlG'),
    '',
  ])
    assert.equal(verifyScram(sha256, offer, wrong), null, wrong)
})

async function startWith(context: TestContext, line: string): Promise<Secured> {
  return startSecured(context, 'listener PORT0 127.0.0.1\npassword_file DIR/users\n', {
    users: line,
  })
}

function client(broker: Secured, options: Parameters<typeof scram>[0]): Promise<MqttClient> {
  return connectClient(`mqtt://127.0.0.1:${broker.ports[0]}`, {
    reconnect: false,
    authenticate: scram(options),
  })
}

test('SCRAM-SHA-256 lets in who knows the password, as that user, and proves itself anew [MQTT-4.12.0-3]', async (context) => {
  const broker = await startWith(context, await scramLine('ann, of =', 'sécret'))
  const ann = await client(broker, { username: 'ann, of =', password: 'sécret' })
  await ann.reauthenticate()
  await ann.publish('t', 'm', { qos: 1 })
  await ann.end()
  await assert.rejects(client(broker, { username: 'ann, of =', password: 'secret' }), {
    reason: Reason.notAuthorized,
  })
  await assert.rejects(client(broker, { username: 'bob', password: 'sécret' }), {
    reason: Reason.notAuthorized,
  })
})

test('the same hash serves a login by user name and password', async (context) => {
  const broker = await startWith(context, await scramLine('ann', 'secret'))
  await broker.connect({ username: 'ann', password: 'secret' })
  await broker.connect({ username: 'ann', password: 'other', clientId: 'b' }, Reason.notAuthorized)
})

test("SCRAM-SHA-512 works with the hashes of mosquitto's password files", async (context) => {
  const broker = await startWith(context, passwordLine('ann', 'secret'))
  await (await client(broker, { username: 'ann', password: 'secret', hash: 'SHA-512' })).end()
  await assert.rejects(client(broker, { username: 'ann', password: 'x', hash: 'SHA-512' }), {
    reason: Reason.notAuthorized,
  })
  // There is no SHA-256 of that password.
  await assert.rejects(client(broker, { username: 'ann', password: 'secret' }), {
    reason: Reason.notAuthorized,
  })
})

test('an empty password is not right by an exchange either, whatever the hash was made of', async (context) => {
  const lines = `${await scramLine('ann', '')}${passwordLine('bob', '')}`
  const broker = await startWith(context, lines)
  for (const [username, hash] of [
    ['ann', 'SHA-256'],
    ['bob', 'SHA-512'],
  ] as const)
    await assert.rejects(client(broker, { username, password: '', hash }), {
      reason: Reason.notAuthorized,
    })
})

/** The last step of ann's exchange. `beforeProof`: called right before her proof comes. */
async function lastStep(
  authenticator: Authenticator,
  beforeProof = () => {},
): Promise<ExchangeStep> {
  const login = scram({ username: 'ann', password: 'secret' })
  const exchange = authenticator.exchange(newcomer, 'SCRAM-SHA-256')
  const next = (data: Uint8Array | null | undefined): Promise<ExchangeStep> =>
    new Promise((resolve) => exchange?.next(data ?? null, resolve))
  const offer = await next(await login.start?.())
  assert.ok(offer.kind === 'continue' && offer.data !== null)
  const proof = await login.respond(offer.data)
  beforeProof()
  return next(proof)
}

test('who proves the password while too many logins wait is told so, and has not guessed wrong', async () => {
  const lines = `${await scramLine('ann', 'secret')}${passwordLine('bob', 'other')}`
  const authenticator = authenticatorOf(lines)
  const asked = { ...newcomer, username: 'bob', password: new TextEncoder().encode('other') }
  const login = (): Promise<number> =>
    new Promise((resolve) => authenticator.authenticate(asked, resolve))
  let crowd: Promise<number[]> = Promise.resolve([])
  // More than may wait, many times: a single guess counted for each would shut ann out.
  for (let round = 0; round < 20; round++) {
    const step = await lastStep(authenticator, () => {
      crowd = Promise.all(Array.from({ length: 1100 }, login))
    })
    assert.deepEqual(step, { kind: 'refused', reason: Reason.quotaExceeded })
    await crowd
    // Else nobody of the next crowd would wait.
    authenticator.forget()
  }
  assert.equal((await lastStep(authenticator)).kind, 'done')
})

test('who proves a password that was changed since the exchange began is refused', async (context) => {
  const broker = await startWith(context, await scramLine('ann', 'secret'))
  const raw = await RawClient.open(broker.ports[0], 5)
  const login = scram({ username: 'ann', password: 'secret' })
  const said = { authenticationMethod: 'SCRAM-SHA-256' }
  const first = (await login.start?.()) as Uint8Array
  raw.send(connect(5, { properties: { ...said, authenticationData: first } }))
  const challenge = (await raw.next()) as PacketOf['auth']
  broker.write('users', await scramLine('ann', 'other'))
  await broker.reload()
  const authenticationData = await login.respond(
    challenge.properties.authenticationData as Uint8Array,
  )
  raw.send(auth(0x18, { ...said, authenticationData: authenticationData as Uint8Array }))
  await raw.expect('connack', { code: Reason.notAuthorized })
})

test('a user name beside the exchange must be the one that is proved', async (context) => {
  const broker = await startWith(context, await scramLine('ann', 'secret'))
  const other = connectClient(`mqtt://127.0.0.1:${broker.ports[0]}`, {
    reconnect: false,
    username: 'bob',
    authenticate: scram({ username: 'ann', password: 'secret' }),
  })
  await assert.rejects(other, { reason: Reason.notAuthorized })
})

test('nobody learns which users there are: an unknown one is offered the same salt each time', () => {
  const offers = [1, 2].map(() => offerScram(sha256, 'n,,n=nobody,r=abc', () => undefined)?.text)
  const [first, second] = offers.map((text) => /s=[^,]+,i=\d+/.exec(text ?? '')?.[0])
  assert.equal(first, second)
})

test('nor by the number of iterations, or the length of the salt', () => {
  const usual = { ...newPasswordHash('scram-sha-256', 20_000), salt: Buffer.alloc(12, 1) }
  const offered = (found: typeof usual | undefined): [number, string | undefined] => {
    const text = offerScram(sha256, 'n,,n=who,r=abc', () => found, usual)?.text ?? ''
    const [, salt = '', iterations] = /s=([^,]+),i=(\d+)/.exec(text) ?? []
    return [Buffer.from(salt, 'base64').length, iterations]
  }
  assert.deepEqual(offered(undefined), offered(usual))
})

test('first messages that ask for channel binding, or are none, are refused before anything is looked up', () => {
  const find = (): never => assert.fail('nobody is looked up')
  for (const message of [
    'p=tls-unique,,n=ann,r=abc',
    'p=tls-server-end-point,,n=ann,r=abc',
    'n,,n=ann,r=',
    'n,,n=ann,r=a b',
    'n,,r=abc',
    'n,,n=ann',
    '',
    'n'.repeat(4096),
  ])
    assert.equal(offerScram(sha256, message, find), null, message.slice(0, 40))
})

test('a server that asks for two thousand million iterations, or changes the nonce, gets no proof', async () => {
  for (const challenge of [
    (nonce: string) => `r=${nonce}x,s=AAAA,i=2147483648`,
    (nonce: string) => `r=${nonce}x,s=AAAA,i=99999999999999999999`,
    (nonce: string) => `r=${nonce}x,s=AAAA,i=0`,
    (nonce: string) => `r=${nonce}x,s=AAAA,i=-1`,
    (nonce: string) => `r=${nonce},s=AAAA,i=4096`,
    () => 'r=another,s=AAAA,i=4096',
  ]) {
    const exchange = scram({ username: 'ann', password: 'secret' })
    const first = new TextDecoder().decode(await exchange.start?.())
    const nonce = /r=(.+)$/.exec(first)?.[1] ?? ''
    const answer = Promise.resolve(exchange.respond(Buffer.from(challenge(nonce))))
    await assert.rejects(answer, { code: 'PROTOCOL' }, challenge('N'))
  }
})

const begin = {
  authenticationMethod: 'SCRAM-SHA-256',
  authenticationData: Buffer.from('n,,n=ann,r=abc'),
}

test('an unknown method is refused with 0x8C [MQTT-4.12.0-1]', async (context) => {
  const broker = await startWith(context, await scramLine('ann', 'secret'))
  await broker.connect(
    { properties: { ...begin, authenticationMethod: 'GSSAPI' } },
    Reason.badAuthenticationMethod,
  )
})

/** What AUTH and CONNACK say, optional properties included. */
function saysOf({ type, ...packet }: Packet): unknown {
  const { reason, code, properties } = packet as {
    reason?: number
    code?: number
    properties: Properties
  }
  return {
    type,
    reason: reason ?? code,
    said: Object.keys(properties),
    by: properties.authenticationMethod,
  }
}

test('the method is in every AUTH and in CONNACK, and AUTH says nothing but what is due [MQTT-3.15.2-1] [MQTT-3.15.2-2] [MQTT-3.15.2-3] [MQTT-4.12.0-2] [MQTT-4.12.0-5]', async (context) => {
  const broker = await startWith(context, await scramLine('ann', 'secret'))
  const raw = await RawClient.open(broker.ports[0], 5)
  const method = 'SCRAM-SHA-256'
  const run = async (send: (data: Uint8Array) => void): Promise<Packet[]> => {
    const login = scram({ username: 'ann', password: 'secret' })
    send((await login.start?.()) as Uint8Array)
    const challenge = (await raw.next()) as Packet & { properties: Properties }
    const answer = await login.respond(challenge.properties.authenticationData as Uint8Array)
    raw.send(auth(0x18, { authenticationMethod: method, authenticationData: answer as Uint8Array }))
    return [challenge, (await raw.next()) as Packet]
  }
  const first = await run((authenticationData) =>
    raw.send(connect(5, { properties: { authenticationMethod: method, authenticationData } })),
  )
  const again = await run((authenticationData) =>
    raw.send(auth(0x19, { authenticationMethod: method, authenticationData })),
  )
  const said = ['authenticationMethod', 'authenticationData']
  const asked = { type: PacketType.auth, reason: 0x18, said, by: method }
  assert.deepEqual(saysOf(first[0]), asked)
  assert.deepEqual(again.map(saysOf), [asked, { ...asked, reason: 0 }])
  const connack = first[1] as PacketOf['connack']
  assert.deepEqual([connack.code, connack.properties.authenticationMethod], [0, method])
})

test('a proof that is wrong is refused by CONNACK, and the close [MQTT-4.12.0-4]', async (context) => {
  const broker = await startWith(context, await scramLine('ann', 'secret'))
  const raw = await RawClient.open(broker.ports[0], 5)
  raw.send(connect(5, { properties: begin }))
  await raw.expect('auth', { reason: 0x18 })
  const authenticationData = Buffer.from('c=biws,r=abc,p=AAAA')
  raw.send(auth(0x18, { ...begin, authenticationData }))
  await raw.expect('connack', { code: Reason.notAuthorized, sessionPresent: false })
  await raw.expectClosed()
})

const offences: [name: string, packets: Parameters<RawClient['send']>[0][]][] = [
  ['another packet than AUTH', [{ type: PacketType.pingreq }]],
  [
    'AUTH of another method [MQTT-4.12.0-5]',
    [
      {
        type: PacketType.auth,
        reason: 0x18,
        properties: { authenticationMethod: 'SCRAM-SHA-512' },
      },
    ],
  ],
  [
    'AUTH that asks for a re-authentication',
    [{ type: PacketType.auth, reason: 0x19, properties: begin }],
  ],
]

for (const [name, packets] of offences)
  test(`in the middle of an exchange ${name} ends the connection`, async (context) => {
    const broker = await startWith(context, await scramLine('ann', 'secret'))
    const raw = await RawClient.open(broker.ports[0], 5)
    raw.send(connect(5, { properties: begin }))
    const challenge = await raw.next()
    assert.equal(challenge?.type, PacketType.auth)
    for (const packet of packets) raw.send(packet)
    await raw.expectClosed()
  })

test('a re-authentication that fails ends the connection with 0x87 [MQTT-4.12.1-2]', async (context) => {
  const broker = await startWith(context, await scramLine('ann', 'secret'))
  let login = scram({ username: 'ann', password: 'secret' })
  const ann = await connectClient(`mqtt://127.0.0.1:${broker.ports[0]}`, {
    reconnect: false,
    authenticate: {
      method: 'SCRAM-SHA-256',
      start: () => login.start?.(),
      respond: (challenge) => login.respond(challenge),
      finish: (data) => login.finish?.(data),
    },
  })
  const left = new Promise<number>((resolve) =>
    ann.on('disconnect', ({ error }) => resolve(error.reason)),
  )
  login = scram({ username: 'ann', password: 'other' })
  await assert.rejects(ann.reauthenticate())
  assert.equal(await left, Reason.notAuthorized)
})

test('what a client computes is what an independent implementation does', async () => {
  const login = scram({ username: 'u', password: 'p', hash: 'SHA-512' })
  const first = Buffer.from((await login.start?.()) ?? '').toString()
  const nonce = /r=(.+)$/.exec(first)?.[1] ?? ''
  const serverFirst = `r=${nonce}xyz,s=c2FsdA==,i=64`
  const final = Buffer.from((await login.respond(Buffer.from(serverFirst))) ?? '').toString()
  const salted = pbkdf2Sync('p', 'salt', 64, 64, 'sha512')
  const hmac = (key: Uint8Array, text: string): Buffer =>
    createHmac('sha512', key).update(text).digest()
  const clientKey = hmac(salted, 'Client Key')
  const message = `n=u,r=${nonce},${serverFirst},c=biws,r=${nonce}xyz`
  const signature = hmac(createHash('sha512').update(clientKey).digest(), message)
  const proof = clientKey.map((byte, index) => byte ^ signature[index])
  assert.equal(final, `c=biws,r=${nonce}xyz,p=${Buffer.from(proof).toString('base64')}`)
  assert.throws(() => login.finish?.(Buffer.from('v=AAAA')), { code: 'PROTOCOL' })
  login.finish?.(Buffer.from(`v=${hmac(hmac(salted, 'Server Key'), message).toString('base64')}`))
})

test('mozzie pub proves the password instead of sending it', async (context) => {
  const broker = await startWith(context, await scramLine('ann', 'secret'))
  const pub = (...words: string[]): Promise<number | null> =>
    startTool('mozzie', 'pub', [
      '-p',
      String(broker.ports[0]),
      '-t',
      't',
      '-m',
      'm',
      ...words,
    ]).outcome.then(({ code }) => code)
  const login = ['-u', 'ann', '--scram', 'sha-256']
  assert.equal(await pub(...login, '-P', 'secret'), 0)
  assert.notEqual(await pub(...login, '-P', 'other'), 0)
  assert.notEqual(await pub(...login), 0)
})

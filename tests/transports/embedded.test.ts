import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join as joinPath } from 'node:path'
import { after, before, test } from 'node:test'
import { createBroker } from '../../src/index.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'
import { scratch } from '../server/run-mozzie.ts'
import { assertShutOut, join, openTls, timeout } from './secure.ts'
import { connectOnce } from '../support/connect-once.ts'

let certificates: TestCertificates
before(async () => {
  certificates = await makeCertificates()
})
after(() => certificates.remove())

test(
  'the library listens on TLS, secure WebSocket and a unix socket at a time',
  { timeout },
  async (context) => {
    const broker = createBroker({ log: () => {} })
    context.after(() => broker.close())
    const { certificate: cert, key } = certificates.server
    const tls = { cert, key }
    const secure = await broker.listen({ tls })
    const web = await broker.listen({ tls, protocol: 'auto', webSocket: { path: '/mqtt' } })
    const path = joinPath(scratch(context), 'mqtt.sock')
    assert.equal((await broker.listen({ path })).port, 0)
    const got: string[] = []
    broker.subscribe('#', ({ topic }) => void got.push(topic))
    await (await join(await openTls(secure.port, certificates))).publish('tls', 'x', { qos: 1 })
    const url = `wss://localhost:${web.port}/mqtt`
    const client = await connectOnce(url, { ca: certificates.authority.certificate })
    await client.publishAsync('wss', 'x', { qos: 1 })
    await client.endAsync()
    const socket = connect({ path })
    await once(socket, 'connect')
    await (await join(socket)).publish('unix', 'x', { qos: 1 })
    assert.deepEqual(got, ['tls', 'wss', 'unix'])
  },
)

test(
  'a connectTimeoutMs without end is no timer that is due at once',
  { timeout },
  async (context) => {
    const warnings: string[] = []
    const note = ({ name }: Error): void => void warnings.push(name)
    process.on('warning', note)
    context.after(() => process.off('warning', note))
    const broker = createBroker({ log: () => {}, limits: { connectTimeoutMs: Infinity } })
    context.after(() => broker.close())
    const { certificate: cert, key } = certificates.server
    const { port } = await broker.listen({ tls: { cert, key } })
    await (await join(await openTls(port, certificates))).ping()
    assert.ok(!warnings.includes('TimeoutOverflowWarning'), warnings.join())
  },
)

test(
  'an authority in the library means: certificates, and their names are the users',
  { timeout },
  async (context) => {
    const users: (string | null)[] = []
    const broker = createBroker({
      log: () => {},
      onConnect: ({ username }) => void users.push(username),
    })
    context.after(() => broker.close())
    const { certificate: cert, key } = certificates.server
    const { port } = await broker.listen({
      tls: { cert, key, ca: certificates.authority.certificate },
    })
    await assertShutOut(openTls(port, certificates))
    await (await join(await openTls(port, certificates, certificates.client))).ping()
    assert.deepEqual(users, ['device1'])
  },
)

test(
  'a certificate that cannot be used is LISTEN, and says which part',
  { timeout },
  async (context) => {
    const broker = createBroker({ log: () => {} })
    context.after(() => broker.close())
    const tls = { cert: certificates.server.certificate, key: certificates.client.key }
    await assert.rejects(broker.listen({ tls }), { code: 'LISTEN', message: /does not belong/ })
  },
)

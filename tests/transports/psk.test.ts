import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { after, before, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import type { BrokerProcess } from '../support/broker-process.ts'
import { until } from '../server/run-mozzie.ts'
import { join, startListeners, timeout } from './secure.ts'

const directory = mkdtempSync(joinPath(tmpdir(), 'mozzie-psk-'))
const pskFile = joinPath(directory, 'psk')
const key = randomBytes(16)
let broker: BrokerProcess
let ports: { plain: number; named: number }

before(async () => {
  writeFileSync(pskFile, `device1:${key.toString('hex')}\n`, { mode: 0o600 })
  const psk = 'psk_hint the broker'
  const started = await startListeners(
    { plain: psk, named: `${psk}\nuse_identity_as_username true` },
    `psk_file ${pskFile}`,
  )
  broker = started.broker
  ports = started.ports
})
after(async () => {
  await broker.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function open(port: number, identity: string, psk: Uint8Array): Promise<TLSSocket> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    ciphers: 'PSK',
    maxVersion: 'TLSv1.2',
    checkServerIdentity: () => undefined,
    pskCallback: () => ({ identity, psk }),
  })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  return socket
}

test('who has the key is let in, with forward secrecy where it can', { timeout }, async () => {
  const socket = await open(ports.plain, 'device1', key)
  assert.match(socket.getCipher().name, /^ECDHE-PSK/)
  const client = await join(socket)
  await client.publish('psk', 'x', { qos: 2 })
})

test('the identity is the user name where the listener says so', { timeout }, async () => {
  await join(await open(ports.named, 'device1', key), { clientId: 'keyed', username: 'root' })
  await until(() => /as keyed \(.*u'device1'\)/.test(broker.log()), broker.log)
})

test('another key is refused', { timeout }, () =>
  assert.rejects(open(ports.plain, 'device1', randomBytes(16))),
)

for (const identity of ['device2', 'device1\n', '__proto__', 'é'.repeat(100)])
  test(`the identity ${JSON.stringify(identity.slice(0, 20))} is refused`, { timeout }, () =>
    assert.rejects(open(ports.plain, identity, key)),
  )

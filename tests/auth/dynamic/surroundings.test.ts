/** Dynamic security beside other options: certificates, a memory limit, an audit file that grows. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createAuditLog } from '../../../src/auth/audit.ts'
import { connect } from '../../../src/client/node.ts'
import { Reason } from '../../../src/codec/reason-codes.ts'
import { scratch } from '../../server/run-mozzie.ts'
import { makeCertificates } from '../../support/certificates.ts'
import { startSecured } from '../secured.ts'
import { ask, dynamicConf, dynamicFile, login, topic } from './driver.ts'

test('use_identity_as_username: the roles are those of the certificate, and who is disabled is out', async (context) => {
  const made = await makeCertificates()
  context.after(() => made.remove())
  const { authority, server, client } = made
  const broker = await startSecured(
    context,
    `dynamic_security_file DIR/dynsec.json\nlistener PORT0 127.0.0.1\ncafile ${authority.certificateFile}\n` +
      `certfile ${server.certificateFile}\nkeyfile ${server.keyFile}\nrequire_certificate true\n` +
      'use_identity_as_username true\nlistener PORT1 127.0.0.1\n',
    {
      'dynsec.json': await dynamicFile({
        users: { device1: ['r'] },
        roles: { r: ['allow send ok/%u'] },
      }),
    },
  )
  const admin = await broker.connect({ listener: 1, ...login('admin') })
  await admin.subscribe(`${topic}/response`)
  const come = () =>
    connect(`mqtts://localhost:${broker.ports[0]}`, {
      // What CONNECT says counts for nothing.
      username: 'admin',
      password: 'admin',
      reconnect: false,
      tls: { ca: authority.certificate, cert: client.certificate, key: client.key },
    })
  const device = await come()
  await device.publish('ok/device1', 'x', { qos: 1 })
  await assert.rejects(device.publish('ok/admin', 'x', { qos: 1 }), {
    reason: Reason.notAuthorized,
  })
  const ended = new Promise((resolve) => void device.on('end', resolve))
  await ask(admin, [{ command: 'disableClient', username: 'device1' }])
  await ended
  await assert.rejects(come(), { reason: Reason.notAuthorized })
})

test('under a memory_limit of 100 MB 400 changes are made, and rights are taken away at once', async (context) => {
  const broker = await startSecured(
    context,
    'memory_limit 100000000\nlistener PORT0 127.0.0.1\ndynamic_security_file DIR/dynsec.json\n',
    { 'dynsec.json': await dynamicFile({ users: { u: ['r'] }, roles: { r: ['allow send #'] } }) },
  )
  const admin = await broker.connect(login('admin'))
  await admin.subscribe(`${topic}/response`)
  const user = await broker.connect(login('u'))
  for (let count = 0; count < 200; count++) {
    await ask(admin, [{ command: 'createRole', rolename: 'now and then' }])
    await ask(admin, [{ command: 'deleteRole', rolename: 'now and then' }])
  }
  const [{ error }] = await ask(admin, [{ command: 'deleteClient', username: 'u' }])
  assert.equal(error, undefined)
  await user.expectDropped(Reason.administrativeAction)
})

test('an audit file of more than 16 MiB becomes FILE.1, and the next lines go into a new one', (context) => {
  const file = join(scratch(context), 'audit')
  const log = createAuditLog(
    file,
    () => 0,
    (error) => assert.fail(error),
  )
  const author = { username: 'ann', clientId: 'c', address: '127.0.0.1:1', via: 'mqtt' } as const
  const details = { rolename: 'r', textname: 'x'.repeat(8000) }
  let lines = 0
  for (; !existsSync(`${file}.1`); lines++) log.note(author, { action: 'createRole', details })
  assert.ok(statSync(`${file}.1`).size > 16 << 20)
  assert.equal(readFileSync(`${file}.1`, 'utf8').split('\n').length - 1, lines)
  log.note(author, { action: 'deleteRole', details: { rolename: 'r', password: 'secret' } })
  const last = readFileSync(file, 'utf8')
  assert.match(last, /"action":"deleteRole"/)
  assert.ok(!last.includes('secret"'))
  assert.equal(log.recent()[0].action, 'deleteRole')
  assert.equal(log.recent().length, 1000)
})

test('a command is in the log once, though it comes to the core twice', async (context) => {
  const broker = await startSecured(context, dynamicConf, {
    'dynsec.json': await dynamicFile({}),
  })
  const admin = await broker.connect(login('admin'))
  await admin.subscribe(`${topic}/response`)
  await ask(admin, JSON.stringify({ commands: [{ command: 'listRoles' }] }))
  const log = broker.mozzie.stdout() + broker.mozzie.stderr()
  assert.equal(log.split('Received PUBLISH from ').length - 1, 1)
})

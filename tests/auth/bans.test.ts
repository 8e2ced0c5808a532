/** Bans against the program: made and lifted over the admin API, by the rule, and in the file. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { SignJWT } from 'jose'
import { Reason } from '../../src/codec/reason-codes.ts'
import { runToEnd, spawnMozzie, until, writeConfig, scratch } from '../server/run-mozzie.ts'
import { connect } from '../support/packets.ts'
import { waitMsMax } from '../support/patience.ts'
import { RawClient } from '../support/raw-client.ts'
import { startBanning } from './banning.ts'
import { alice, untilLogged, bob, startSecured } from './secured.ts'

interface Shown {
  id: number
  clientId: string | null
  address: string | null
  untilMs: number | null
  by: string
  reason: string
}

test('a banned client is disconnected and refused with 0x8A until the ban is lifted; log and audit say who', async (context) => {
  const { broker, ask } = await startBanning(context)
  const client = await broker.connect({ clientId: 'till', ...bob })
  const { status, json } = await ask('POST', 'bans', {
    clientId: 'till',
    seconds: 600,
    reason: 'too loud',
  })
  const ban = json as Shown
  assert.equal(status, 200)
  assert.equal(ban.by, 'alice')
  const until = `banned until ${new Date(ban.untilMs ?? 0).toISOString()}`
  const { properties } = await client.expect('disconnect', { reason: Reason.administrativeAction })
  assert.equal(properties.reasonString, until)
  await client.expectClosed()
  const again = await RawClient.open(broker.ports[0], 5)
  again.send(connect(5, { clientId: 'till', ...bob }))
  const connack = await again.expect('connack', { code: Reason.banned })
  assert.equal(connack.properties.reasonString, until)
  await again.expectClosed()
  // 3.1.1 has a code for "not authorized" alone.
  await broker.connect({ version: 4, clientId: 'till', ...bob }, 5)
  await broker.connect({ clientId: 'other', ...bob })
  await untilLogged(
    broker.mozzie,
    /Banned until \S+: client "till", by alice: too loud \(ban 1\)\./,
  )
  await untilLogged(broker.mozzie, /Client till \[\S+\] disconnected: banned until /)
  const page = (await ask('GET', 'bans')).json as { items: Shown[]; total: number }
  assert.deepEqual(page.items, [ban])
  assert.equal((await ask('DELETE', 'bans/1')).status, 200)
  assert.equal((await ask('DELETE', 'bans/1')).status, 404)
  await broker.connect({ clientId: 'till', ...bob })
  const { entries } = (await ask('GET', 'audit')).json as {
    entries: { action: string; username: string; details: Record<string, unknown> }[]
  }
  assert.deepEqual(
    entries.map(({ action, username, details }) => [action, username, details['clientid']]),
    [
      ['liftBan', 'alice', 'till'],
      ['ban', 'alice', 'till'],
    ],
  )
})

test('bans by user name and by network, and of all that is named together', async (context) => {
  const { broker, ask } = await startBanning(context)
  await ask('POST', 'bans', { username: 'bob' })
  await broker.connect({ clientId: 'b', ...bob }, Reason.banned)
  await broker.connect({ clientId: 'a', ...alice })
  await ask('DELETE', 'bans/1')
  const { json } = await ask('POST', 'bans', { address: '127.0.0.9/29', clientId: 'x' })
  assert.equal((json as Shown).address, '127.0.0.8/29')
  const from = async (address: string, clientId: string): Promise<number> => {
    const client = await RawClient.open(broker.ports[0], 5, address)
    client.send(connect(5, { clientId, ...bob }))
    const { code } = await client.expect('connack')
    client.destroy()
    return code
  }
  assert.equal(await from('127.0.0.15', 'x'), Reason.banned)
  assert.equal(await from('127.0.0.15', 'y'), 0)
  assert.equal(await from('127.0.0.16', 'x'), 0)
})

test('a ban outlives the process, and ends at its time', async (context) => {
  const { broker, ask } = await startBanning(context)
  await ask('POST', 'bans', { clientId: 'x' })
  const { json } = await ask('POST', 'bans', { clientId: 'y', seconds: 1 })
  await broker.restart()
  await broker.connect({ clientId: 'x', ...bob }, Reason.banned)
  await until(
    () => Date.now() > ((json as Shown).untilMs ?? 0),
    () => '',
  )
  await broker.connect({ clientId: 'y', ...bob })
  // Numbers are never given twice.
  const { json: next } = await ask('POST', 'bans', { clientId: 'z' })
  assert.equal((next as Shown).id, 3)
})

test('what would keep the administrator out as well, and what names nobody, is refused', async (context) => {
  const { broker, ask } = await startBanning(context)
  assert.equal((await ask('POST', 'bans', { address: '127.0.0.0/8' })).status, 409)
  assert.equal((await ask('POST', 'bans', { username: 'alice' })).status, 409)
  assert.equal((await ask('POST', 'bans', {})).status, 400)
  for (const address of ['10.0.0.0/33', 'here', '1.2.3', '::1/129', '1.2.3.4/-1'])
    assert.equal((await ask('POST', 'bans', { address })).status, 400, address)
  await broker.connect({ clientId: 'a', ...alice })
  await ask('POST', 'bans', { username: 'bob', seconds: 60 })
  const headers = { authorization: `Basic ${Buffer.from('bob:hidden').toString('base64')}` }
  const answer = await fetch(`http://127.0.0.1:${broker.ports[1]}/api/v1/overview`, { headers })
  assert.equal(answer.status, 403)
  assert.match(((await answer.json()) as { message: string }).message, /banned until \d{4}-/)
})

test('flapping_ban: a client id that comes too often from one address is out there, and nowhere else', async (context) => {
  const { broker, ask } = await startBanning(context, 'flapping_ban 5 60 600\n')
  const first = await broker.connect({ clientId: 'flap', ...bob })
  for (let count = 2; count <= 5; count++) await broker.connect({ clientId: 'flap', ...bob })
  await first.expect('disconnect', { reason: Reason.sessionTakenOver })
  await broker.connect({ clientId: 'flap', ...bob }, Reason.banned)
  const elsewhere = await RawClient.open(broker.ports[0], 5, '127.0.0.7')
  elsewhere.send(connect(5, { clientId: 'flap', ...bob }))
  await elsewhere.expect('connack', { code: 0 })
  elsewhere.destroy()
  await broker.connect({ clientId: 'calm', ...bob })
  const { items } = (await ask('GET', 'bans')).json as { items: Shown[] }
  const [ban] = items
  assert.deepEqual([ban.clientId, ban.address, ban.by], ['flap', '127.0.0.1', 'flapping_ban'])
  assert.equal(ban.reason, 'more than 5 connections within 60 s')
  await until(
    () => /by flapping_ban: more than 5/.test(broker.mozzie.stderr()),
    broker.mozzie.stderr,
  )
  await ask('DELETE', `bans/${ban.id}`)
  await broker.connect({ clientId: 'flap', ...bob })
})

test('whoever asks the API often is not flapping', async (context) => {
  const { ask } = await startBanning(context, 'flapping_ban 2 60 600\n')
  for (let count = 0; count < 6; count++) assert.equal((await ask('GET', 'bans')).status, 200)
})

test('nothing that costs is done for a banned client: the login hook is not asked', async (context) => {
  let asked = 0
  const hook = createServer((request, response) => {
    asked++
    request.resume()
    response.setHeader('content-type', 'application/json')
    response.end('{"allow":true}')
  }).listen(0, '127.0.0.1')
  context.after(() => void hook.close())
  await new Promise((resolve) => hook.once('listening', resolve))
  const { port } = hook.address() as AddressInfo
  const { broker, ask } = await startBanning(context, `auth_http_url http://127.0.0.1:${port}/\n`)
  await broker.connect({ clientId: 'c', username: 'carl', password: 'x' })
  assert.equal(asked, 1)
  await ask('POST', 'bans', { clientId: 'c' })
  await broker.connect({ clientId: 'c', username: 'carl', password: 'y' }, Reason.banned)
  assert.equal(asked, 1)
})

test('a user whom only the token names is banned by that name', async (context) => {
  const secret = 'a secret of thirty-two characters or more'
  const more = 'auth_jwt_key_file DIR/key\nauth_jwt_match none\n'
  const { broker, ask } = await startBanning(context, more, { key: secret })
  const password = await new SignJWT({ sub: 'dan' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1m')
    .sign(new TextEncoder().encode(secret))
  const name = await new SignJWT({ sub: 'dan' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1m')
    .sign(new TextEncoder().encode(secret))
  await ask('POST', 'bans', { username: 'dan' })
  const client = await RawClient.open(broker.ports[0], 5)
  client.send(
    connect(5, {
      clientId: 'd',
      properties: {
        authenticationMethod: 'JWT',
        authenticationData: new TextEncoder().encode(name),
      },
    }),
  )
  await client.expect('connack', { code: Reason.banned })
  await client.expectClosed()
  await broker.connect({ clientId: 'e', username: 'other', password })
})

test('a damaged file is refused by name at start; on SIGHUP what a person wrote counts, or nothing changes', async (context) => {
  const { broker, ask } = await startBanning(context)
  await ask('POST', 'bans', { clientId: 'x' })
  const file = 'mozzie.db.bans'
  broker.write(file, '{"bans":[{"id":7,"clientid":"y"}]}')
  await broker.reload()
  await broker.connect({ clientId: 'x', ...bob })
  await broker.connect({ clientId: 'y', ...bob }, Reason.banned)
  const damaged: [text: string, why: RegExp][] = [
    ['{"bans":[', /mozzie\.db\.bans: this is no JSON/],
    ['{}', /mozzie\.db\.bans: it has no list "bans"/],
    ['{"lastId":1e300,"bans":[]}', /it has a "lastId" that is none/],
    ['{"bans":[{"id":9007199254740991,"clientid":"a"}]}', /bans\[0\] has no "id"/],
    ['{"bans":[{"id":1}]}', /bans\[0\] names no clientid, username or address/],
    ['{"bans":[{"id":1,"address":"x"}]}', /bans\[0\] has an "address" that is none: x/],
    [
      '{"bans":[{"id":1,"clientid":"a","until":"soon"}]}',
      /bans\[0\] has a "until" that is no time/,
    ],
    ['{"bans":[{"id":1,"clientid":"a"},{"id":1,"clientid":"b"}]}', /one "id" twice/],
  ]
  for (const [text, why] of damaged) {
    broker.write(file, text)
    await broker.reload()
    await untilLogged(broker.mozzie, why)
    await broker.connect({ clientId: 'y', ...bob }, Reason.banned)
  }
})

test('SIGHUP reads the configuration again where nobody was ever banned; without their file there are no bans', async (context) => {
  const { broker, ask } = await startBanning(context)
  await broker.reload()
  assert.match(broker.mozzie.stderr(), /Reloaded config/)
  await ask('POST', 'bans', { clientId: 'x' })
  await broker.connect({ clientId: 'x', ...bob }, Reason.banned)
  broker.write('mozzie.db.bans', null)
  await broker.reload()
  await broker.connect({ clientId: 'x', ...bob })
})

test('SIGHUP after the file was put back to what it was before the last ban', async (context) => {
  const { broker, ask } = await startBanning(context)
  const first = await ask('POST', 'bans', { clientId: 'x' })
  await ask('POST', 'bans', { clientId: 'y' })
  const { id, by, madeAtMs } = first.json as Shown & { madeAtMs: number }
  const made = new Date(madeAtMs).toISOString()
  const rows = [{ id, clientid: 'x', reason: '', by, made }]
  const before = JSON.stringify({ lastId: id, bans: rows }, null, '\t')
  broker.write('mozzie.db.bans', `${before}\n`)
  await broker.reload()
  await broker.connect({ clientId: 'x', ...bob }, Reason.banned)
  await broker.connect({ clientId: 'y', ...bob })
})

test('what a person wrote is not written over by the next ban: it is refused until SIGHUP has read the file', async (context) => {
  const { broker, ask } = await startBanning(context)
  await ask('POST', 'bans', { clientId: 'x' })
  broker.write('mozzie.db.bans', '{"bans":[{"id":7,"clientid":"y"}]}')
  const refused = await ask('POST', 'bans', { clientId: 'z' })
  assert.equal(refused.status, 503)
  assert.match(JSON.stringify(refused.json), /somebody else has written \S+; SIGHUP reads it/)
  await broker.connect({ clientId: 'z', ...bob })
  await broker.reload()
  await broker.connect({ clientId: 'y', ...bob }, Reason.banned)
  assert.equal((await ask('POST', 'bans', { clientId: 'z' })).status, 200)
})

test(
  'a pipe in the place of the file of bans, or of the audit log, keeps nobody waiting',
  { skip: process.platform === 'win32' },
  async (context) => {
    const { broker, ask } = await startBanning(context)
    await ask('POST', 'bans', { clientId: 'x' })
    for (const name of ['mozzie.db.bans', 'mozzie.db.bans.audit']) {
      broker.write(name, null)
      execFileSync('mkfifo', [join(broker.directory, name)])
    }
    const refused = await ask('POST', 'bans', { clientId: 'z' })
    assert.equal(refused.status, 503)
    assert.match(JSON.stringify(refused.json), /somebody else has written/)
    assert.ok(statSync(join(broker.directory, 'mozzie.db.bans')).isFIFO())
    broker.write('mozzie.db.bans', null)
    assert.equal((await ask('POST', 'bans', { clientId: 'z' })).status, 200)
    await broker.restart()
    await broker.connect({ clientId: 'z', ...bob }, Reason.banned)
  },
)

test('a broker whose file of bans is damaged does not start, and --test-config says so', async (context) => {
  const directory = scratch(context)
  writeFileSync(`${directory}/bans`, 'no')
  const file = writeConfig(directory, `listener 0 127.0.0.1\nban_file ${directory}/bans\n`)
  for (const flags of [[], ['--test-config']]) {
    const mozzie = spawnMozzie(context, '-c', file, ...flags)
    assert.notEqual(await mozzie.exited, 0)
    assert.match(mozzie.stderr(), /ban_file \S+bans: this is no JSON/)
  }
  assert.equal(readFileSync(`${directory}/bans`, 'utf8'), 'no')
})

test('two threads: what the rule finds in one is out in both', async (context) => {
  const broker = await startSecured(
    context,
    'thread_count 2\nallow_anonymous true\nban_file DIR/bans\nflapping_ban 3 60 600\nlistener PORT0 127.0.0.1\n',
  )
  /** null: the ban came between CONNECT and CONNACK, and the connection was closed. */
  const code = async (): Promise<number | null> => {
    const client = await RawClient.open(broker.ports[0], 5)
    client.send(connect(5, { clientId: 'flap' }))
    const answer = await client.expect('connack').catch(() => null)
    client.destroy()
    return answer === null ? null : answer.code
  }
  // The kernel deals connections out: so many in a row are not of one thread. The other one may be late to hear of it.
  const deadlineMs = performance.now() + waitMsMax
  let banned = 0
  while (banned < 40 && performance.now() < deadlineMs)
    banned = (await code()) === Reason.banned ? banned + 1 : 0
  assert.equal(banned, 40)
  await untilLogged(
    broker.mozzie,
    /Banned until \S+: client "flap", address 127\.0\.0\.1, by flapping_ban/,
  )
})

test('mozzie ban, mozzie why and mozzie doctor: made, told and lifted', async (context) => {
  const { broker } = await startBanning(context)
  const api = ['--url', `http://127.0.0.1:${broker.ports[1]}`, '-u', 'alice', '-P', 'secret']
  const ban = (...words: string[]) => runToEnd('ban', ...words, ...api)
  const added = ban('add', '--client', 'till', '--user', 'bob', '--for', '2h', '--reason', 'noisy')
  assert.match(added.stdout, /^1 {2}client "till", user "bob" {2}until \S+Z, by alice: "noisy"\n$/)
  assert.equal(ban('list').stdout, added.stdout)
  await broker.connect({ clientId: 'till', ...bob }, Reason.banned)
  const why = runToEnd('why', '--client', 'till', ...api)
  assert.equal(why.code, 2)
  assert.match(why.stdout, /Is it banned\? Yes, until \S+Z: noisy\./)
  assert.match(why.stdout, /till, bob, banned by alice; to lift the ban: mozzie ban lift 1/)
  const url = `mqtt://127.0.0.1:${broker.ports[0]}`
  const doctor = runToEnd('doctor', '--url', url, '-i', 'till', '-u', 'bob', '-P', 'hidden')
  assert.equal(doctor.code, 2)
  assert.match(doctor.stdout, /this client, its user or its address is banned until \S+Z/)
  assert.match(doctor.stdout, /mozzie ban lift/)
  assert.equal(ban('lift', '1').stdout, added.stdout)
  assert.equal(ban('list').stdout, '')
  const again = ban('lift', '1')
  assert.deepEqual([again.code, again.stderr], [1, 'Error: There is no ban 1.\n'])
  for (const words of [
    ['add'],
    ['add', '--for', 'soon', '--client', 'x'],
    ['add', 'x'],
    ['lift', 'x'],
    [],
  ])
    assert.equal(ban(...words).code, 1)
})

import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { LogType } from '../../src/base/log.ts'
import { allLogTypes } from '../../src/config/log-values.ts'
import { createServerLog } from '../../src/server/log-destinations.ts'
import { logLine } from '../../src/server/log-line.ts'
import { createLogRate } from '../../src/server/log-rate.ts'
import { strftime } from '../../src/base/strftime.ts'
import { scratch, startMozzie, until, writeConfig } from './run-mozzie.ts'
import { freePort } from '../support/free-port.ts'
import { connect, publish } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { connectOnce } from '../support/connect-once.ts'

const plain = { enabled: false, format: null }

test('a line begins with the seconds since 1970', () => {
  assert.equal(
    logLine('text', { enabled: true, format: null }, 1_700_000_000_999),
    '1700000000: text',
  )
})

test('control characters and direction marks of a line are escaped', () => {
  assert.equal(
    logLine('a\r\nb\u001b[2J\u202ec\u0085', plain, 0),
    'a\\x0d\\x0ab\\x1b[2J\\u202ec\\x85',
  )
  assert.equal(logLine('\ttopic', plain, 0), '\ttopic')
})

test('a line has 1000 bytes at most, cut between characters', () => {
  const line = logLine('é'.repeat(64_000), plain, 0)
  assert.ok(Buffer.byteLength(line) <= 1000)
  assert.match(line, /^é+\.\.\.$/)
})

test('times are written as strftime does', () => {
  const date = new Date(2026, 0, 4, 15, 7, 9)
  assert.equal(strftime('%Y-%m-%dT%H:%M:%S', date), '2026-01-04T15:07:09')
  assert.equal(
    strftime('%a %b %e %I:%M %p %j %U %W %u %% %Q', date),
    'Sun Jan  4 03:07 PM 004 01 00 7 % %Q',
  )
})

test('a storm of connections is a hundred lines a second and one that counts the rest', () => {
  const rate = createLogRate()
  const text = 'New connection from 127.0.0.1:1 on port 1883.'
  const written = Array.from({ length: 1000 }, () => rate.admits(text, 5000)).filter(Boolean)
  assert.equal(written.length, 100)
  assert.equal(rate.admits('Error: something else', 5000), true)
  const said: string[] = []
  rate.report(5500, (line) => said.push(line))
  assert.equal(said.length, 0)
  rate.report(6000, (line) => said.push(line))
  assert.deepEqual(said, ['900 lines suppressed: New connection from ...'])
  assert.equal(rate.admits(text, 6000), true)
})

test('a clock that is set back silences nothing', (t) => {
  let wallMs = 36_000_000
  let monotonicMs = 5000
  t.mock.method(Date, 'now', () => wallMs)
  t.mock.method(performance, 'now', () => monotonicMs)
  const log = createServerLog()
  log.open({
    mask: allLogTypes,
    format: 'text',
    timestamp: { enabled: false, format: null },
    destinations: [],
    facility: null,
  })
  let lines = 0
  log.watch(LogType.notice, () => lines++)
  const say = () => log.write(LogType.notice, 'Client a [127.0.0.1:1] disconnected.')
  for (let line = 0; line < 100; line++) say()
  wallMs = 0
  monotonicMs += 1000
  say()
  assert.equal(lines, 101)
})

test('lines of a storm that are left out need not be built, and are counted all the same', () => {
  const rate = createLogRate()
  const text = 'New connection from 127.0.0.1:1 on port 1883.'
  const isLeftOut = (nowMs = 5000) => rate.isTooOften('connection_opened', nowMs)
  for (let line = 0; line < 100; line++) {
    assert.equal(isLeftOut(), false)
    assert.equal(rate.admits(text, 5000), true)
  }
  assert.equal(isLeftOut(), true)
  assert.equal(rate.admits(text, 5000), false)
  const said: string[] = []
  rate.report(6000, (line) => said.push(line))
  assert.deepEqual(said, ['2 lines suppressed: New connection from ...'])
  assert.equal(isLeftOut(6000), false)
})

test('log_dest file writes lines as log_timestamp_format says, mode 0600', async (context) => {
  const directory = scratch(context)
  const path = join(directory, 'log')
  const lines = `listener ${await freePort()} 127.0.0.1\nlog_dest stderr\nlog_dest file ${path}\nlog_timestamp_format %Y!`
  await startMozzie(context, '-c', writeConfig(directory, lines))
  const year = new Date().getFullYear()
  assert.match(readFileSync(path, 'utf8'), new RegExp(`^${year}!: mozzie version \\S+ starting\n`))
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a log file that cannot be opened is replaced by standard error', async (context) => {
  const directory = scratch(context)
  const lines = `listener ${await freePort()} 127.0.0.1\nlog_dest file ${directory}/none/log`
  const mozzie = await startMozzie(context, '-c', writeConfig(directory, lines))
  assert.match(mozzie.stderr(), /Error: unable to log to log file .*none\/log: ENOENT/)
})

const noSyslog = existsSync('/dev/log') ? 'syslog runs here' : false

test('without syslog its lines go to standard error', { skip: noSyslog }, async (context) => {
  const lines = `listener ${await freePort()} 127.0.0.1\nlog_dest syslog`
  const mozzie = await startMozzie(context, '-c', writeConfig(scratch(context), lines))
  assert.match(mozzie.stderr(), /Error: unable to log to syslog: \/dev\/log does not exist/)
})

test('log_type none logs nothing, -v logs everything all the same', async (context) => {
  const directory = scratch(context)
  const port = await freePort()
  const file = writeConfig(
    directory,
    `listener ${port} 127.0.0.1\nallow_anonymous true\nlog_type none`,
  )
  const verbose = await startMozzie(context, '-v', '-c', file)
  await (await connectOnce(`mqtt://127.0.0.1:${port}`, { clientId: 'loud' })).endAsync()
  await until(() => verbose.stderr().includes('Received DISCONNECT from loud'), verbose.stderr)
  assert.match(verbose.stderr(), /Sending CONNACK to loud \(0, 0\)/)
})

test('log_dest topic publishes lines below $SYS/broker/log', async (context) => {
  const port = await freePort()
  const lines = `listener ${port} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\nlog_dest topic`
  await startMozzie(context, '-c', writeConfig(scratch(context), lines))
  const url = `mqtt://127.0.0.1:${port}`
  const reader = await connectOnce(url, { protocolVersion: 5 })
  context.after(() => reader.end(true))
  const got: string[] = []
  reader.on('message', (topic, payload) => got.push(`${topic} ${payload.toString()}`))
  await reader.subscribeAsync('$SYS/broker/log/#', { qos: 2 })
  await (await connectOnce(url, { clientId: 'seen' })).endAsync()
  const seen = (): boolean =>
    got.some((line) =>
      /^\$SYS\/broker\/log\/N \d+: New client connected from .* as seen /.test(line),
    )
  await until(seen, () => got.join('\n'))
  assert.ok(seen())
})

test('a client without an id is named by its address, as mosquitto names it', async (context) => {
  const port = await freePort()
  const lines = `listener ${port} 127.0.0.1\nallow_anonymous true`
  const mozzie = await startMozzie(context, '-c', writeConfig(scratch(context), lines))
  const silent = await RawClient.open(port, 4)
  await silent.end()
  const client =
    /Client 127\.0\.0\.1 \[127\.0\.0\.1:\d+\] disconnected: connection closed by client\.\n/
  await until(() => client.test(mozzie.stderr()), mozzie.stderr)
})

test('a payload over message_size_limit is in the log, as mosquitto has it', async (context) => {
  const port = await freePort()
  const lines = `listener ${port} 127.0.0.1\nallow_anonymous true\nlog_type all\nmessage_size_limit 3`
  const mozzie = await startMozzie(context, '-c', writeConfig(scratch(context), lines))
  const client = await RawClient.open(port, 4)
  client.send(connect(4, { clientId: 'me' }))
  await client.expect('connack', { code: 0 })
  client.send(publish('t', 'four', { qos: 1, packetId: 7 }))
  await client.expect('puback', { packetId: 7 })
  client.destroy()
  const said = "Dropped too large PUBLISH from me (d0, q1, r0, m7, 't', ... (4 bytes))"
  await until(() => mozzie.stderr().includes(said), mozzie.stderr)
  // What no packet of 3.1.1 says the log does not say either.
  await until(() => mozzie.stderr().includes('Sending PUBACK to me (m7, rc0)'), mozzie.stderr)
})

test('a broker whose log nobody reads any more goes on', async (t) => {
  const port = await freePort()
  const mozzie = await startMozzie(t, '-v', '-p', String(port))
  mozzie.hangUp()
  // Each of them is lines.
  for (let time = 0; time < 3; time++)
    await (await connectOnce(`mqtt://127.0.0.1:${port}`)).endAsync()
  mozzie.signal('SIGTERM')
  assert.equal(await mozzie.exited, 0)
})

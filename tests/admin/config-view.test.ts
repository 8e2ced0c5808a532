/** The configuration as the API shows it: where each value comes from, and no secret. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../../src/config/parse.ts'
import { applyCommandLinePorts } from '../../src/config/resolve.ts'
import { configRows } from '../../src/server/config-view.ts'
import {
  basic,
  scratchDirectory,
  startConfigured,
  startLocal,
  writePasswords,
} from './api-server.ts'

const TEXT = `max_queued_messages 7
max_inflight_messages \${WINDOW:-9}
auth_http_url http://desk:hunter2@127.0.0.1:8080/login
listener 1883 127.0.0.1
max_connections 40
listener 1884
connection up
address other:1883
topic a/# out
remote_username ann
remote_password hunter2
`

const NO_LAUNCH = { logging: null, memoryOnly: false }

function rowsOf(text: string) {
  const source = { file: 'm.conf', bytes: new TextEncoder().encode(text) }
  return parseConfig(source, () => [], {
    environment: {},
    readSecret: () => 'hunter2',
  })
}

function find(rows: ReturnType<typeof configRows>, option: string, of = '') {
  const row = rows.find((each) => each.option === option && each.of === of)
  assert.ok(row, option)
  const { value, from, file, line } = row
  return [value, from, file, line]
}

test('each value has the line, the variable, the word of the command line or the default that it comes from', () => {
  const environment = { MOSQUITTO_PERSISTENCE_LOCATION: '/data' }
  const rows = configRows(rowsOf(TEXT), { logging: 'all', memoryOnly: true }, environment)
  assert.deepEqual(find(rows, 'max_queued_messages'), ['7', 'file', 'm.conf', 1])
  assert.deepEqual(find(rows, 'max_inflight_messages'), ['9', 'environment', 'm.conf', 2])
  assert.deepEqual(find(rows, 'max_keepalive').slice(1), ['default', null, null])
  assert.deepEqual(find(rows, 'persistence_location').slice(1), ['environment', null, null])
  assert.deepEqual(find(rows, 'log_type').slice(1), ['commandLine', null, null])
  assert.deepEqual(find(rows, 'persistence').slice(1), ['commandLine', null, null])
  assert.deepEqual(find(rows, 'max_connections', '1883 127.0.0.1'), ['40', 'file', 'm.conf', 5])
  assert.deepEqual(find(rows, 'listener', '1884'), ['1884', 'file', 'm.conf', 6])
  assert.deepEqual(find(rows, 'remote_username', 'up'), ['ann', 'file', 'm.conf', 10])
})

test('with per_listener_settings the security options of each listener are its own', () => {
  const rows = configRows(
    rowsOf('per_listener_settings true\nlistener 1883\nallow_anonymous true\nlistener 1884\n'),
    NO_LAUNCH,
    {},
  )
  assert.deepEqual(find(rows, 'allow_anonymous', '1883'), ['true', 'file', 'm.conf', 3])
  assert.deepEqual(find(rows, 'allow_anonymous', '1884').slice(1), ['default', null, null])
})

test('ports of the command line are said to be', () => {
  const config = applyCommandLinePorts(
    parseConfig(null, () => []),
    [1999],
  )
  const rows = configRows(config, NO_LAUNCH, {})
  assert.deepEqual(find(rows, 'listener', '1999 127.0.0.1').slice(1), ['commandLine', null, null])
  assert.deepEqual(find(rows, 'listener', '9883 127.0.0.1').slice(1), ['default', null, null])
})

test('no secret is in it', () => {
  const text = `${TEXT}bridge_psk 00ff\nbridge_identity me\n`
  const rows = configRows(rowsOf(text), NO_LAUNCH, {})
  assert.doesNotMatch(JSON.stringify(rows), /hunter2|00ff/)
  for (const option of ['remote_password', 'bridge_psk'])
    assert.equal(find(rows, option, 'up')[0], null)
  assert.equal(find(rows, 'auth_http_url')[0], null)
})

test('administrators are shown it, others are not', async (context) => {
  const file = await writePasswords(scratchDirectory(context), 'admin', 'user')
  const api = await startConfigured(context, `http_admin_user admin\npassword_file ${file}\n`)
  const answers = await Promise.all(
    ['admin', 'user'].map((name) => api.call('GET', '/api/v1/config', { headers: basic(name) })),
  )
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 403],
  )
  assert.deepEqual(answers[0]?.json.files, ['test.conf'])
  assert.ok(answers[0]?.json.rows.length > 100)
})

test('messages are counted by filter while that is asked for, and 50 filters at most', async (context) => {
  const api = await startLocal(context)
  const client = await api.client()
  const at = '/api/v1/topic-metrics'
  await client.publishAsync('m/a', 'before', { qos: 1 })
  for (const filter of ['m/#', 'm/b', 'x/+'])
    assert.equal((await api.post(at, { filter })).status, 200)
  await client.publishAsync('m/a', 'four', { qos: 1, retain: true })
  await client.publishAsync('m/b', 'five!', { qos: 0 })
  await client.publishAsync('m/b', '', { qos: 2 })
  const { items } = (await api.get(at)).json
  assert.deepEqual(
    items.map(({ filter, messages, payloadBytes, retained, lastMs }: Record<string, unknown>) => [
      filter,
      messages,
      payloadBytes,
      retained,
      lastMs !== null,
    ]),
    [
      ['m/#', 3, 9, 1, true],
      ['m/b', 2, 5, 0, true],
      ['x/+', 0, 0, 0, false],
    ],
  )
  for (let more = 0; more < 47; more++) await api.post(at, { filter: `more/${more}` })
  assert.equal((await api.post(at, { filter: 'one/more' })).status, 409)
  assert.equal((await api.post(at, { filter: 'a/#/b' })).status, 400)
  assert.equal((await api.post(at, { filter: '$share/g/a' })).status, 400)
  assert.equal((await api.remove(`${at}?filter=${encodeURIComponent('m/#')}`)).json.done, true)
  assert.equal((await api.post(at, { filter: 'one/more' })).status, 200)
  assert.equal((await api.get(at)).json.items.length, 50)
})

test('what a client sent and was sent is counted since its connection began', async (context) => {
  const api = await startLocal(context)
  const client = await api.client({ clientId: 'counted' })
  await client.subscribeAsync('c/#', { qos: 1 })
  const got = new Promise<void>((resolve) => {
    let count = 0
    client.on('message', () => void (++count === 3 && resolve()))
  })
  for (let at = 0; at < 3; at++) await client.publishAsync(`c/${at}`, 'x'.repeat(100), { qos: 1 })
  await got
  const { json } = await api.get('/api/v1/clients/detail?clientId=counted')
  assert.deepEqual([json.publishReceived, json.publishSent], [3, 3])
  assert.ok(json.bytesReceived > 300 && json.bytesSent > 300, JSON.stringify(json))
  const page = await api.get('/api/v1/clients?sort=bytesReceived&order=desc')
  assert.equal(page.json.items[0].clientId, 'counted')
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { exportProfiles, importProfiles } from '../../web/src/model/profile-file.ts'
import { parseAddress } from '../../web/src/publish/pasted-address.ts'
import { profileProblem } from '../../web/src/publish/profile-rules.ts'
import { emptyProfile, profileUrl } from '../../web/src/model/profile.ts'
import { emptyDraft, type Detail } from '../../web/src/model/message.ts'
import { commandLine, shellQuote } from '../../web/src/publish/command-line.ts'
import { rowMessage, rowProblems } from '../../web/src/publish/csv-rows.ts'
import { csvField, parseCsv } from '../../web/src/publish/csv.ts'
import { DraftError, outgoing } from '../../web/src/publish/outgoing.ts'
import { expand } from '../../web/src/publish/template.ts'

const context = {
  seq: 7,
  nowMs: 1_700_000_000_000,
  random: () => 0.5,
  columns: new Map([
    ['price', '3.50'],
    ['a b', 'x'],
  ]),
}

test('placeholders become values; what is none stays', () => {
  assert.equal(
    expand('{{seq}}/{{ts}}/{{ rand 10 20 }}/{{pick a b c}}', context),
    '7/1700000000000/15/b',
  )
  assert.equal(
    expand('{{iso}} {{price}} {{a b}} {{nope}} {{constructor}}', context),
    '2023-11-14T22:13:20.000Z 3.50 x {{nope}} {{constructor}}',
  )
  assert.match(
    expand('{{uuid}}', context),
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
  )
})

test('a payload of braces and spaces, as anybody may send one, is no work', () => {
  const text = `{{${' '.repeat(100_000)}`
  const startMs = performance.now()
  assert.equal(expand(text, context), text)
  assert.ok(performance.now() - startMs < 1000)
})

test('CSV with quotes, line ends in fields, other separators and a BOM', () => {
  assert.deepEqual(parseCsv('\uFEFFtag,text\r\n1,"a ""b"", c\nd"\r\n\r\n2,'), {
    columns: ['tag', 'text'],
    rows: [
      ['1', 'a "b", c\nd'],
      ['2', ''],
    ],
  })
  assert.deepEqual(parseCsv('a;b\n1;2,5').rows, [['1', '2,5']])
  assert.deepEqual(parseCsv('').rows, [])
  const fields = ['=SUM(A1)', "'=x", '-1.5e-7', '-3', '+.5E3', '-off', '@a, "b"', "it's", '\t']
  const [written] = parseCsv(`a\r\n${fields.map(csvField).join(',')}`).rows
  assert.deepEqual(written, fields)
  assert.deepEqual(['-1.5e-7', '+.5E3', '-3.'].map(csvField), ['-1.5e-7', '+.5E3', '-3.'])
  assert.equal(csvField('=SUM(A1)'), "'=SUM(A1)")
})

test('a draft becomes a packet, its properties for MQTT 5.0 only', async () => {
  const draft = {
    ...emptyDraft(),
    topic: 'tag/{{price}}',
    payload: '{"p":{{price}}}',
    format: 'json' as const,
    qos: 1 as const,
  }
  draft.fields.contentType = 'application/json'
  draft.fields.userProperties = [
    ['a', '1'],
    ['a', '2'],
    ['', 'dropped'],
  ]
  const message = await outgoing(draft, 5, context)
  assert.equal(message.topic, 'tag/3.50')
  assert.equal(new TextDecoder().decode(message.payload), '{"p":3.50}')
  assert.deepEqual(message.properties, {
    contentType: 'application/json',
    userProperties: [
      ['a', '1'],
      ['a', '2'],
    ],
  })
  assert.deepEqual((await outgoing(draft, 4, context)).properties, {})
})

test('a draft that cannot be sent says why', async () => {
  const bad = { ...emptyDraft(), topic: 'a/#' }
  await assert.rejects(outgoing(bad, 5, context), DraftError)
  await assert.rejects(
    outgoing({ ...emptyDraft(), topic: 'a', payload: '{', format: 'json' }, 5, context),
    /json/,
  )
  const fields = { ...emptyDraft().fields, expirySeconds: '-1' }
  await assert.rejects(
    outgoing({ ...emptyDraft(), topic: 'a', fields }, 5, context),
    /message expiry/,
  )
})

test('a pasted address fills the form', () => {
  assert.deepEqual(parseAddress('wss://joe:p%40ss@[::1]:8084/path')?.fields, {
    scheme: 'wss',
    host: '::1',
    port: 8084,
    path: '/path',
    username: 'joe',
    password: 'p@ss',
  })
  for (const text of ['mqtts://broker.example', 'SSL://broker.example:8883', 'broker.example:8883'])
    assert.deepEqual(parseAddress(text), {
      fields: { scheme: 'wss', host: 'broker.example', port: 8084, path: '/mqtt' },
      isMqtt: true,
    })
  for (const text of ['mqtt://broker.example:1883', 'tcp://broker.example:1884', '192.0.2.1:1883'])
    assert.equal(parseAddress(text)?.fields.port, 9001)
})

test('a pasted address without a scheme is a host and a port', () => {
  assert.deepEqual(parseAddress(' broker.example:8083 ')?.fields, {
    host: 'broker.example',
    port: 8083,
  })
  assert.deepEqual(parseAddress('[::1]:9001')?.fields, { host: '::1', port: 9001 })
})

test('the port and the query of a pasted address are kept', () => {
  const ports = ['ws://h:80', 'ws://h:443/a', 'wss://h:80', 'wss://h', 'ws://h', 'https://h:444']
  assert.deepEqual(
    ports.map((text) => parseAddress(text)?.fields.port),
    [80, 443, 80, 443, 80, 444],
  )
  assert.equal(parseAddress('wss://h/mqtt?a=1&b=%2F')?.fields.path, '/mqtt?a=1&b=%2F')
  assert.equal(parseAddress('wss://h/?a=1')?.fields.path, '/mqtt?a=1')
})

test('what is no address is left to the field', () => {
  for (const text of [
    'broker.example',
    '::1',
    'a b:1',
    'gopher://h',
    'ws://',
    'ws://j%:p@h',
    'x://h:1',
  ])
    assert.equal(parseAddress(text), null, text)
})

test('a profile that MQTT does not allow is told apart', () => {
  const profile = emptyProfile({ scheme: 'ws', host: 'h', port: 80, path: '/mqtt' })
  assert.equal(profileProblem(profile), null)
  assert.equal(profileProblem({ ...profile, host: 'a b' }), 'host')
  assert.equal(profileProblem({ ...profile, port: 70000 }), 'port')
  assert.equal(
    profileProblem({ ...profile, version: 4, clientId: '', cleanStart: false }),
    'clientId',
  )
  assert.equal(profileProblem({ ...profile, version: 4, password: 'x' }), 'password')
  assert.equal(profileProblem({ ...profile, receiveMaximum: '0' }), 'number')
  assert.equal(
    profileProblem({ ...profile, will: { ...profile.will, on: true, topic: 'a/+' } }),
    'willTopic',
  )
  assert.equal(profileUrl({ ...profile, host: '::1' }), 'ws://[::1]:80/mqtt')
})

test('exported connections come back under new ids, without the password', () => {
  const profile = {
    ...emptyProfile({ scheme: 'wss' as const, host: 'h', port: 443, path: '/m' }),
    name: 'shop',
    password: 'secret',
    userProperties: [['a', 'b']] as [string, string][],
  }
  const text = exportProfiles([profile])
  assert.ok(!text.includes('secret'))
  const { profiles, problem } = importProfiles(text)
  assert.equal(problem, null)
  assert.notEqual(profiles[0]?.id, profile.id)
  assert.deepEqual({ ...profiles[0], id: '', password: '' }, { ...profile, id: '', password: '' })
})

test('a file of the wrong shape brings no wrong types in', () => {
  const text = JSON.stringify({
    kind: 'mozzie-connections',
    connections: [
      {
        host: 5,
        port: '80',
        will: 'x',
        subscriptions: [{ filter: 'a/#', qos: 'no' }, 3],
        __proto__: { x: 1 },
      },
    ],
  })
  const [profile] = importProfiles(text).profiles
  assert.equal(profile?.host, '')
  assert.equal(profile?.port, 80)
  assert.equal(profile?.will.on, false)
  assert.deepEqual(
    profile?.subscriptions.map(({ filter, qos }) => [filter, qos]),
    [['a/#', 0]],
  )
})

test('a period of 0 in an MQTTX backup stands for no reconnecting', () => {
  const backup = JSON.stringify([{ id: 'x', host: 'lab', reconnect: true, reconnectPeriod: 0 }])
  const [profile] = importProfiles(backup).profiles
  assert.deepEqual([profile?.reconnect, profile?.reconnectMs], [false, 1000])
})

test('an MQTTX backup brings its connections, wills, properties and subscriptions', () => {
  const backup = JSON.stringify([
    {
      id: 'x',
      name: 'Lab',
      clientId: 'mqttx_1',
      host: 'lab.local',
      port: 8084,
      protocol: 'wss',
      path: '/mqtt',
      clean: false,
      mqttVersion: '5.0',
      username: 'u',
      password: 'p',
      keepalive: 30,
      connectTimeout: 5,
      reconnect: true,
      properties: { sessionExpiryInterval: 60, userProperties: { a: ['1', '2'], b: '3' } },
      will: {
        lastWillTopic: 'gone',
        lastWillPayload: 'bye',
        lastWillQos: 1,
        lastWillRetain: true,
        properties: { willDelayInterval: 5 },
      },
      subscriptions: [
        { topic: 'a/#', qos: 1, alias: 'all', disabled: true, nl: true, rh: 2, color: '#ff0000' },
      ],
    },
  ])
  const [profile] = importProfiles(backup).profiles
  assert.ok(profile)
  assert.deepEqual(
    [
      profile.name,
      profile.scheme,
      profile.host,
      profile.port,
      profile.version,
      profile.cleanStart,
      profile.keepAliveSeconds,
      profile.sessionExpirySeconds,
    ],
    ['Lab', 'wss', 'lab.local', 8084, 5, false, 30, '60'],
  )
  assert.deepEqual(profile.userProperties, [
    ['a', '1'],
    ['a', '2'],
    ['b', '3'],
  ])
  assert.deepEqual(
    [
      profile.will.on,
      profile.will.topic,
      profile.will.qos,
      profile.will.retain,
      profile.will.delaySeconds,
    ],
    [true, 'gone', 1, true, '5'],
  )
  const [subscription] = profile.subscriptions
  assert.deepEqual(
    [
      subscription?.filter,
      subscription?.qos,
      subscription?.alias,
      subscription?.enabled,
      subscription?.noLocal,
      subscription?.retainHandling,
    ],
    ['a/#', 1, 'all', false, true, 2],
  )
})

test('a message as a command survives any shell', () => {
  assert.equal(shellQuote("it's $HOME `x`"), String.raw`'it'\''s $HOME ` + "`x`'")
  const profile = emptyProfile({ scheme: 'ws', host: 'h', port: 9883, path: '/mqtt' })
  const detail: Detail = {
    index: 0,
    seq: 0,
    timeMs: 0,
    sinceMs: null,
    sincePreviousMs: null,
    packetId: 0,
    direction: 'in',
    topic: 'a b',
    qos: 1,
    retain: true,
    dup: false,
    refused: false,
    size: 3,
    preview: '',
    colours: [],
    payload: new TextEncoder().encode("x'y"),
    properties: { contentType: 'text/plain' },
  }
  assert.equal(
    commandLine(profile, detail),
    String.raw`mozzie pub --ws -h h -p 9883 -V mqttv5 -t 'a b' -q 1 -r -D publish content-type text/plain -m 'x'\''y'`,
  )
  const secure = { ...profile, scheme: 'wss' as const, host: 'broker.shop', username: 'ann' }
  const plain = { ...detail, topic: '"$MQTT_PASSWORD"', retain: false, properties: null }
  assert.equal(
    commandLine({ ...secure, password: 'secret', version: 4 }, plain),
    String.raw`mozzie pub --ws -h broker.shop -p 9883 --tls-use-os-certs -V mqttv311 -u ann -P "$MQTT_PASSWORD" -t '"$MQTT_PASSWORD"' -q 1 -m 'x'\''y'`,
  )
  assert.match(
    commandLine({ ...secure, authenticationMethod: 'SCRAM-SHA-512' }, plain),
    / -V mqttv5 --scram sha-512 -u ann -P "\$MQTT_PASSWORD" /,
  )
  assert.match(
    commandLine(profile, { ...detail, payload: Uint8Array.of(255), size: 1 }),
    /^echo \/w== \| base64 -d \| mozzie pub .* -s$/,
  )
})

test('a message as a command holds no key that a terminal acts on', () => {
  const text = `it's\\ \u0015rm\u0003\t\u001b[A\u009b\n€`
  const quoted = shellQuote(text)
  assert.doesNotMatch(quoted, /[^\n\P{Cc}]/u)
  const { stdout } = spawnSync('bash', ['-c', `printf %s ${quoted}`], { encoding: 'utf8' })
  assert.equal(stdout, text)
})

test('CSV rows whose payload is not JSON cannot be sent where others are, and are said where none is', async () => {
  const draft = {
    ...emptyDraft(),
    topic: 'shop/{{tag}}',
    payload: '{"price": {{price}}, "name": "{{name}}"}',
  }
  const check = (csv: string, payload = draft.payload) =>
    rowProblems({ ...draft, payload }, 5, parseCsv(csv), { nowMs: 0, random: () => 0 })
  assert.deepEqual(await check('tag,price,name\n1,2.5,a\n2,,b\n3,"3,50",c\n4,4,"say ""d"""'), {
    bad: [
      { row: 2, reason: 'payload is not JSON' },
      { row: 3, reason: 'payload is not JSON' },
    ],
    isNoneJson: false,
  })
  const noneIsJson = { bad: [], isNoneJson: true }
  assert.deepEqual(await check('tag,price,name\n1,,a\n2,,b'), noneIsJson)
  assert.deepEqual(await check('tag,price,name\n1,2,a', '[{{name}}] costs {{price}}'), noneIsJson)
  assert.deepEqual(await check('tag,price,name\n1,,a\n2,b'), {
    bad: [{ row: 2, reason: '2 cells, but 3 columns' }],
    isNoneJson: true,
  })
  // A payload that is a cell alone is no template of JSON.
  const cell = { ...draft, payload: '{{name}}' }
  const said = 'tag,name\n1,7\n2,"say ""hi"""'
  assert.deepEqual(await check(said, cell.payload), { bad: [], isNoneJson: false })
  const at = { nowMs: 0, random: () => 0 }
  const { payload } = await rowMessage(cell, 5, parseCsv(said), 1, at)
  assert.equal(new TextDecoder().decode(payload), 'say "hi"')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configError, readConfig } from './read-config.ts'

const defaultListenerLines = [
  'bind_interface eth0',
  'capath /a',
  'certfile /a',
  'keyfile /a',
  'ciphers A',
  'ciphers_tls1.3 A',
  'crlfile /a',
  'max_connections 3',
  'max_qos 1',
  'maximum_qos 1',
  'protocol websockets',
  'psk_hint a',
  'require_certificate true',
  'socket_domain ipv4',
  'tls_engine e',
  `tls_engine_kpass_sha1 ${'a'.repeat(40)}`,
  'tls_keyform engine',
  'use_identity_as_username true',
  'use_subject_as_username true',
  'use_username_as_clientid true',
]

for (const line of defaultListenerLines)
  test(`"${line.slice(0, 40)}" before any listener edits the default listener`, () => {
    const [name] = line.split(' ')
    assert.ok(
      readConfig(line).warnings.some(
        ({ level, text }) => level === 'information' && text.includes(`"${name}"`),
      ),
    )
  })

const listenerOnlyLines = [
  'accept_protocol_versions 5',
  'cafile /a',
  'disable_client_cert_date_checks true',
  'enable_proxy_protocol 1',
  'proxy_protocol_v2_require_tls true',
  'http_dir /a',
  'listener_allow_anonymous true',
  'listener_auto_id_prefix a',
  'max_topic_alias 1',
  'max_topic_alias_broker 1',
  'mount_point a/',
  'tls_version tlsv1.2',
  'websockets_origin a',
  'plugin_use a',
]

for (const line of listenerOnlyLines)
  test(`"${line}" before any listener is an error`, () => {
    assert.match(configError(line).message, /needs a "listener" line/)
  })

for (const line of [...defaultListenerLines, ...listenerOnlyLines.slice(0, -1)])
  test(`"${line.slice(0, 40)}" after "port" is about the default listener`, () => {
    const others = /^(certfile|keyfile|ca|crlfile|psk_hint|require|tls_|use_)/.test(line)
      ? 'cafile /a\ncertfile /a\nkeyfile /a\n'
      : ''
    const text = line.startsWith('psk_hint') ? `psk_file /a\n${line}` : `${others}${line}`
    const { listeners, warnings } = readConfig(`port 8883\n${text}`)
    assert.deepEqual(
      listeners.map(({ port }) => port),
      [8883],
    )
    assert.ok(!warnings.some((each) => each.text.includes('stands before any')))
  })

test('"port" below a "listener" line leaves the options to that listener', () => {
  const { listeners } = readConfig('listener 1884\nport 1885\nmax_qos 1')
  assert.deepEqual(
    listeners.map(({ port, maxQos }) => [port, maxQos]),
    [
      [1884, 1],
      [1885, 2],
    ],
  )
})

test('a listener option belongs to the nearest listener above it', () => {
  const { listeners } = readConfig('listener 1\nmax_qos 1\nlistener 2\nmax_qos 0\nlistener 3')
  assert.deepEqual(
    listeners.map(({ maxQos }) => maxQos),
    [1, 0, 2],
  )
})

test('a listener option after "port" belongs to the default listener', () => {
  const [listener] = readConfig('port 1884\nmax_connections 5').listeners
  assert.deepEqual([listener.port, listener.maxConnections], [1884, 5])
})

test('a global option may stand below a listener', () => {
  assert.equal(readConfig('listener 1\nmax_queued_messages 5').global.maxQueuedMessages, 5)
})

test('a listener keeps the place of its line', () => {
  assert.deepEqual(readConfig('\nlistener 1').listeners[0].location, { file: 'test.conf', line: 2 })
})

test('per_listener_settings must precede the security options', () => {
  const error = configError('allow_anonymous true\nper_listener_settings true')
  assert.equal(error.line, 2)
  assert.match(error.message, /must stand before/)
})

test('per_listener_settings false may follow security options', () => {
  const { global } = readConfig('allow_anonymous true\nper_listener_settings false')
  assert.equal(global.perListenerSettings, false)
})

test('per_listener_settings cannot be taken back', () => {
  const config = readConfig('per_listener_settings true\nper_listener_settings false')
  assert.equal(config.global.perListenerSettings, true)
  assert.match(config.warnings[0].text, /stays true/)
})

test('per_listener_settings gives each listener its own prefix of client ids', () => {
  const { listeners } = readConfig(
    'per_listener_settings true\nlistener 1\nauto_id_prefix a\nlistener 2',
  )
  assert.deepEqual(
    listeners.map(({ autoIdPrefix }) => autoIdPrefix),
    ['a', 'auto-'],
  )
})

test('per_listener_settings gives each listener its own allow_zero_length_clientid', () => {
  const { listeners } = readConfig(
    'per_listener_settings true\nlistener 1\nallow_zero_length_clientid false\nlistener 2',
  )
  assert.deepEqual(
    listeners.map(({ allowZeroLengthClientId }) => allowZeroLengthClientId),
    [false, true],
  )
})

test('without per_listener_settings auto_id_prefix holds for all listeners', () => {
  const { listeners } = readConfig('listener 1\nauto_id_prefix a\nlistener 2')
  assert.deepEqual(
    listeners.map(({ autoIdPrefix }) => autoIdPrefix),
    ['a', 'a'],
  )
})

for (const line of ['address a', 'topic #', 'bridge_psk aa', 'cleansession true'])
  test(`"${line}" before any connection is an error`, () => {
    assert.match(configError(line).message, /needs a "connection" line/)
  })

for (const line of ['plugin_opt_a b', 'auth_opt_a b'])
  test(`"${line}" before any plugin is an error`, () => {
    assert.match(configError(line).message, /needs a "plugin" line/)
  })

test('options of a plugin belong to the nearest plugin above them', () => {
  const { plugins } = readConfig(
    'plugin /a b.so\nplugin_opt_x 1 2\nplugin_load name /c.so\nplugin_opt_y 3',
  )
  assert.deepEqual(
    plugins.map(({ path, name, options }) => ({ path, name, options })),
    [
      { path: '/a b.so', name: null, options: [['x', '1 2']] },
      { path: '/c.so', name: 'name', options: [['y', '3']] },
    ],
  )
})

test('a plugin option without a value is an error', () => {
  assert.match(configError('plugin /a\nplugin_opt_x').message, /Empty/)
})

test('plugin_use must name a loaded plugin', () => {
  assert.match(configError('listener 1\nplugin_use x').message, /plugin_load/)
})

test('a second port is warned of and counts', () => {
  const config = readConfig('port 1884\nport 1885')
  assert.equal(config.listeners[0].port, 1885)
  assert.match(config.warnings[0].text, /set twice/)
})

for (const [text, isSaid] of [
  ['listener 1883', true],
  ['listener 1883\nallow_anonymous true', false],
  ['listener 1883\npassword_file /a', false],
  ['listener 1883\nauth_http_url http://127.0.0.1/', false],
  ['listener 1883\nlistener_allow_anonymous true\nlistener 1884', true],
  ['allow_anonymous false', true],
] as const)
  test(`${JSON.stringify(text)} ${isSaid ? 'lets nobody log in, and says so' : 'lets somebody in'}`, () => {
    const said = readConfig(text).warnings.filter((each) =>
      each.text.startsWith('Nobody can log in'),
    )
    assert.equal(said.length > 0, isSaid)
  })

for (const [keys, isSaid] of [
  ['', true],
  ['psk_file /keys\n', false],
] as const)
  test(`a listener with psk_hint ${isSaid ? 'and no psk_file starts, as in mosquitto, and says that nobody can connect' : 'and psk_file has nothing to say'}`, () => {
    const { warnings } = readConfig(
      `${keys}allow_anonymous true\nlistener 8883 127.0.0.1\npsk_hint a`,
    )
    assert.deepEqual(
      warnings.map(({ text }) => text.slice(0, 35)),
      isSaid ? ['Nobody can connect at port 8883: it'] : [],
    )
  })

test('what says who manages the broker by HTTP is warned of at a listener without HTTP, with its line', () => {
  const { warnings } = readConfig(
    'listener 1883 127.0.0.1\nallow_anonymous true\nhttp_admin_user ann\n' +
      'listener 9883 127.0.0.1\nprotocol http_api\nhttp_admin_user ann',
  )
  const [warning, ...others] = warnings
  assert.deepEqual(others, [])
  assert.deepEqual([warning.file, warning.line], ['test.conf', 3])
  assert.match(warning.text, /^"http_admin_user" has no effect at this listener/)
})

test('a page whose listener has no dynamic_security_file, while another one has, is warned of', () => {
  const roles = 'dynamic_security_file /d.json\n'
  const page = 'listener 9883 127.0.0.1\nprotocol http_api\nallow_anonymous true\n'
  const broker = 'listener 1883 127.0.0.1\n'
  const { warnings } = readConfig(`per_listener_settings true\n${broker}${roles}${page}`)
  const said = warnings.filter(({ text }) => text.includes('does not know the users'))
  assert.deepEqual(
    said.map(({ line }) => line),
    [4],
  )
  const shared = readConfig(`${roles}${broker}${page}`)
  assert.ok(!shared.warnings.some(({ text }) => text.includes('does not know the users')))
})

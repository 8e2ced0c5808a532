import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyCommandLinePorts } from '../../src/config/resolve.ts'
import { listenerSummary, readConfig } from './read-config.ts'

// The last one is the dashboard's.
const localOpen = ['1883 127.0.0.1 open', '1883 ::1 open', '9883 127.0.0.1 open']
const localClosed = ['1883 127.0.0.1 closed', '1883 ::1 closed', '9883 127.0.0.1 closed']
const perListener = 'per_listener_settings true\n'

/** What each file makes the broker listen on, and whether clients without a name get in there. */
const table: [file: string, listeners: string[]][] = [
  // No listener: loopback only.
  ['', localOpen],
  ['# only a comment', localOpen],
  ['allow_anonymous true', localOpen],
  ['allow_anonymous false', localClosed],
  ['sys_interval 5', localOpen],
  // Listener options alone never open a port to the world.
  ['max_connections 10', localOpen],
  ['max_qos 1', localOpen],
  ['maximum_qos 1', localOpen],
  ['protocol mqtt', localOpen],
  ['protocol websockets', localOpen],
  ['socket_domain ipv4', localOpen],
  ['bind_interface eth0', localOpen],
  ['require_certificate true', localOpen],
  ['use_identity_as_username true', localOpen],
  ['use_subject_as_username true', localOpen],
  ['use_username_as_clientid true', localOpen],
  ['certfile a\nkeyfile b', localOpen],
  ['psk_hint a', localOpen],
  ['max_connections 10\nallow_anonymous false', localClosed],
  [`${perListener}allow_anonymous false`, localClosed],
  [`${perListener}allow_anonymous true`, localOpen],
  [perListener, localOpen],
  // A listener: where it says, and closed unless opened.
  ['listener 1883', ['1883 closed']],
  ['listener 1883 127.0.0.1', ['1883 127.0.0.1 closed']],
  ['listener 1883 ::1', ['1883 ::1 closed']],
  ['listener 0 /run/m.sock', ['/run/m.sock closed']],
  ['listener 1883\nallow_anonymous true', ['1883 open']],
  ['allow_anonymous true\nlistener 1883', ['1883 open']],
  ['listener 1883\nallow_anonymous false', ['1883 closed']],
  ['listener 1883\nlistener_allow_anonymous true', ['1883 open']],
  ['allow_anonymous true\nlistener 1883\nlistener_allow_anonymous false', ['1883 closed']],
  ['listener 1883\nlistener 1884\nallow_anonymous true', ['1883 open', '1884 open']],
  ['listener 1883\nlistener_allow_anonymous true\nlistener 1884', ['1883 open', '1884 closed']],
  ['listener 1883\nlistener 1884\nlistener_allow_anonymous true', ['1883 closed', '1884 open']],
  // The default listener by its own options.
  ['port 1884', ['1884 closed']],
  ['port 1884\nallow_anonymous true', ['1884 open']],
  ['bind_address 10.0.0.1', ['1883 10.0.0.1 closed']],
  ['bind_address 10.0.0.1\nport 1884', ['1884 10.0.0.1 closed']],
  ['port 1884\nlistener 1885', ['1884 closed', '1885 closed']],
  ['listener 1885\nport 1884', ['1885 closed', '1884 closed']],
  // An option above the first listener edits the default listener, which then listens too.
  ['max_connections 5\nlistener 1884 127.0.0.1', ['1883 closed', '1884 127.0.0.1 closed']],
  ['listener 1884 127.0.0.1\nmax_connections 5', ['1884 127.0.0.1 closed']],
  // Per listener settings: each listener for itself.
  [
    `${perListener}listener 1883\nallow_anonymous true\nlistener 1884`,
    ['1883 open', '1884 closed'],
  ],
  [
    `${perListener}listener 1883\nlistener 1884\nallow_anonymous true`,
    ['1883 closed', '1884 open'],
  ],
  [`${perListener}allow_anonymous true\nlistener 1884`, ['1883 open', '1884 closed']],
  [
    `${perListener}listener 1883\nallow_anonymous true\nlistener_allow_anonymous false`,
    ['1883 closed'],
  ],
  [
    `${perListener}listener 1\nper_listener_settings false\nallow_anonymous true\nlistener 2`,
    ['1 open', '2 closed'],
  ],
]

for (const [file, expected] of table)
  test(`${JSON.stringify(file)} listens on ${expected.join(', ')}`, () => {
    const config = readConfig(file)
    assert.deepEqual(config.listeners.map(listenerSummary), expected)
    assert.equal(
      config.localOnly,
      expected[0].startsWith('1883 127.0.0.1') && !/listener 1/.test(file),
    )
  })

test('options of a discarded default listener leave the local listeners at their defaults', () => {
  const config = readConfig('max_connections 10')
  assert.deepEqual(
    config.listeners.map(({ maxConnections }) => maxConnections),
    [0, 0, 0],
  )
  assert.match(config.warnings[1].text, /have no effect/)
})

test('an option above the first listener is noted where it stands', () => {
  const [note] = readConfig('# x\nmax_connections 10\nlistener 1884').warnings
  assert.equal(note.level, 'information')
  assert.equal(note.line, 2)
})

test('a default listener that nobody asked for by name is warned of', () => {
  const { warnings } = readConfig('max_connections 10\nlistener 1884')
  assert.ok(warnings.some(({ text }) => text.includes('port 1883 on every address')))
})

test('an open listener beyond this machine is warned of', () => {
  const { warnings } = readConfig('listener 1883\nallow_anonymous true')
  assert.deepEqual(warnings, [
    {
      level: 'warning',
      text: 'Anyone who reaches port 1883 may use the broker: anonymous clients are allowed.',
      file: 'test.conf',
      line: 1,
    },
  ])
})

for (const where of [' 127.0.0.1', ' 127.0.0.2', ' ::1', ' localhost', '\nbind_interface lo'])
  test(`an open listener at${where.replace('\n', ' ')} is not warned of`, () => {
    assert.deepEqual(readConfig(`listener 1883${where}\nallow_anonymous true`).warnings, [])
  })

for (const where of ['127.0.0.1.example.com', '192.168.127.1', '0.0.0.0'])
  test(`an open listener at ${where} is warned of`, () => {
    const { warnings } = readConfig(`listener 1883 ${where}\nallow_anonymous true`)
    assert.equal(warnings.length, 1)
  })

test('command line ports replace the loopback port', () => {
  const config = applyCommandLinePorts(readConfig(''), [1884, 1885])
  assert.deepEqual(config.listeners.map(listenerSummary), [
    '1884 127.0.0.1 open',
    '1884 ::1 open',
    '1885 127.0.0.1 open',
    '1885 ::1 open',
    '9883 127.0.0.1 open',
  ])
})

test('command line ports stay closed when allow_anonymous is false', () => {
  const config = applyCommandLinePorts(readConfig('allow_anonymous false'), [1884])
  assert.deepEqual(config.listeners.map(listenerSummary), [
    '1884 127.0.0.1 closed',
    '1884 ::1 closed',
    '9883 127.0.0.1 closed',
  ])
})

test('command line ports are ignored with a warning when the file has a listener', () => {
  const config = applyCommandLinePorts(readConfig('listener 1883'), [1884])
  assert.deepEqual(config.listeners.map(listenerSummary), ['1883 closed'])
  assert.ok(config.warnings.some(({ text }) => text.includes('ignored')))
})

test('no command line ports change nothing', () => {
  const config = readConfig('')
  assert.equal(applyCommandLinePorts(config, []), config)
})

/** What `--test-config` says of bridges: each fault with its file and line. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '../../src/config/files.ts'
import { bridgesOf } from '../../src/server/bridges.ts'
import { runToEnd, scratch, writeConfig } from '../server/run-mozzie.ts'

/** The first line is `user root`; what is wrong with the whole of a section stands at its `connection` line, the second. */
const section = 'connection b\naddress 127.0.0.1:1884\n'

const rows: readonly { name: string; lines: string; says: RegExp; line: number }[] = [
  {
    name: 'a topic that is none',
    lines: `${section}topic a/#/b out 1`,
    says: /topic "a\/#\/b"/,
    line: 2,
  },
  {
    name: 'a prefix with a wildcard',
    lines: `${section}topic x out 1 +/ ""`,
    says: /prefix "\+\/" has a wildcard/,
    line: 2,
  },
  {
    name: 'a file that is missing',
    lines: `${section}topic x out 1\nbridge_cafile /nowhere/ca.pem`,
    says: /"bridge_cafile \/nowhere\/ca\.pem" cannot be read/,
    line: 2,
  },
  {
    name: 'a file of authorities without a certificate',
    lines: `${section}topic x out 1\nbridge_cafile /dev/null`,
    says: /"bridge_cafile \/dev\/null" cannot be used: there is no certificate in it/,
    line: 2,
  },
  {
    name: 'a local client id that two bridges have',
    lines: `${section}topic x out 1\nlocal_clientid one\nconnection c\naddress 127.0.0.1:1884\ntopic x out 1\nlocal_clientid one`,
    says: /"local_clientid" of another bridge/,
    line: 6,
  },
  {
    name: 'a local client id that two bridges have by their remote one',
    lines: `${section}topic x out 1\nremote_clientid one\nconnection c\naddress 127.0.0.1:1884\ntopic x out 1\nremote_clientid one`,
    says: /local client id "local\.one" of another bridge/,
    line: 6,
  },
  { name: 'no address', lines: 'connection b\ntopic x out 1', says: /has no "address"/, line: 2 },
  { name: 'no topic', lines: section, says: /has no "topic"/, line: 2 },
  {
    name: 'a key that is no hexadecimal',
    lines: `${section}topic x out 1\nbridge_identity i\nbridge_psk xyz`,
    says: /"bridge_psk" must be an even number of hexadecimal digits/,
    line: 2,
  },
  {
    name: 'a notification topic with a wildcard',
    lines: `${section}topic x out 1\nnotification_topic state/#`,
    says: /notification topic "state\/#": .*"notifications false"/,
    line: 2,
  },
  {
    name: 'a client id that its notification topic cannot hold',
    lines: `${section}topic x out 1\nremote_clientid a+b`,
    says: /notification topic "\$SYS\/broker\/connection\/a\+b\/state": /,
    line: 2,
  },
  ...(
    [
      ['topic a\u0001 out 1', /topic cannot be in a packet/],
      ['topic x out 1\nlocal_clientid a\u0001', /"local_clientid" cannot be in a packet/],
      ['topic x out 1\nlocal_username a\u007f', /"local_username" cannot be in a packet/],
      ['topic x out 1\nnotification_topic a\u0085', /notification topic cannot be in a packet/],
      [
        `topic x out 1\nlocal_clientid l\nremote_clientid ${'r'.repeat(65_530)}`,
        /notification topic cannot be in a packet/,
      ],
    ] as const
  ).map(([lines, says]) => ({
    name: `${says.source.split(' cannot')[0]} of ${lines.length} characters that no packet can hold`,
    lines: section + lines,
    says,
    line: 2,
  })),
  {
    name: 'OCSP, which Node cannot check',
    lines: `${section}topic x out 1\nbridge_require_ocsp true`,
    says: /bridge_require_ocsp/,
    line: 5,
  },
]

for (const { name, lines, says, line } of rows)
  test(`${name} is named with its line, and starts nothing`, (context) => {
    const file = writeConfig(scratch(context), lines)
    for (const words of [['--test-config'], []]) {
      const { code, stderr } = runToEnd('-c', file, ...words)
      assert.equal(code, 3, stderr)
      assert.match(stderr, says)
      assert.ok(stderr.includes(`${file}:${line}.`), stderr)
    }
  })

test('a bridge without a fault passes, and what has no effect is said by line', (context) => {
  const file = writeConfig(
    scratch(context),
    `${section}topic x out 1\nbridge_tcp_keepalive 60 5 3\nbridge_tcp_user_timeout 5000`,
  )
  const { code, stderr } = runToEnd('-c', file, '--test-config')
  assert.equal(code, 0, stderr)
  assert.match(stderr, /bridge_tcp_keepalive/)
  assert.match(stderr, /"bridge_tcp_user_timeout" has no effect/)
})

test('a bridge to the broker itself that would send messages round for ever is warned of', (context) => {
  const directory = scratch(context)
  const warningsOf = (topic: string): string => {
    const lines = `listener 1884 127.0.0.1\nallow_anonymous true\n${section}topic ${topic}`
    const { code, stderr } = runToEnd('-c', writeConfig(directory, lines), '--test-config')
    assert.equal(code, 0, stderr)
    return stderr
  }
  const isWarning = /Bridge "b" leads to this broker itself \(127\.0\.0\.1:1884\)/
  assert.match(warningsOf('# both'), isWarning)
  assert.match(warningsOf('x in 1 a/ a/'), isWarning)
  assert.doesNotMatch(warningsOf('x/# out 1 a/ b/'), isWarning)
})

test('two bridges that are one client to the other broker are warned of', (context) => {
  const twin = `connection c\naddress 127.0.0.1:1884\ntopic x out 1\nlocal_clientid l\n`
  const idOf = (id: string): string => `remote_clientid ${id}\n`
  for (const [second, isWarned] of [
    ['one', true],
    ['two', false],
  ] as const) {
    const lines = `${section}topic x out 1\n${idOf('one')}${twin}${idOf(second)}`
    const { code, stderr } = runToEnd('-c', writeConfig(scratch(context), lines), '--test-config')
    assert.equal(code, 0, stderr)
    assert.equal(/Bridges "b" and "c" have one "remote_clientid"/.test(stderr), isWarned, stderr)
  }
})

for (const [version, expected] of [
  ['mqttv311', 5000],
  ['mqttv50', 400],
] as const)
  test(`${version}: a remote that can be told sends nothing larger than bridge_max_packet_size`, (context) => {
    const lines = `max_packet_size 5000\n${section}topic x out\nbridge_protocol_version ${version}\nbridge_max_packet_size 400`
    const settings = bridgesOf(loadConfig(writeConfig(scratch(context), lines))).get('b')?.settings
    assert.deepEqual([settings?.packetBytesMax, settings?.incomingPacketBytesMax], [400, expected])
  })

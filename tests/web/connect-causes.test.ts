import assert from 'node:assert/strict'
import { test } from 'node:test'
import { causesOf, type Attempt, type CauseName } from '../../web/src/model/connect-causes.ts'

const at = (port: number, path = '/mqtt', scheme: 'ws' | 'wss' = 'ws') => ({
  scheme,
  host: 'broker.example',
  port,
  path,
})

const ROWS: [what: string, attempt: Partial<Attempt>, names: CauseName[]][] = [
  ['ws on a page of https', { address: at(9001), pageIsSecure: true }, ['mixedContent']],
  ['TLS on a plain port', { address: at(9001, '/mqtt', 'wss'), open: [at(9001)] }, ['tlsOnPlain']],
  ['plain on a TLS port', { address: at(8084), open: [at(8084, '/mqtt', 'wss')] }, ['plainOnTls']],
  ['another path', { address: at(9001, '/x'), open: [at(9001)] }, ['wrongPath']],
  ['the port of MQTT over TCP', { address: at(1883) }, ['mqttPort']],
  ['that port, and WebSocket beside it', { address: at(1883), open: [at(9001)] }, ['mqttPort']],
  ['another port', { address: at(7777), open: [at(9001)] }, ['otherPort']],
  [
    'an unusual port of MQTT over TCP, of the broker whose page this is',
    { address: at(7777), isOwnMqtt: true, open: [at(9883)] },
    ['mqttPort'],
  ],
  [
    'nothing',
    { address: at(7777) },
    ['nothingListens', 'maybeMqttPort', 'hiddenTls', 'originRefused'],
  ],
  [
    'a certificate that the browser does not know, at a port of the broker whose page this is',
    { address: at(7777, '/mqtt', 'wss'), isOwnTls: true },
    ['unknownCertificate'],
  ],
  [
    'another path there, where the certificate is known',
    { address: at(7777, '/x', 'wss'), isOwnTls: true, reply: 'answered' },
    ['otherPath', 'originRefused'],
  ],
  [
    'nothing, with TLS',
    { address: at(7777, '/mqtt', 'wss') },
    ['nothingListens', 'maybeMqttPort', 'certificate', 'originRefused'],
  ],
  [
    'a web server, and no broker',
    { address: at(9001, '/x'), reply: 'answered' },
    ['otherPath', 'originRefused'],
  ],
  [
    'a web server, and all paths that brokers have were tried there',
    { address: at(9001), reply: 'answered' },
    ['originRefused', 'otherPath'],
  ],
  [
    'a web server at the usual port of MQTT over TCP',
    { address: at(1883), reply: 'answered' },
    ['originRefused', 'otherPath'],
  ],
  ['silence', { address: at(7777), reply: 'none' }, ['noAnswer', 'maybeMqttPort']],
  [
    'silence, with TLS',
    { address: at(7777, '/mqtt', 'wss'), reply: 'none' },
    ['noAnswer', 'maybeMqttPort'],
  ],
]

for (const [what, attempt, names] of ROWS)
  test(`why no connection came about: ${what}`, () => {
    const found = causesOf({
      address: at(9001),
      pageIsSecure: false,
      open: [],
      reply: 'failed',
      isOwnTls: false,
      isOwnMqtt: false,
      ...attempt,
    })
    assert.deepEqual(
      found.map(({ name }) => name),
      names,
    )
    if (found.length === 1) assert.deepEqual(found[0]?.instead, attempt.open?.[0] ?? null)
  })

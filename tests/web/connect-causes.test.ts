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
  ['nothing', { address: at(7777) }, ['nothingListens', 'hiddenTls', 'originRefused']],
  [
    'a certificate that the browser does not know, at a port of the broker whose page this is',
    { address: at(7777, '/mqtt', 'wss'), isOwnTls: true },
    ['unknownCertificate'],
  ],
  [
    'another path there, where the certificate is known',
    { address: at(7777, '/x', 'wss'), isOwnTls: true, isAnswered: true },
    ['otherPath', 'originRefused'],
  ],
  [
    'nothing, with TLS',
    { address: at(7777, '/mqtt', 'wss') },
    ['nothingListens', 'certificate', 'originRefused'],
  ],
  [
    'a web server, and no broker',
    { address: at(9001, '/x'), isAnswered: true },
    ['otherPath', 'originRefused'],
  ],
]

for (const [what, attempt, names] of ROWS)
  test(`why no connection came about: ${what}`, () => {
    const found = causesOf({
      address: at(9001),
      pageIsSecure: false,
      open: [],
      isAnswered: false,
      isOwnTls: false,
      ...attempt,
    })
    assert.deepEqual(
      found.map(({ name }) => name),
      names,
    )
    if (found.length === 1) assert.deepEqual(found[0]?.instead, attempt.open?.[0] ?? null)
  })

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BridgeConfig } from '../../src/config/config.ts'
import { configError, readConfig } from './read-config.ts'

const minimal = 'connection up\naddress a\ntopic #\n'

const rows: [string, keyof BridgeConfig, unknown][] = [
  [
    'connection b\ntopic #\naddress a b:1884 # two',
    'addresses',
    [
      { host: 'a', port: 1883, url: null },
      { host: 'b', port: 1884, url: null },
    ],
  ],
  ['connection b\ntopic #\naddresses [::1]:1', 'addresses', [{ host: '::1', port: 1, url: null }]],
  [`${minimal}keepalive_interval 2`, 'keepAliveSeconds', 5],
  [`${minimal}idle_timeout 3`, 'idleTimeoutMs', 3000],
  [`${minimal}idle_timeout 0`, 'idleTimeoutMs', 1000],
  [`${minimal}threshold 0`, 'threshold', 1],
  [
    `${minimal}restart_timeout 0`,
    'restartTimeout',
    { baseSeconds: 1, capSeconds: 1, stableSeconds: null },
  ],
  [
    `${minimal}restart_timeout 0 10`,
    'restartTimeout',
    { baseSeconds: 1, capSeconds: 10, stableSeconds: null },
  ],
  [`${minimal}username u`, 'remoteUsername', 'u'],
  [
    `${minimal}restart_timeout 7`,
    'restartTimeout',
    { baseSeconds: 7, capSeconds: 7, stableSeconds: null },
  ],
  [
    `${minimal}restart_timeout 2 60 9`,
    'restartTimeout',
    { baseSeconds: 2, capSeconds: 60, stableSeconds: 9 },
  ],
  [
    `${minimal}bridge_tcp_keepalive 1 2 3`,
    'tcpKeepAlive',
    { idleSeconds: 1, intervalSeconds: 2, probes: 3 },
  ],
  [`${minimal}bridge_protocol_version mqttv50`, 'protocolVersion', 'mqttv50'],
  [
    'connection b\ntopic #\naddress wss://a.example/x',
    'addresses',
    [{ host: 'a.example', port: 0, url: 'wss://a.example/x' }],
  ],
  [minimal, 'sessionExpirySeconds', null],
]

for (const [text, key, expected] of rows)
  test(`${JSON.stringify(text.split('\n').at(-1))} gives the ${key} of a bridge`, () => {
    assert.deepEqual(readConfig(text).bridges[0][key], expected)
  })

const topics: [string, string, string, number, string, string][] = [
  ['topic a/#', 'a/#', 'out', 0, '', ''],
  ['topic a/# both 2 l/ r/', 'a/#', 'both', 2, 'l/', 'r/'],
  ['topic a IN 1 "" r/', 'a', 'in', 1, '', 'r/'],
  ['topic "a b" out 0', 'a b', 'out', 0, '', ''],
  ['topic "" both 0 l r', '', 'both', 0, 'l', 'r'],
  ['topic a out 1 # note', 'a', 'out', 1, '', ''],
]

for (const [line, pattern, direction, qos, localPrefix, remotePrefix] of topics)
  test(`${JSON.stringify(line)} is read`, () => {
    const [bridge] = readConfig(`connection b\naddress a\n${line}`).bridges
    assert.deepEqual(bridge.topics, [{ pattern, direction, qos, localPrefix, remotePrefix }])
  })

const wrong: [string, RegExp][] = [
  ['connection up\ntopic #', /no "address"/],
  ['connection up\naddress a', /no "topic"/],
  [`${minimal}connection up`, /Duplicate "connection"/],
  [
    `${minimal}local_clientid x\nconnection b\naddress a\ntopic #\nlocal_clientid x`,
    /another bridge/,
  ],
  [`${minimal}address b`, /Duplicate "address"/],
  ['connection b\naddress a:0', /must be from 1/],
  ['connection b\naddress :1883', /no host/],
  [`${minimal}bridge_certfile a`, /bridge_keyfile/],
  [`${minimal}bridge_psk a`, /bridge_identity/],
  ...['bridge_cafile f', 'bridge_capath d', 'bridge_certfile f\nbridge_keyfile f'].map(
    (line): [string, RegExp] => [
      `${minimal}bridge_identity i\nbridge_psk aa\n${line}`,
      /both certificates and a pre-shared key/,
    ],
  ),
  [`${minimal}start_type manual`, /must be one of/],
  [`${minimal}restart_timeout 3601`, /must be from/],
  [`${minimal}restart_timeout 9 5`, /must be from 9/],
  [`${minimal}bridge_tcp_keepalive 1 2`, /three numbers/],
  [`${minimal}bridge_session_expiry_interval 4294967295`, /must be from/],
  [`${minimal}topic "" out 0 l`, /without a pattern/],
  [`${minimal}topic a sideways`, /out, in or both/],
  [`${minimal}topic a out 3`, /must be from/],
  [`${minimal}topic "a b`, /closing quote/],
  [`${minimal}keepalive_interval -1`, /must be from/],
]

for (const [text, message] of wrong)
  test(`${JSON.stringify(text.split('\n').at(-1))} of a bridge is an error: ${message.source}`, () => {
    const error = configError(text)
    assert.match(error.message, message)
    assert.ok(error.line > 0)
  })

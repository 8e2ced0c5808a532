import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LogType } from '../../src/base/log.ts'
import type { GlobalValues, ListenerConfig } from '../../src/config/config.ts'
import { configError, readConfig } from './read-config.ts'

const globals: [string, keyof GlobalValues, unknown][] = [
  ['allow_anonymous true', 'allowAnonymous', true],
  ['allow_anonymous 1', 'allowAnonymous', true],
  ['allow_anonymous false', 'allowAnonymous', false],
  ['allow_anonymous 0', 'allowAnonymous', false],
  ['max_queued_messages 0x10', 'maxQueuedMessages', 16],
  ['max_queued_messages 010', 'maxQueuedMessages', 8],
  ['max_queued_messages +5', 'maxQueuedMessages', 5],
  ['max_queued_messages -1', 'maxQueuedMessages', 0],
  ['max_inflight_messages 65535', 'maxInflightMessages', 0],
  ['max_inflight_messages -3', 'maxInflightMessages', 0],
  ['max_inflight_messages 65534', 'maxInflightMessages', 65_534],
  ['max_packet_size 20', 'maxPacketBytes', 20],
  ['max_packet_size 2000000000', 'maxPacketBytes', 268_435_460],
  ['message_size_limit 268435455', 'messageBytesMax', 268_435_455],
  ['max_keepalive 65535', 'maxKeepAliveSeconds', 65_535],
  ['global_max_connections -1', 'globalMaxConnections', 0],
  ['global_max_clients 12', 'globalMaxClients', 12],
  ['autosave_interval -5', 'autosaveIntervalSeconds', 0],
  ['retain_expiry_interval 1', 'retainExpiryIntervalMs', 60_000],
  ['retain_expiry_interval 20000000', 'retainExpiryIntervalMs', 600_000_000_000],
  ['persistent_client_expiration 30s', 'persistentClientExpirationMs', 30_000],
  ['persistent_client_expiration 2h', 'persistentClientExpirationMs', 7_200_000],
  ['persistent_client_expiration 14d', 'persistentClientExpirationMs', 1_209_600_000],
  ['persistent_client_expiration 1w', 'persistentClientExpirationMs', 604_800_000],
  ['persistent_client_expiration 1m', 'persistentClientExpirationMs', 2_592_000_000],
  ['persistent_client_expiration 1y', 'persistentClientExpirationMs', 31_536_000_000],
  ['sys_interval 0', 'sysIntervalMs', 0],
  ['log_facility 7', 'logFacility', 7],
  ['user', 'user', ''],
  ['websockets_headers_size 100', 'packetBufferBytes', 100],
  ['retained_persistence true', 'persistence', true],
  ['log_type debug', 'logTypes', LogType.debug],
  ['log_type debug\nlog_type error', 'logTypes', LogType.debug | LogType.error],
  ['log_type all\nlog_type none', 'logTypes', 0],
  ['log_type none\nlog_type notice', 'logTypes', LogType.notice],
  ['log_type all', 'logTypes', 511],
  ['log_dest stdout', 'logDestinations', [{ kind: 'stdout' }]],
  ['log_dest stdout\nlog_dest topic', 'logDestinations', [{ kind: 'stdout' }, { kind: 'topic' }]],
  ['log_dest stdout\nlog_dest none', 'logDestinations', []],
  ['log_dest stdout\nlog_dest stdout', 'logDestinations', [{ kind: 'stdout' }]],
  ['log_dest file /a b.log', 'logDestinations', [{ kind: 'file', path: '/a b.log' }]],
]

for (const [line, key, expected] of globals)
  test(`${JSON.stringify(line)} sets ${key}`, () => {
    assert.deepEqual(readConfig(line).global[key], expected)
  })

const listenerRows: [string, keyof ListenerConfig, unknown][] = [
  ['max_qos 1', 'maxQos', 1],
  ['maximum_qos 0', 'maxQos', 0],
  ['max_connections -1', 'maxConnections', 0],
  ['max_connections 10', 'maxConnections', 10],
  ['max_topic_alias 0', 'maxTopicAlias', 0],
  ['max_topic_alias_broker 65535', 'maxTopicAliasBroker', 65_535],
  ['accept_protocol_versions 5,4', 'acceptProtocolLevels', [4, 5]],
  ['accept_protocol_versions 3 5, 5', 'acceptProtocolLevels', [3, 5]],
  ['listener_auto_id_prefix x-', 'autoIdPrefix', 'x-'],
  ['mount_point site/a/', 'mountPoint', 'site/a/'],
  ['mount_point a/\nmount_point b/', 'mountPoint', 'b/'],
  ['socket_domain ipv6', 'socketDomain', 'ipv6'],
  ['protocol mqtt', 'protocol', 'mqtt'],
  [
    'websockets_origin https://a\nwebsockets_origin https://b',
    'websocketsOrigins',
    ['https://a', 'https://b'],
  ],
  ['listener_allow_anonymous true', 'allowAnonymous', true],
  ['use_username_as_clientid true', 'useUsernameAsClientId', true],
]

for (const [line, key, expected] of listenerRows)
  test(`${JSON.stringify(line)} sets ${key} of its listener`, () => {
    assert.deepEqual(readConfig(`listener 1883\n${line}`).listeners[0][key], expected)
  })

const wrong: [string, RegExp][] = [
  ['allow_anonymous True', /must be true or false/],
  ['allow_anonymous yes', /must be true or false/],
  ['allow_anonymous 2', /must be true or false/],
  ['max_queued_messages ten', /not a number/],
  ['max_queued_messages 10k', /not a number/],
  ['max_queued_messages 08', /not a number/],
  ['max_queued_messages 0x', /not a number/],
  ['max_queued_messages 1.5', /not a number/],
  ['max_queued_messages 99999999999999999999', /must be from/],
  ['max_inflight_messages 65536', /must be from/],
  ['max_inflight_bytes -1', /must be from/],
  ['max_packet_size 19', /must be from/],
  ['max_packet_size 0', /must be from/],
  ['message_size_limit 268435456', /must be from/],
  ['max_keepalive 65536', /must be from/],
  ['retain_expiry_interval 0', /must be from/],
  ['sys_interval 65536', /must be from/],
  ['log_facility 8', /must be from/],
  ['port 0', /must be from/],
  ['listener 65536', /must be from/],
  ['listener 0', /unix socket/],
  [`listener 0 /${'s'.repeat(107)}`, /longer than 107/],
  ['listener 1883 127.0.0.1 ::1', /one address/],
  ['persistent_client_expiration 0d', /above 0/],
  ['persistent_client_expiration 14', /above 0/],
  ['persistent_client_expiration 14x', /above 0/],
  ['log_type loud', /must be one of/],
  ['log_dest printer', /must be one of/],
  ['log_dest file', /Empty/],
  ['log_dest file /a\nlog_dest file /b', /Duplicate/],
  ['auto_id_prefix ' + 'x'.repeat(51), /longer than 50/],
  ['protocol MQTT', /must be one of/],
  ['listener 1\naccept_protocol_versions 6', /levels 3, 4 and 5/],
  ['listener 1\naccept_protocol_versions ,', /names no protocol/],
  ['listener 1\nmount_point a/#', /without wildcards/],
  ['tls_engine_kpass_sha1 abc', /40 hexadecimal/],
  ['listener 1\ncertfile a', /both "certfile" and "keyfile"/],
  ['listener 1\ncafile a', /no "certfile"/],
  ['listener 1\nenable_proxy_protocol 2\ncertfile a\nkeyfile b', /excludes/],
]

for (const [line, message] of wrong)
  test(`${JSON.stringify(line.slice(0, 60))} is an error with a place`, () => {
    const error = configError(`# first\n${line}`)
    assert.match(error.message, message)
    assert.equal(error.file, 'test.conf')
    assert.ok(error.line >= 2 && error.line <= 1 + line.split('\n').length)
  })

for (const line of ['pid_file a', 'auto_id_prefix a', 'persistence_file a', 'bind_address ::1'])
  test(`a second "${line.split(' ')[0]}" is an error`, () => {
    const error = configError(`${line}\n${line}`)
    assert.equal(error.message, `Duplicate "${line.split(' ')[0]}" value in configuration.`)
    assert.equal(error.line, 2)
  })

const lastWins: [string, keyof GlobalValues][] = [
  ['acl_file', 'aclFile'],
  ['password_file', 'passwordFile'],
  ['psk_file', 'pskFile'],
  ['clientid_prefixes', 'clientIdPrefix'],
  ['user', 'user'],
]

for (const [name, key] of lastWins)
  test(`of two "${name}" lines the last one counts`, () => {
    assert.equal(readConfig(`${name} a\n${name} b`).global[key], 'b')
  })

const listenerLastWins: [string, keyof ListenerConfig][] = [
  ['cafile', 'caFile'],
  ['capath', 'caDirectory'],
  ['certfile', 'certificateFile'],
  ['keyfile', 'keyFile'],
  ['crlfile', 'revocationListFile'],
  ['ciphers', 'ciphers'],
  ['ciphers_tls1.3', 'ciphersTls13'],
]

for (const [name, key] of listenerLastWins)
  test(`of two "${name}" lines of a listener the last one counts`, () => {
    const lines = `listener 1\ncertfile c\nkeyfile k\n${name} a\n${name} b`
    assert.equal(readConfig(lines).listeners[0][key], 'b')
  })

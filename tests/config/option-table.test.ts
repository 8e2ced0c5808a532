import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConfigError } from '../../src/config/config-error.ts'
import { editDistance } from '../../src/base/edit-distance.ts'
import { nearestName } from '../../src/base/nearest-name.ts'
import { ALL_OPTIONS, findOption, OPTION_NAMES } from '../../src/config/option-table.ts'
import { parseConfig } from '../../src/config/parse.ts'

/** Every name that mosquitto 2.1 knows, and those it once knew. */
const mosquittoNames = `
  acl_file allow_anonymous allow_duplicate_messages allow_zero_length_clientid auth_plugin
  auth_plugin_deny_special_chars auth_opt_x auto_id_prefix autosave_interval autosave_on_changes
  bind_address check_retain_source clientid_prefixes connection_messages enable_control_api
  global_max_clients global_max_connections global_plugin include_dir log_dest log_facility
  log_timestamp log_timestamp_format log_type max_inflight_bytes max_inflight_messages
  max_keepalive max_packet_size max_queued_bytes max_queued_messages memory_limit
  message_size_limit packet_buffer_size password_file per_listener_settings persistence
  retained_persistence persistence_file persistence_location persistent_client_expiration pid_file
  plugin plugin_load plugin_use plugin_opt_x port psk_file queue_qos0_messages retain_available
  retain_expiry_interval set_tcp_nodelay sys_interval upgrade_outgoing_qos user
  websockets_headers_size websockets_log_level retry_interval store_clean_interval dhparamfile
  listener accept_protocol_versions bind_interface cafile capath certfile keyfile ciphers
  ciphers_tls1.3 crlfile disable_client_cert_date_checks enable_proxy_protocol http_dir
  listener_allow_anonymous listener_auto_id_prefix max_connections max_qos maximum_qos
  max_topic_alias max_topic_alias_broker mount_point protocol proxy_protocol_v2_require_tls
  psk_hint require_certificate socket_domain tls_engine tls_engine_kpass_sha1 tls_keyform
  tls_version use_identity_as_username use_subject_as_username use_username_as_clientid
  websockets_origin
  connection address addresses clientid username password bridge_attempt_unsubscribe
  bridge_bind_address bridge_max_packet_size bridge_max_topic_alias bridge_outgoing_retain
  bridge_protocol_version bridge_receive_maximum bridge_reload_type
  bridge_session_expiry_interval bridge_tcp_keepalive bridge_tcp_user_timeout cleansession
  local_cleansession idle_timeout keepalive_interval local_clientid local_username local_password
  notifications notifications_local_only notification_topic remote_clientid remote_username
  remote_password restart_timeout round_robin start_type threshold topic try_private bridge_cafile
  bridge_capath bridge_certfile bridge_keyfile bridge_ciphers bridge_ciphers_tls1.3 bridge_alpn
  bridge_insecure bridge_require_ocsp bridge_tls_version bridge_tls_use_os_certs bridge_identity
  bridge_psk
`
  .trim()
  .split(/\s+/)

for (const name of mosquittoNames)
  test(`the table knows ${name}`, () => {
    assert.ok(findOption(name))
  })

test('what mosquitto does not know is marked as our own', () => {
  const known = new Set(mosquittoNames.map((name) => name.replace(/_x$/, '_*')))
  assert.deepEqual(
    OPTION_NAMES.filter((name) => known.has(name) === (findOption(name)?.row.own ?? false)),
    [],
  )
})

test('no name stands for two options', () => {
  const names = ALL_OPTIONS.flatMap(({ row }) => [row.name, ...row.aliases])
  assert.equal(new Set(names).size, names.length)
})

test('every option has a one-line summary', () => {
  for (const { row } of ALL_OPTIONS) assert.match(row.summary, /^[^\n]{8,100}\.$/, row.name)
})

test('options that would open the broker when ignored are refused', () => {
  const names = ['plugin', 'bridge_require_ocsp']
  for (const name of names) assert.equal(findOption(name)?.row.effect, 'refuse', name)
})

test('a swap of neighbours is one edit', () => {
  assert.equal(editDistance('prot', 'port'), 1)
})

test('an edit distance is 0 only between equal words', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (left, right) => {
      assert.equal(editDistance(left, right) === 0, left === right)
    }),
  )
})

test('an edit distance is the same both ways', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (left, right) => {
      assert.equal(editDistance(left, right), editDistance(right, left))
    }),
  )
})

for (const [word, expected] of [
  ['max_qeued_messages', 'max_queued_messages'],
  ['Allow_Anonymous', 'allow_anonymous'],
  ['lisener', 'listener'],
  ['zzzzzz', null],
] as const)
  test(`nearest to ${word} is ${expected}`, () => {
    assert.equal(nearestName(word, OPTION_NAMES), expected)
  })

test('any bytes give a configuration or an error with a place', () => {
  const line = fc
    .tuple(fc.constantFrom(...mosquittoNames), fc.string())
    .map((words) => words.join(' '))
  const text = fc
    .array(fc.oneof(line, fc.string()), { maxLength: 8 })
    .map((lines) => lines.join('\n'))
  const bytes = fc.oneof(
    text.map((value) => new TextEncoder().encode(value)),
    fc.uint8Array({ maxLength: 64 }),
  )
  fc.assert(
    fc.property(bytes, (value) => {
      try {
        parseConfig({ file: 'any', bytes: value }, () => [])
      } catch (error) {
        assert.ok(error instanceof ConfigError)
        assert.ok(error.line >= 1 && error.file === 'any')
      }
    }),
    { numRuns: 500 },
  )
})

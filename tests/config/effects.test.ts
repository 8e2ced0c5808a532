import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertSupported } from '../../src/config/parse.ts'
import { readConfig } from './read-config.ts'

const refused = [
  'plugin /p.so',
  'auth_plugin /p.so',
  'global_plugin /p.so',
  'plugin_load n /p.so',
  'connection b\naddress a\ntopic #\nbridge_require_ocsp true',
]

for (const text of refused)
  test(`${JSON.stringify(text)} is refused where it stands`, () => {
    const config = readConfig(text)
    const [first] = config.refused
    const name = text.split('\n')[first.line - 1].split(' ')[0]
    assert.throws(() => assertSupported(config), {
      name: 'ConfigError',
      message: new RegExp(`^"${name}" is not supported in this release`),
      file: 'test.conf',
      line: first.line,
    })
  })

test('all options that are refused are named', () => {
  const config = readConfig(
    'plugin /p.so\nconnection b\naddress a\ntopic #\nbridge_require_ocsp true',
  )
  assert.throws(() => assertSupported(config), {
    message: /^"plugin" is not .* Nor are: bridge_require_ocsp\. Instead .*"auth_http_url"/,
    line: 1,
  })
})

for (const text of ['listener 1\nprotocol mqtt', 'listener 1\nrequire_certificate false'])
  test(`${JSON.stringify(text)} asks for nothing and is not refused`, () => {
    assert.doesNotThrow(() => assertSupported(readConfig(text)))
  })

const warned = [
  'retry_interval 20',
  'retry_interval',
  'store_clean_interval 10',
  'dhparamfile /dh.pem',
  'websockets_log_level 255',
  'set_tcp_nodelay false',
  'log_dest dlt',
]

for (const line of warned)
  test(`"${line}" is accepted with one warning`, () => {
    const { warnings, refused: none } = readConfig(`${line}\n`)
    assert.equal(warnings.length, 1)
    assert.equal(warnings[0].line, 1)
    assert.ok(warnings[0].text.startsWith(`"${line.split(' ')[0]}`))
    assert.deepEqual(none, [])
  })

test('an option that is repeated is warned of once', () => {
  assert.equal(readConfig('retry_interval 1\nretry_interval 2').warnings.length, 1)
})

for (const line of [
  'persistence true',
  'persistence_location /var/lib/x/',
  'set_tcp_nodelay true',
  'autosave_interval 1800',
])
  test(`"${line}" says what is so anyway and is not warned of`, () => {
    assert.deepEqual(readConfig(line).warnings, [])
  })

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configError, readConfig } from './read-config.ts'

const head = 'listener 1\nauth_plugin /mosquitto/go-auth.so\n'

/** The configuration that Home Assistant's Mosquitto add-on writes. */
const addOn = `${head}auth_opt_backends files,http
auth_opt_hasher pbkdf2
auth_opt_cache true
auth_opt_auth_cache_seconds 300
auth_opt_auth_jitter_seconds 30
auth_opt_acl_cache_seconds 300
auth_opt_acl_jitter_seconds 30
auth_opt_log_level error
auth_opt_files_password_path /etc/mosquitto/pw
auth_opt_files_acl_path /etc/mosquitto/acl
auth_opt_http_host 127.0.0.1
auth_opt_http_port 80
auth_opt_http_getuser_uri /authentication
auth_opt_http_superuser_uri /superuser
auth_opt_http_aclcheck_uri /acl
`

test("go-auth: the lines of Home Assistant's Mosquitto add-on are understood", () => {
  const { listeners, refused, plugins, warnings } = readConfig(addOn)
  assert.deepEqual([refused, plugins, warnings], [[], [], []])
  const { goAuth } = listeners[0]
  assert.deepEqual(
    goAuth?.backends.map(({ name }) => name),
    ['files', 'http'],
  )
  assert.deepEqual(goAuth?.files, {
    passwordPath: '/etc/mosquitto/pw',
    aclPath: '/etc/mosquitto/acl',
    saltEncoding: 'base64',
  })
  assert.equal(goAuth?.http?.origin, 'http://127.0.0.1:80')
  assert.equal(goAuth?.settings.cache?.loginMs, 300_000)
  assert.equal(goAuth?.settings.cache?.aclJitterMs, 30_000)
})

test('go-auth: "plugin" and "plugin_opt_" say the same', () => {
  const other = addOn.replace('auth_plugin', 'plugin').replaceAll('auth_opt_', 'plugin_opt_')
  assert.deepEqual(readConfig(other).listeners[0].goAuth, readConfig(addOn).listeners[0].goAuth)
})

for (const name of [
  'postgres',
  'mysql',
  'sqlite',
  'mongo',
  'redis',
  'ldap',
  'grpc',
  'js',
  'plugin',
])
  test(`go-auth: the backend ${name} is refused by its name, with what to do instead`, () => {
    const { message } = configError(`${head}auth_opt_backends files, ${name}`)
    assert.match(message, new RegExp(`"${name}" is not part of Mozzie.*Instead: `))
  })

const wrong: [why: string, lines: string, message: RegExp][] = [
  ['without backends', 'auth_opt_cache true', /needs "auth_opt_backends"/],
  ['a backend that nobody knows', 'auth_opt_backends fils', /no backend "fils"/],
  ['an option that is misspelt', 'auth_opt_http_hots x', /did you mean "http_host"/],
  ['http without a host', 'auth_opt_backends http\nauth_opt_http_port 1', /needs "auth_opt_http_/],
  [
    'a check that is none',
    'auth_opt_backends files\nauth_opt_files_register user, own',
    /"own" is none of user, superuser and acl/,
  ],
  ['jwt without a mode', 'auth_opt_backends jwt', /needs "auth_opt_jwt_mode"/],
  ['jwt with a database', 'auth_opt_backends jwt\nauth_opt_jwt_mode local', /Instead: /],
  ['jwt in files without a secret', 'auth_opt_backends jwt\nauth_opt_jwt_mode files', /jwt_secret/],
  ['a number that is none', 'auth_opt_backends files\nauth_opt_retry_count x', /not a number/],
  [
    'a password file beside it',
    'auth_opt_backends files\npassword_file /x',
    /take out "password_file"/,
  ],
]

for (const [why, lines, message] of wrong)
  test(`go-auth: ${why} is an error`, () => {
    assert.match(configError(`${head}${lines}`).message, message)
  })

test('go-auth: options of databases are passed over as long as those are not asked for', () => {
  const lines = 'auth_opt_backends files\nauth_opt_pg_host db\nauth_opt_mysql_userquery select 1'
  assert.deepEqual(readConfig(`${head}${lines}`).warnings, [])
})

test("go-auth: the ACL file of the add-on's documentation stands beside it", () => {
  const { listeners } = readConfig(`${addOn}acl_file /share/mosquitto/accesscontrollist\n`)
  assert.equal(listeners[0].aclFile, '/share/mosquitto/accesscontrollist')
  assert.notEqual(listeners[0].goAuth, null)
})

test('go-auth: TLS that proves nothing is warned of', () => {
  const tls = addOn + 'auth_opt_http_with_tls true\n'
  assert.match(readConfig(tls).warnings[0].text, /auth_opt_http_verify_peer true/)
  assert.deepEqual(readConfig(`${tls}auth_opt_http_verify_peer true`).warnings, [])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ValueError, type ConfigError } from '../../src/config/config-error.ts'
import { expandVariables } from '../../src/config/environment.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { diffConfig } from '../../src/config/reload.ts'

const environment = { PORT: '1884', EMPTY: '', SECRET: '${PORT}' }

for (const [text, expected] of [
  ['${PORT} 127.0.0.1', '1884 127.0.0.1'],
  ['a${PORT}${PORT}b', 'a18841884b'],
  ['\\${PORT}', '${PORT}'],
  ['${NONE:-1885}', '1885'],
  ['${EMPTY:-1885}', '1885'],
  ['${PORT:-1885}', '1884'],
  ['${NONE:-}', ''],
  ['${EMPTY}', ''],
  ['${SECRET}', '${PORT}'],
  ['a${ b} ${', 'a${ b} ${'],
  ['$PORT $ {PORT}', '$PORT $ {PORT}'],
  ['${1}', '${1}'],
] as const)
  test(`${JSON.stringify(text)} becomes ${JSON.stringify(expected)}`, () => {
    assert.equal(expandVariables(text, environment), expected)
  })

test('a variable that is not set is an error that names it and says what to write', () => {
  assert.throws(
    () => expandVariables('${NO_SUCH}', environment),
    (error) =>
      error instanceof ValueError && /"NO_SUCH" is not set\. .*\\\$\{NO_SUCH\}/.test(error.message),
  )
})

test('names of the language itself are no variables', () => {
  assert.equal(expandVariables('${toString:-x}', {}), 'x')
})

function parse(text: string, problems?: ConfigError[]) {
  return parseConfig({ file: 'test.conf', bytes: new TextEncoder().encode(text) }, () => [], {
    environment,
    readSecret: (path) => `secret of ${path}`,
    ...(problems && { problems }),
  })
}

test('variables stand in the values of a file, not in its comments and names', () => {
  const { listeners } = parse('# ${NO_SUCH}\nlistener ${PORT}\nmax_qos ${QOS:-1}')
  assert.deepEqual(
    listeners.map(({ port, maxQos }) => [port, maxQos]),
    [[1884, 1]],
  )
  assert.throws(() => parse('${PORT} 1'), { message: /Unknown configuration variable/ })
})

test('a variable that is not set is an error of its line', () => {
  assert.throws(() => parse('\nlistener ${NO_SUCH}'), { name: 'ConfigError', line: 2 })
})

const bridge = 'connection b\naddress a\ntopic # out\n'

test('a secret may stand in a file of its own', () => {
  const { bridges } = parse(`${bridge}remote_username u\nremote_password_file /run/secret`)
  assert.equal(bridges[0].remotePassword, 'secret of /run/secret')
})

test('only a secret option has such a file', () => {
  assert.throws(() => parse('clientid_prefixes_file /x'), { message: /Unknown configuration/ })
})

test('what changed about a secret is not told', () => {
  const before = parse(`${bridge}remote_username u\nremote_password old`)
  const changes = diffConfig(before, parse(`${bridge}remote_username u\nremote_password new`))
  assert.deepEqual(changes, [
    {
      option: 'remote_password',
      listener: 'b',
      before: '(secret)',
      after: '(secret)',
      reloadable: true,
    },
  ])
})

test('nor are the options of plugins', () => {
  const before = parse('plugin /p.so\nplugin_opt_password old')
  const changes = diffConfig(before, parse('plugin /p.so\nplugin_opt_password new'))
  assert.equal(changes.length, 1)
  assert.doesNotMatch(JSON.stringify(changes), /old|new/)
})

test('who asks for all errors gets all of them, in order', () => {
  const problems: ConfigError[] = []
  const { listeners } = parse(
    'nonsense\nlistener 1\nmax_qos 3\nmax_packet_size x\nmax_qos 1',
    problems,
  )
  assert.deepEqual(
    problems.map(({ line }) => line),
    [1, 3, 4],
  )
  assert.equal(listeners[0].maxQos, 1)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flagsOfTool, operandsOf, parseWords } from '../../src/cli/mqtt/arguments.ts'
import { wordsWithBytes } from '../../src/cli/mqtt/command-line.ts'
import { NEVER_EXPIRES, type Settings, type Tool } from '../../src/cli/mqtt/settings.ts'
import { usageErrors } from './usage-errors.ts'

function accepted(tool: Tool, ...words: string[]): Settings {
  const parsed = parseWords(tool, operandsOf(words))
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.error)
  return parsed.settings
}

function refused(tool: Tool, ...words: string[]): { error: string; hint?: string } {
  const parsed = parseWords(tool, operandsOf(words))
  assert.ok(!parsed.ok, `${words.join(' ')} should be refused`)
  return parsed
}

for (const { tool, words, error } of usageErrors) {
  test(`${tool} ${words.join(' ')}: ${error}`, () => {
    assert.equal(refused(tool, ...words).error, error)
  })
}

test('without flags the settings are those of mosquitto', () => {
  const pub = accepted('pub', '-t', 'a', '-m', 'b')
  assert.equal(pub.version, 4)
  assert.equal(pub.keepAliveSeconds, 60)
  assert.equal(pub.inflightMax, 20)
  assert.equal(pub.qos, 0)
  assert.equal(pub.cleanStart, true)
  assert.equal(accepted('rr', '-t', 'a', '-e', 'b', '-m', 'c').version, 5)
})

test('every flag that takes an operand says what is missing', () => {
  for (const tool of ['pub', 'sub', 'rr'] as const) {
    for (const { names, operand } of flagsOfTool(tool)) {
      if (operand === null) continue
      const { error } = refused(tool, names[0])
      assert.match(error, /^Error: -\S+ argument given but .+\.$/, names[0])
    }
  }
})

test('an empty client id is refused, as by mosquitto: without -i the broker makes one up', () => {
  for (const tool of ['pub', 'sub', 'rr'] as const)
    assert.equal(refused(tool, '-i', '').error, 'Error: Invalid id.')
})

test('a flag of another tool is refused with the tools that have it', () => {
  const { error, hint } = refused('pub', '-C', '1')
  assert.equal(error, "Error: Unknown option '-C'.")
  assert.equal(hint, 'It is an option of sub, not of pub.')
})

test('a mistyped flag is refused with the one that was meant', () => {
  assert.equal(refused('sub', '--retaned-only').hint, 'Did you mean --retained-only?')
})

test('the last topic counts for pub, and all of them for sub', () => {
  assert.equal(accepted('pub', '-t', 'a', '-t', 'b', '-n').topic, 'b')
  assert.deepEqual(accepted('sub', '-t', 'a/#', '-t', '+/b').filters, ['a/#', '+/b'])
})

test('-c of MQTT 5.0 keeps the session for good, or as long as -x or -D say', () => {
  const expiry = (...words: string[]) =>
    accepted('sub', '-t', 'a', '-i', 'me', '-V', '5', ...words).properties.connect
      .sessionExpirySeconds
  assert.equal(expiry('-c'), NEVER_EXPIRES)
  assert.equal(expiry('-c', '-x', '77'), 77)
  assert.equal(expiry('-c', '-D', 'connect', 'session-expiry-interval', '78'), 78)
  assert.equal(expiry('-x', '∞'), NEVER_EXPIRES)
  assert.equal(expiry('-x', '-1'), NEVER_EXPIRES)
  assert.equal(expiry(), undefined)
})

test('-x and -D make it MQTT 5.0', () => {
  assert.equal(accepted('sub', '-t', 'a', '-x', '5').version, 5)
  const { version, properties } = accepted(
    ...(['pub', '-t', 'a', '-n', '-D', 'publish', 'user-property', 'k', 'v'] as const),
  )
  assert.equal(version, 5)
  assert.deepEqual(properties.publish, { userProperties: [['k', 'v']] })
})

test('-D stores each kind of value', () => {
  const { properties } = accepted(
    'pub',
    ...['-t', 'a', '-n'],
    ...['-D', 'publish', 'topic-alias', '7'],
    ...['-D', 'publish', 'correlation-data', 'ab'],
    ...['-D', 'will', 'will-delay-interval', '4294967295'],
    ...['-D', 'disconnect', 'reason-string', 'bye'],
    ...['-D', 'subscribe', 'subscription-identifier', '268435455'],
  )
  assert.equal(properties.publish.topicAlias, 7)
  assert.deepEqual(Buffer.from(properties.publish.correlationData!).toString(), 'ab')
  assert.equal(properties.will.willDelaySeconds, 4_294_967_295)
  assert.equal(properties.disconnect.reasonString, 'bye')
  assert.deepEqual(properties.subscribe.subscriptionIds, [268_435_455])
})

test('-L sets host, port, user, topic and transport', () => {
  const settings = accepted('sub', '-L', 'wss://me:p:w@[::1]:9001/a/#', '-t', 'b')
  assert.equal(settings.host, '::1')
  assert.equal(settings.port, 9001)
  assert.equal(settings.username, 'me')
  assert.equal(Buffer.from(settings.password!).toString(), 'p:w')
  assert.equal(settings.webSocket, true)
  assert.equal(settings.tls.osCerts, true)
  assert.deepEqual(settings.filters, ['a/#', 'b'])
})

test("-L has mosquitto's port for each scheme", () => {
  const port = (scheme: string) => accepted('sub', '-L', `${scheme}://h/t`).port
  assert.deepEqual(['mqtt', 'mqtts', 'ws', 'wss'].map(port), [1883, 8883, 1883, 8883])
})

test('--proxy is taken apart, escapes undone', () => {
  const proxy = (url: string) => accepted('sub', '-t', 'a', '--proxy', url).proxy
  assert.deepEqual(proxy('socks5h://u%40x:p%3Aq%25@[::1]:99'), {
    host: '::1',
    port: 99,
    username: 'u@x',
    password: 'p:q%',
  })
  assert.deepEqual(proxy('socks5h://h'), { host: 'h', port: 1080, username: null, password: null })
})

test('words that are text already keep their bytes', () => {
  const [word] = wordsWithBytes(['ü\ufffd'])
  assert.deepEqual(Buffer.from(word.bytes).toString(), 'ü\ufffd')
})

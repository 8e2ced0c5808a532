import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  brokerHelpText,
  parseBrokerArguments,
  type BrokerArguments,
} from '../../src/cli/broker-arguments.ts'

function parse(line: string): BrokerArguments {
  const parsed = parseBrokerArguments(line.split(' ').filter((word) => word !== ''))
  assert.ok(parsed.ok)
  return parsed.arguments
}

test('no words run the broker with defaults', () => {
  assert.deepEqual(parse(''), {
    action: 'run',
    configFile: null,
    ports: [],
    logging: null,
    daemon: false,
    memoryOnly: false,
    tlsKeyLogFile: null,
  })
})

const rows: [string, Partial<BrokerArguments>][] = [
  ['-c f', { configFile: 'f' }],
  ['--config-file f', { configFile: 'f' }],
  ['--no-persistence', { memoryOnly: true }],
  ['-c -v', { configFile: '-v', logging: null }],
  ['-p 1', { ports: [1] }],
  ['-p 1884 --port 65535', { ports: [1884, 65_535] }],
  ['-v', { logging: 'all' }],
  ['--verbose', { logging: 'all' }],
  ['-q', { logging: 'none' }],
  ['--quiet', { logging: 'none' }],
  ['-d', { daemon: true }],
  ['--daemon', { daemon: true }],
  ['-h', { action: 'help' }],
  ['--help --nonsense', { action: 'help' }],
  ['--version', { action: 'version' }],
  ['--test-config -c f', { action: 'test-config', configFile: 'f' }],
  ['--tls-keylog k', { tlsKeyLogFile: 'k' }],
]

for (const [line, expected] of rows)
  test(`"${line}" is understood`, () => {
    assert.deepEqual({ ...parse(line), ...expected }, parse(line))
  })

const wrong: [string, RegExp][] = [
  ['--nonsense', /Unknown option "--nonsense"/],
  ['mosquitto.conf', /Unknown option/],
  ['__proto__', /Unknown option/],
  ['-c', /"-c" needs FILE/],
  ['-p', /"-p" needs PORT/],
  ['-p 0', /not a port/],
  ['-p 65536', /not a port/],
  ['-p 18x', /not a port/],
  ['-p -1', /not a port/],
  ['-p 1 '.repeat(11), /at most 10/],
  ['--test-config', /-c FILE/],
]

for (const [line, message] of wrong)
  test(`"${line}" is an error`, () => {
    const parsed = parseBrokerArguments(line.split(' ').filter((word) => word !== ''))
    assert.ok(!parsed.ok)
    assert.match(parsed.error, message)
    assert.match(parsed.error, /^Error: /)
  })

test('the help text names every flag and fits a terminal', () => {
  const text = brokerHelpText()
  const flags = '-c --config-file -p --port -v --verbose -q --quiet -d --daemon -h --help'
  for (const flag of `${flags} --version --test-config --tls-keylog`.split(' '))
    assert.ok(text.includes(flag), flag)
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line)
})

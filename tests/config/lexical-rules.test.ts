import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatConfigError } from '../../src/config/config-error.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { configError, readConfig } from './read-config.ts'

const noDirectories = () => []

function readBytes(...parts: (string | number[])[]) {
  const bytes = parts.flatMap((part) =>
    typeof part === 'string' ? [...new TextEncoder().encode(part)] : part,
  )
  return parseConfig({ file: 'bytes.conf', bytes: Uint8Array.from(bytes) }, noDirectories)
}

test('a # in the first column makes the line a comment', () => {
  assert.equal(readConfig('# max_queued_messages 5\n').global.maxQueuedMessages, 1000)
})

test('a # behind blanks is not a comment', () => {
  const error = configError('allow_anonymous true\n  # note\n')
  assert.equal(error.line, 2)
  assert.match(error.message, /first column/)
})

test('blank lines and lines of blanks are skipped', () => {
  assert.equal(readConfig('\n  \n\t\nmax_queued_messages 7').global.maxQueuedMessages, 7)
})

test('CR LF line ends are stripped', () => {
  assert.equal(readConfig('auto_id_prefix abc\r\nuser me\r\n').global.autoIdPrefix, 'abc')
})

test('trailing blanks are stripped', () => {
  assert.equal(readConfig('auto_id_prefix abc \t \n').global.autoIdPrefix, 'abc')
})

test('blanks before an option name do not count', () => {
  assert.equal(readConfig('  max_queued_messages 8').global.maxQueuedMessages, 8)
})

test('several spaces separate as one does', () => {
  assert.equal(readConfig('max_queued_messages    9').global.maxQueuedMessages, 9)
})

test('a tab does not end an option name', () => {
  assert.match(configError('max_queued_messages\t9').message, /a space, not a tab/)
})

test('a string keeps its inner spaces', () => {
  assert.equal(readConfig('log_timestamp_format %H  %M').global.logTimestampFormat, '%H  %M')
})

test('a trailing # note is part of a string', () => {
  assert.equal(readConfig('pid_file /run/m.pid # here').global.pidFile, '/run/m.pid # here')
})

test('words behind a number are ignored', () => {
  assert.equal(readConfig('max_queued_messages 3 # few').global.maxQueuedMessages, 3)
})

test('words behind a boolean are ignored', () => {
  assert.equal(readConfig('allow_anonymous true # why').global.allowAnonymous, true)
})

test('a listener line may end in a comment', () => {
  const [listener] = readConfig('listener 1884 # all').listeners
  assert.equal(listener.port, 1884)
  assert.equal(listener.host, null)
})

test('option names are case-sensitive', () => {
  assert.match(configError('Listener 1883').message, /did you mean "listener"/)
})

test('a file without a final newline keeps its last line', () => {
  assert.equal(readConfig('sys_interval 0').global.sysIntervalMs, 0)
})

test('a byte order mark before the first line is skipped', () => {
  assert.equal(readBytes([0xef, 0xbb, 0xbf], 'sys_interval 1').global.sysIntervalMs, 1000)
})

test('a comment need not be UTF-8', () => {
  assert.equal(readBytes('# caf', [0xe9], '\nsys_interval 2').global.sysIntervalMs, 2000)
})

test('a value must be UTF-8', () => {
  assert.throws(() => readBytes('\nuser caf', [0xe9]), { line: 2, message: /UTF-8/ })
})

test('a NUL is an error', () => {
  assert.throws(() => readBytes('user a', [0], 'b'), { line: 1, message: /NUL/ })
})

test('a string of 65535 bytes is accepted', () => {
  const value = 'é'.repeat(32_767) + 'x'
  assert.equal(readConfig(`log_timestamp_format ${value}`).global.logTimestampFormat, value)
})

test('a string of 65536 bytes is an error', () => {
  const error = configError(`log_timestamp_format ${'é'.repeat(32_768)}`)
  assert.match(error.message, /65535 bytes/)
})

for (const line of [
  'pid_file',
  'allow_anonymous',
  'max_qos',
  'listener',
  'log_dest',
  'include_dir',
])
  test(`"${line}" without a value is an error`, () => {
    assert.equal(configError(line).message, `Empty "${line}" value in configuration.`)
  })

test('an unknown option names the nearest one', () => {
  assert.equal(
    configError('allow_anonymus true').message,
    'Unknown configuration variable "allow_anonymus"; did you mean "allow_anonymous"?',
  )
})

test('an unknown option near to nothing gets no suggestion', () => {
  assert.equal(configError('qwertyuiop 1').message, 'Unknown configuration variable "qwertyuiop".')
})

for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'prototype'])
  test(`"${name}" is an unknown option like any other`, () => {
    assert.match(configError(`${name} true`).message, /Unknown configuration variable/)
  })

test('a 64 KiB name is refused without delay', () => {
  const start = process.cpuUsage()
  configError('a'.repeat(65_536))
  assert.ok(process.cpuUsage(start).user < 1_000_000)
})

test('an error is printed with its file and line', () => {
  assert.deepEqual(formatConfigError(configError('\n\nmax_qos 3')), [
    'Error: "max_qos" must be from 0 to 2, not 3.',
    'Error found at test.conf:3.',
  ])
})

test('what a file says does not reach the terminal as more than text', () => {
  const [what] = formatConfigError(configError('\x1b[2J\x9bfoo\u202e bar'))
  assert.match(what, /\\x1b\[2J\\x9bfoo\\u202e/)
  assert.doesNotMatch(what, /[\x00-\x1f\x7f-\x9f\u202e]/)
})

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { readAuthFile } from '../../src/auth/auth-file.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import { checkConfig, loadConfig } from '../../src/config/files.ts'
import { readWhole } from '../../src/config/read-whole.ts'
import { endWithUs } from '../support/children.ts'
import { testMsMax } from '../support/patience.ts'

const timeout = testMsMax
const skip = process.platform === 'win32' && 'Windows has no named pipes of this kind'

function directoryOf(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-whole-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

function pipeOf(context: TestContext): string {
  const pipe = join(directoryOf(context), 'pipe')
  execFileSync('mkfifo', [pipe])
  return pipe
}

test(
  'a configuration file that is a pipe without a writer is an error',
  { skip, timeout },
  (context) => {
    const pipe = pipeOf(context)
    assert.throws(() => loadConfig(pipe), {
      name: 'ConfigError',
      message: `Unable to open configuration file "${pipe}": it is a pipe, and nobody writes into it.`,
    })
  },
)

test('what a pipe brings in pieces is read whole', { skip, timeout }, (context) => {
  const pipe = pipeOf(context)
  const script = `exec > ${pipe}; printf 'listener 1883\\n'; sleep 0.1; printf 'max_qos 1\\n'`
  endWithUs(spawn('sh', ['-c', script], { stdio: 'ignore' }))
  assert.equal(readWhole(pipe).toString(), 'listener 1883\nmax_qos 1\n')
})

test('whoever writes into a pipe may think first', { skip, timeout }, (context) => {
  const pipe = pipeOf(context)
  const script = `exec > ${pipe}; sleep 2.1; printf 'max_qos 1\\n'`
  endWithUs(spawn('sh', ['-c', script], { stdio: 'ignore' }))
  assert.equal(readWhole(pipe).toString(), 'max_qos 1\n')
})

test('a pipe that is never closed is an error of its own', { skip, timeout }, (context) => {
  const pipe = pipeOf(context)
  const writer = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)
  context.after(() => closeSync(writer))
  const expected = {
    code: 'EPIPE',
    message: 'it is a pipe, and whoever writes into it does not come to an end',
  }
  assert.throws(() => readWhole(pipe, 50), expected)
  writeFileSync(writer, 'max_qos 1\n')
  assert.throws(() => readWhole(pipe, 50), expected)
})

test('a device without an end is an error, an empty one an empty file', { skip, timeout }, () => {
  assert.throws(() => readWhole('/dev/zero'), { code: 'EFBIG' })
  assert.equal(readWhole('/dev/null').length, 0)
})

test('a directory is no file', (context) => {
  assert.throws(() => loadConfig(directoryOf(context)), /it is a directory/)
})

test('users, rights and keys are not read from a pipe', { skip, timeout }, (context) => {
  const pipe = pipeOf(context)
  assert.throws(() => readAuthFile('password_file', pipe, true), {
    name: 'AuthFileError',
    message: `password_file ${pipe} is a pipe; it must be a file, to be read again.`,
  })
})

test('a hundred errors of a configuration file are named, not all of a wrong file', (context) => {
  const file = join(directoryOf(context), 'wrong.conf')
  writeFileSync(file, Array.from({ length: 40_000 }, (_, at) => `nonsense_${at} 1\n`).join(''))
  const { problems } = checkConfig(file)
  assert.equal(problems.length, 101)
  const last = problems.at(-1)
  assert.ok(last instanceof ConfigError)
  assert.match(last.message, /^Too many errors/)
  assert.equal(last.line, 101)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { join } from 'node:path'
import { COMMAND_SUMMARIES } from '../../src/cli/command-names.ts'
import { runToEnd, scratch } from '../server/run-mozzie.ts'

test('the help lists every command, and each has a help of its own', () => {
  const { stdout } = runToEnd('--help')
  for (const [name, summary] of Object.entries(COMMAND_SUMMARIES)) {
    assert.ok(stdout.includes(`  ${name} `) && stdout.includes(summary), name)
    const help = runToEnd('help', name)
    assert.match(help.stdout, /Usage: mo/, `${name}: ${help.stderr}`)
    assert.equal(help.code, 0, name)
  }
  assert.equal(runToEnd('help').stdout, stdout)
})

for (const [words, hint, exitCode = 3] of [
  [['bakcup'], 'There is no command "bakcup"; did you mean "backup"?'],
  [['help', 'passw'], 'There is no command "passw"; did you mean "passwd"?'],
  [['nonsense'], 'There is no command "nonsense".'],
  [['passwd', '--generat', 'f', 'u'], 'Unknown option "--generat"; did you mean "--generate"?', 1],
  [['tls-init', 'd', '--hots', 'x'], 'Unknown option "--hots"; did you mean "--host"?'],
  [['backup', '--fro', 'x'], 'Unknown option "--fro"; did you mean "--from"?'],
  [['ban', 'list', '--jsno'], 'Unknown option "--jsno"; did you mean "--json"?', 1],
  [['--test-confg'], 'Unknown option "--test-confg"; did you mean "--test-config"?'],
] as const)
  test(`"mozzie ${words.join(' ')}" is refused with what may have been meant`, () => {
    const { code, stdout, stderr } = runToEnd(...words)
    assert.equal(code, exitCode)
    assert.equal(stdout, '')
    assert.ok(stderr.startsWith(`Error: ${hint}\n`), stderr)
  })

test('a generated password stands alone on standard output', (context) => {
  const file = join(scratch(context), 'users')
  for (const words of [['-c'], []]) {
    const { stdout, code } = runToEnd('passwd', ...words, '--generate', file, 'sensor')
    assert.equal(code, 0)
    assert.match(stdout, /^[\w-]{22}\n$/)
  }
})

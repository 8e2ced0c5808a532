import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const names = ['broker', 'completions', 'passwd', 'pub', 'retained', 'rr', 'sub', 'why']

function has(shell: string): boolean {
  return spawnSync(shell, ['-c', 'true']).status === 0
}

function script(shell: string): string {
  const run = spawnSync(process.execPath, ['bin/mozzie', 'completions', shell], {
    encoding: 'utf8',
  })
  assert.equal(run.status, 0, run.stderr)
  return run.stdout
}

const lacks = (shell: string) => (has(shell) ? false : `${shell} is not installed`)

/** What bash offers for the last of `words`. */
function bashOffers(...words: string[]): string[] {
  const list = words.map((word) => `'${word}'`).join(' ')
  const ask = `COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _mozzie; printf '%s\\n' "\${COMPREPLY[@]}"`
  const run = spawnSync('bash', ['--norc', '-c', `${script('bash')}\n${ask}`], { encoding: 'utf8' })
  assert.equal(run.stderr, '')
  return run.stdout.split('\n').filter((line) => line !== '')
}

test('bash completes commands, options, values and files', { skip: lacks('bash') }, () => {
  const commands = bashOffers('mozzie', '')
  for (const name of names) assert.ok(commands.includes(name), name)
  assert.deepEqual(bashOffers('mozzie', 'retained', 'g'), ['get'])
  assert.deepEqual(bashOffers('mozzie', 'pub', '-q', ''), ['0', '1', '2'])
  assert.deepEqual(bashOffers('mozzie', 'sub', '--outpu'), ['--output'])
  assert.deepEqual(bashOffers('mozzie', 'sub', '--output', 'j'), ['jsonl'])
  assert.deepEqual(bashOffers('mozzie', 'sub', '--cafile', 'package.j'), ['package.json'])
  assert.deepEqual(bashOffers('mozzie', 'pub', '-m', ''), [])
  assert.deepEqual(bashOffers('mozzie', '-c', 'package.j'), ['package.json'])
  assert.deepEqual(bashOffers('mozzie', '--test-c'), ['--test-config'])
})

test('bash completes programs of the old names', { skip: lacks('bash') }, () => {
  assert.deepEqual(bashOffers('/usr/bin/mosquitto_pub', '--reta'), ['--retain'])
  assert.deepEqual(bashOffers('mozzie_sub', '--outpu'), ['--output'])
})

test('fish completes commands, options and values', { skip: lacks('fish') }, () => {
  const ask = (line: string): string[] => {
    const run = spawnSync('fish', ['-c', `${script('fish')}\ncomplete -C '${line}'`], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
    })
    return run.stdout
      .split('\n')
      .map((each) => each.split('\t')[0])
      .filter((each) => each !== '')
  }
  const commands = ask('mozzie ')
  for (const name of names) assert.ok(commands.includes(name), name)
  assert.deepEqual(ask('mozzie pub -q '), ['0', '1', '2'])
  assert.deepEqual(ask('mosquitto_sub --outp'), ['--output'])
})

test('zsh takes the script', { skip: lacks('zsh') }, () => {
  const words = 'autoload -Uz compinit; compinit -u -D'
  const run = spawnSync(
    'zsh',
    ['-fc', `${words}\neval "$(cat)"\nprint -l \${_comps[mozzie]} \${+functions[_mozzie_pub]}`],
    { input: script('zsh'), encoding: 'utf8' },
  )
  assert.deepEqual([run.stderr, run.stdout], ['', '_mozzie\n1\n'])
})

test('an unknown shell is an error that names the known ones', () => {
  const run = spawnSync(process.execPath, ['bin/mozzie', 'completions', 'csh'], {
    encoding: 'utf8',
  })
  assert.equal(run.status, 1)
  assert.match(run.stderr, /Say for which shell: bash, zsh, fish/)
})

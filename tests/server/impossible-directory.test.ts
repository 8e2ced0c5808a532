/** Directories that cannot be made, each of them by a process, for Node's own way goes round for ever there. */
import assert from 'node:assert/strict'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeDirectories } from '../../src/store/make-directories.ts'
import { freePort } from '../support/free-port.ts'
import { runToEnd, scratch, writeConfig } from './run-mozzie.ts'

const skip = process.platform === 'linux' ? false : 'needs /proc'

test(
  'persistence_location: what cannot be made ends the start and is named',
  { skip },
  async (context) => {
    const lines = `listener ${await freePort()} 127.0.0.1\npersistence true\npersistence_location /proc/nope/x`
    const { code, stderr } = runToEnd('-c', writeConfig(scratch(context), lines))
    assert.equal(code, 1, stderr)
    assert.match(stderr, /Error: unable to make \/proc\/nope\/x\/mozzie\.db: .*'\/proc\/nope'/)
  },
)

test('tls-init: a directory that cannot be made is named', { skip }, () => {
  const { code, stderr } = runToEnd('tls-init', '/proc/nope/x', '--host', 'localhost')
  assert.equal(code, 1, stderr)
  assert.match(stderr, /'\/proc\/nope'/)
})

test('directories are made with their mode, below what is there', (context) => {
  const top = scratch(context)
  mkdirSync(join(top, 'there'), 0o755)
  for (const path of ['there/a/b/', 'there/a/b', 'there']) makeDirectories(join(top, path), 0o700)
  const modes = ['there', 'there/a', 'there/a/b'].map(
    (path) => statSync(join(top, path)).mode & 0o777,
  )
  assert.deepEqual(modes, [0o755, 0o700, 0o700])
  writeFileSync(join(top, 'file'), '')
  for (const path of ['file', 'file/a/b'])
    assert.throws(() => makeDirectories(join(top, path), 0o700), {
      code: 'EEXIST',
      path: join(top, 'file'),
    })
})

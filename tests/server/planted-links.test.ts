/** What somebody put where the broker, started as root, is going to write. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  linkSync,
  lstatSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePort } from '../support/free-port.ts'
import { scratch, startMozzie, until, writeConfig } from './run-mozzie.ts'

const skip = process.getuid?.() === 0 ? false : 'needs root'

/** A directory with a file that nobody but root may read, and which the broker must leave as it is. */
function trap(context: { after(run: () => void): void }) {
  const directory = scratch(context)
  const victim = join(directory, 'victim')
  writeFileSync(victim, 'precious', { mode: 0o600 })
  const assertUntouched = (): void => {
    assert.equal(readFileSync(victim, 'utf8'), 'precious')
    assert.equal(statSync(victim).mode & 0o777, 0o600)
  }
  return { directory, victim, planted: join(directory, 'planted'), assertUntouched }
}

for (const [kind, plant] of [
  ['symbolic link', symlinkSync],
  ['hard link', linkSync],
] as const) {
  test(
    `pid_file: a ${kind} in its place is replaced, what it leads to stays`,
    { skip },
    async (context) => {
      const { directory, victim, planted, assertUntouched } = trap(context)
      plant(victim, planted)
      const lines = `listener ${await freePort()} 127.0.0.1\npid_file ${planted}`
      const mozzie = await startMozzie(context, '-c', writeConfig(directory, lines))
      await until(() => lstatSync(planted).isFile() && statSync(planted).nlink === 1, mozzie.stderr)
      assertUntouched()
      assert.equal(readFileSync(planted, 'utf8'), `${mozzie.pid}\n`)
      assert.equal(statSync(planted).mode & 0o777, 0o644)
      mozzie.signal('SIGTERM')
      assert.equal(await mozzie.exited, 0)
      assertUntouched()
    },
  )

  test(`log_dest file: a ${kind} in its place is refused, and said`, { skip }, async (context) => {
    const { directory, victim, planted, assertUntouched } = trap(context)
    plant(victim, planted)
    const lines = `listener ${await freePort()} 127.0.0.1\nlog_dest file ${planted}`
    const mozzie = await startMozzie(context, '-c', writeConfig(directory, lines))
    assert.match(mozzie.stderr(), /Error: unable to log to log file/)
    assertUntouched()
  })
}

test(
  'the store: links in its directory are not followed, no mode is widened',
  { skip },
  async (context) => {
    const { directory, victim, assertUntouched } = trap(context)
    chmodSync(victim, 0o644)
    const lines = `listener ${await freePort()} 127.0.0.1\npersistence true\npersistence_location ${directory}`
    const config = writeConfig(directory, lines)
    const first = await startMozzie(context, '-c', config)
    first.signal('SIGTERM')
    await first.exited
    symlinkSync(victim, join(directory, 'mozzie.db', 'LOG.old.link'))
    await startMozzie(context, '-c', config)
    assert.equal(statSync(victim).mode & 0o777, 0o644)
    chmodSync(victim, 0o600)
    assertUntouched()
  },
)

// What the Supervisor runs before and after a backup, while the broker goes on:
//   node backup.mjs pre     a copy of the store, whole, at /data/backup: it is what the backup holds
//   node backup.mjs post    the copy goes
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'

const ROOT = process.env.MOZZIE_ADDON_ROOT ?? ''
const COPY = `${ROOT}/data/backup`
const PROGRAM = process.env.MOZZIE_PROGRAM ?? 'mozzie'

rmSync(COPY, { recursive: true, force: true })
if (process.argv[2] === 'pre' && existsSync(`${ROOT}/data/mozzie.db`)) {
  const words = ['backup', COPY, '-c', `${ROOT}/run/mozzie/mozzie.conf`]
  const { status } = spawnSync(PROGRAM, words, { stdio: 'inherit' })
  process.exitCode = status ?? 1
}

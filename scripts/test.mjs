// npm test: on a fresh clone installs, builds and runs every test; says what it skipped and why.
//   npm test                 all of it
//   npm test -- codec sim    the test files whose path holds one of these words
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildWeb, install, root, runOrExit } from './setup.mjs'

/** Interop peers: tests that need one skip, and say so, where it is missing. */
const PEERS = [
  { file: '/usr/sbin/mosquitto', debian: 'mosquitto' },
  { file: '/usr/bin/mosquitto_pub', debian: 'mosquitto-clients' },
  { file: '/usr/bin/chromium', debian: 'chromium' },
]

/** For a file of tests: what hangs ends; `tests/support/patience.ts` has the waits within. */
const fileMsMax = 900_000 * Number(process.env.MOZZIE_TEST_PATIENCE ?? 1)

function installPeers() {
  const missing = PEERS.filter(({ file }) => !existsSync(file)).map(({ debian }) => debian)
  if (missing.length === 0) return
  const isRoot = process.getuid?.() === 0
  const apt = (args) =>
    spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'ignore'], timeout: 300_000 }).status
  const done =
    isRoot &&
    apt(['update']) !== null &&
    apt(['install', '-y', '--no-install-recommends', ...missing]) === 0
  if (!done) console.log(`not installed, their tests are skipped: ${missing.join(', ')}`)
}

function testFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return testFiles(path)
    return /\.(test|fuzz)\.js$/.test(entry.name) ? [path] : []
  })
}

install()
installPeers()
runOrExit(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'])
buildWeb()
if (process.argv.length === 2) runOrExit(process.execPath, ['scripts/check.mjs'])
else runOrExit(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'])

const words = process.argv.slice(2)
const files = testFiles(join('build', 'tests')).filter(
  (path) => words.length === 0 || words.some((word) => path.includes(word)),
)
if (files.length === 0) {
  console.error(`no test file has ${words.join(' or ')} in its path`)
  process.exit(1)
}
const stateHome = mkdtempSync(join(tmpdir(), 'mozzie-tests-'))
const started = Date.now()
const run = spawnSync(
  process.execPath,
  ['--test', '--test-concurrency=2', `--test-timeout=${fileMsMax}`, ...files],
  {
    cwd: root,
    stdio: 'inherit',
    // No broker of a test may touch the state of one that this account runs.
    env: { ...process.env, XDG_STATE_HOME: stateHome },
  },
)
rmSync(stateHome, { recursive: true, force: true })
console.log(`# ${files.length} test files, ${((Date.now() - started) / 1000).toFixed(0)} s`)
process.exit(run.status ?? 1)

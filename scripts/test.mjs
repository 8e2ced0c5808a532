// npm test: on a fresh clone installs, builds and runs every test; says what it installs, and what it skipped and why.
//   npm test                              all of it
//   npm test -- codec sim                 the test files whose path holds one of these words
//   npm test -- --name "words" [codec]    the tests whose name holds these words
//   npm test -- --no-install              uses what is there
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { buildWeb, install, root, runOrExit, whyInstall } from './setup.mjs'

/** Interop peers, and what the browser needs: tests that need one skip, and say so, where it is missing. */
const PEERS = [
  { file: '/usr/sbin/mosquitto', debian: 'mosquitto' },
  { file: '/usr/bin/mosquitto_pub', debian: 'mosquitto-clients' },
  { file: '/usr/bin/chromium', debian: 'chromium' },
  // Without a font Chinese words are boxes, of another width; fc-list knows of any.
  { file: '/usr/bin/fc-list', debian: 'fontconfig' },
  { file: '/usr/share/fonts/truetype/wqy/wqy-microhei.ttc', debian: 'fonts-wqy-microhei' },
  { file: '/usr/lib/postgresql', debian: 'postgresql' },
]

/** For a file of tests: what hangs ends; `tests/support/patience.ts` has the waits within. */
const FILE_MS_MAX = 1_200_000 * Number(process.env.MOZZIE_TEST_PATIENCE ?? 1)

function argumentsOrExit() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { name: { type: 'string' }, 'no-install': { type: 'boolean' } },
    })
  } catch (error) {
    console.error(`${error.message}\nUsage: npm test -- [--no-install] [--name WORDS] [WORD]...`)
    process.exit(2)
  }
}

/** Says what is going to be installed and why, then does it. */
function setUp(mayInstall) {
  const why = whyInstall()
  const missing = PEERS.filter(({ file }) => !existsSync(file)).map(({ debian }) => debian)
  const canApt = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (!mayInstall || (why === null && (missing.length === 0 || !canApt))) {
    if (why !== null) console.log(`# nothing is installed (--no-install), but ${why}`)
    if (missing.length > 0) console.log(`# missing, their tests are skipped: ${missing.join(', ')}`)
    if (!existsSync(join(root, 'node_modules'))) process.exit(1)
    return
  }
  console.log('# to be installed; not with: npm test -- --no-install')
  if (why !== null) console.log(`#   npm ci: the packages of package-lock.json, for ${why}`)
  if (missing.length > 0 && canApt)
    console.log(
      `#   apt-get install ${missing.join(' ')}: real peers, whose tests else are skipped`,
    )
  install()
  if (missing.length > 0 && canApt) installPeers(missing)
}

function installPeers(missing) {
  const apt = (args) =>
    spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'ignore'], timeout: 300_000 }).status
  const isDone =
    apt(['update']) !== null && apt(['install', '-y', '--no-install-recommends', ...missing]) === 0
  if (!isDone) console.log(`# not installed, their tests are skipped: ${missing.join(', ')}`)
}

function testFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return testFiles(path)
    return /\.(test|fuzz)\.js$/.test(entry.name) ? [path] : []
  })
}

/** Those whose text has the name; all where none has it: a name may be put together of parts. */
function filesWithName(files, name) {
  const found = files.filter((path) => readFileSync(path, 'utf8').includes(name))
  return found.length > 0 ? found : files
}

function filesOrExit(words, name) {
  const files = testFiles(join('build', 'tests')).filter((path) => {
    const shown = path.replaceAll(sep, '/')
    return words.length === 0 || words.some((word) => shown.includes(word))
  })
  if (files.length === 0) {
    console.error(`no test file has ${words.join(' or ')} in its path`)
    process.exit(1)
  }
  return name === undefined ? files : filesWithName(files, name)
}

const { values, positionals: words } = argumentsOrExit()
const { name } = values
process.chdir(root)
setUp(values['no-install'] !== true)
runOrExit(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'])
runOrExit(process.execPath, ['scripts/bundle.mjs'])
buildWeb()
const isAll = words.length === 0 && name === undefined
if (isAll) runOrExit(process.execPath, ['scripts/check.mjs'])
else runOrExit(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'])

const files = filesOrExit(words, name)
const stateHome = mkdtempSync(join(tmpdir(), 'mozzie-tests-'))
const started = Date.now()
const run = spawnSync(
  process.execPath,
  ['--enable-source-maps', 'scripts/run-tests.mjs', String(FILE_MS_MAX), name ?? '', ...files],
  {
    stdio: 'inherit',
    // No broker of a test may touch the state of one that this account runs.
    env: { ...process.env, XDG_STATE_HOME: stateHome },
  },
)
rmSync(stateHome, { recursive: true, force: true })
console.log(`# ${files.length} test files, ${((Date.now() - started) / 1000).toFixed(0)} s`)
process.exit(run.status ?? 1)

// A nats-server that the cluster can stand on: of PATH, or else Debian's package of a newer suite, fetched with apt
// lists of its own and unpacked into a cache folder; nothing is installed. Prints its path, or why there is none.
//   node scripts/nats-server.mjs
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The oldest that does: atomic batches, expiry of single messages, safe removal of peers. */
export const NATS_VERSION_MIN = '2.12.3'

/** The suite of Debian that has one. */
const SUITE = 'sid'

/** Where the package has it. */
const SERVER = join('root', 'usr', 'sbin', 'nats-server')

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

function run(command, args, options = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 120_000,
    ...options,
  })
  return { isDone: status === 0, text: stdout ?? '', problem: (stderr ?? '').trim() }
}

function isNewEnough(file) {
  const found = /v(\d+)\.(\d+)\.(\d+)/.exec(run(file, ['-v']).text)
  if (found === null) return false
  const have = found.slice(1).map(Number)
  const want = NATS_VERSION_MIN.split('.').map(Number)
  const first = have.findIndex((number, index) => number !== want[index])
  return first < 0 || have[first] > want[first]
}

/** Where the machine's own apt has Debian from; null: nowhere. */
function debianMirror() {
  const format = ['--format', '$(LABEL) $(REPO_URI)', 'Created-By: Packages']
  const lines = run('apt-get', ['indextargets', ...format]).text.split('\n')
  return lines.find((line) => line.startsWith('Debian '))?.slice('Debian '.length) ?? null
}

/** apt with lists, cache and sources below `folder`, and with nothing of the machine's. */
function ownApt(folder, mirror, suite) {
  for (const name of ['state/lists/partial', 'cache/archives/partial'])
    mkdirSync(join(folder, name), { recursive: true })
  const sources = join(folder, 'sources.list')
  writeFileSync(sources, `deb [signed-by=${KEYRING}] ${mirror} ${suite} main\n`)
  const config = join(folder, 'apt.conf')
  const lines = [
    `Dir::State "${join(folder, 'state')}";`,
    `Dir::Cache "${join(folder, 'cache')}";`,
    `Dir::Etc::sourcelist "${sources}";`,
    'Dir::Etc::sourceparts "-";',
    'Acquire::Languages "none";',
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  return { ...process.env, APT_CONFIG: config }
}

/** Downloads and unpacks; null, or why it did not work. */
function fetchInto(folder, suite) {
  const mirror = debianMirror()
  if (mirror === null) return 'apt knows no mirror of Debian'
  const env = ownApt(join(folder, 'apt'), mirror, suite)
  const updated = run('apt-get', ['update', '-q'], { env })
  if (!updated.isDone) return `apt-get update: ${updated.problem}`
  const got = run('apt-get', ['download', '-q', 'nats-server'], { env, cwd: folder })
  const file = readdirSync(folder).find((name) => /^nats-server_.*\.deb$/.test(name))
  if (file === undefined) return `apt-get download: ${got.problem}`
  const unpacked = run('dpkg-deb', ['-x', join(folder, file), join(folder, 'root')])
  rmSync(join(folder, file))
  rmSync(join(folder, 'apt'), { recursive: true })
  return unpacked.isDone ? null : `dpkg-deb: ${unpacked.problem}`
}

/** Several may fetch at once, and use what the first of them has put there: only what is too old is replaced. */
function putInto(folder, own) {
  const isThere = () => existsSync(join(folder, SERVER)) && isNewEnough(join(folder, SERVER))
  for (let attempt = 0; attempt < 3 && !isThere(); attempt++)
    try {
      renameSync(own, folder)
    } catch {
      if (!isThere()) rmSync(folder, { recursive: true, force: true })
    }
}

/** `{ file }`, or `{ why }` there is none. `mayFetch`: also when that takes a download. */
export function findNatsServer(mayFetch = true) {
  const inPath = (process.env.PATH ?? '').split(':').map((folder) => join(folder, 'nats-server'))
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const folder = join(cache, 'mozzie', 'nats-server')
  const cached = join(folder, SERVER)
  const file = [...inPath, cached].find((path) => existsSync(path) && isNewEnough(path))
  if (file !== undefined) return { file }
  const why = `no nats-server ${NATS_VERSION_MIN} or newer`
  if (!mayFetch || !existsSync('/usr/bin/apt-get')) return { why: `${why} in PATH` }
  const own = `${folder}.${process.pid}`
  mkdirSync(own, { recursive: true })
  const problem = fetchInto(own, SUITE)
  if (problem === null) putInto(folder, own)
  rmSync(own, { recursive: true, force: true })
  if (existsSync(cached) && isNewEnough(cached)) return { file: cached }
  return { why: `${why}: ${problem ?? `the one of ${SUITE} is too old`}` }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { file, why } = findNatsServer()
  console[file ? 'log' : 'error'](file ?? why)
  process.exit(file ? 0 : 1)
}

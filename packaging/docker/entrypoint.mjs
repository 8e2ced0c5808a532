// What the container runs. A configuration that is mounted is taken as it is, at Mozzie's place or at that of the image
// eclipse-mosquitto; without one the image's own is, and the first start makes a user and says the password once.
//   docker run IMAGE                               the broker
//   docker run IMAGE -c FILE                       the broker with another configuration
//   docker run IMAGE mosquitto -c FILE             the same, as compose files for eclipse-mosquitto write it
//   docker run IMAGE sub -h broker -t '#'          any other command of mozzie
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** In front of all paths: empty in the image. */
const ROOT = process.env.MOZZIE_IMAGE_ROOT ?? ''
const PLACES = ['/etc/mozzie/mozzie.conf', '/mosquitto/config/mosquitto.conf']
const BROKERS = new Set(['mozzie', 'mosquitto', 'broker'])
const PASSWORD_BYTES = 16

const here = dirname(fileURLToPath(import.meta.url))
const program = [join(here, 'bin', 'mozzie'), join(here, '..', '..', 'bin', 'mozzie')].find(
  (file) => existsSync(file),
)

/** The words of the broker's command line; null: another command is asked for. */
function brokerWords([first = '', ...rest]) {
  if (first === '' || first.startsWith('-')) return first === '' ? [] : [first, ...rest]
  return BROKERS.has(basename(first)) ? rest : null
}

function withConfiguration(words) {
  if (words.some((word) => word === '-c' || word === '--config-file' || word === '--help'))
    return words
  const mounted = PLACES.map((place) => ROOT + place).find((place) => existsSync(place))
  if (mounted !== undefined) return ['-c', mounted, ...words]
  firstUser()
  return ['-c', join(here, 'mozzie.conf'), ...words]
}

/** A user for the image's own configuration, unless a start before this one made it. */
function firstUser() {
  const data = (process.env.MOZZIE_DATA ??= `${ROOT}/var/lib/mozzie`)
  const file = join(data, 'passwords')
  if (existsSync(file)) return
  mkdirSync(data, { recursive: true })
  const user = (process.env.MOZZIE_USER ??= 'mozzie')
  const given = process.env.MOZZIE_PASSWORD ?? secretOf(process.env.MOZZIE_PASSWORD_FILE)
  const password = given ?? randomBytes(PASSWORD_BYTES).toString('base64url')
  const made = spawnSync(process.execPath, [program, 'passwd', '-c', file, user], {
    input: `${password}\n`,
    encoding: 'utf8',
  })
  if (made.status !== 0) {
    process.stderr.write(made.stderr)
    process.exit(1)
  }
  if (given === undefined)
    process.stderr.write(
      `First start: user "${user}", password "${password}". It is said this once; "mozzie passwd ${file} ${user}" sets another.\n`,
    )
}

function secretOf(file) {
  return file === undefined ? undefined : readFileSync(file, 'utf8').replace(/\r?\n$/, '')
}

const words = process.argv.slice(2)
const asked = brokerWords(words)
// In this process: a signal to the container is one to the broker.
process.argv = [process.argv[0], program, ...(asked === null ? words : withConfiguration(asked))]
await import(pathToFileURL(program).href)

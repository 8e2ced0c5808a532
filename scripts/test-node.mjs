// npm run test:node -- VERSION [WORD]...: what another Node says to all this: `npm ci` without a warning, a broker that
// starts, then `npm test` (with words: the test files whose path holds one). The binary comes from the registry and is
// kept in ~/.cache/mozzie, which `npm ci` leaves alone; VERSION is 24, 22.13, 20.19.0, …
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { root } from './setup.mjs'

const [wanted, ...words] = process.argv.slice(2)
if (!/^\d+(\.\d+){0,2}$/.test(wanted ?? '')) {
  console.error('Usage: npm run test:node -- VERSION [WORD]...')
  process.exit(2)
}

function run(command, args, options = {}) {
  const shown = `${command} ${args.join(' ')}`
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8', ...options })
  if (done.status === 0) return done
  console.error(`${shown} failed (${done.error?.message ?? done.signal ?? done.status})`)
  console.error(`${done.stdout ?? ''}${done.stderr ?? ''}`)
  process.exit(1)
}

/** Path of the program `node` of the newest version that `wanted` names. */
function fetchNode() {
  const name = `node-linux-${process.arch}`
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const place = join(cache, 'mozzie', `node-${wanted}-${process.arch}`)
  const program = join(place, 'package', 'bin', 'node')
  if (existsSync(program)) return program
  mkdirSync(place, { recursive: true })
  try {
    const { stdout } = run('npm', ['pack', `${name}@${wanted}`, '--json', '--silent'], {
      cwd: place,
    })
    run('tar', ['-xzf', JSON.parse(stdout)[0].filename, 'package/bin/node'], { cwd: place })
  } catch (error) {
    rmSync(place, { recursive: true, force: true })
    throw error
  }
  return program
}

const program = fetchNode()
const env = { ...process.env, PATH: `${dirname(program)}${delimiter}${process.env.PATH}` }
console.log(`# Node ${run(program, ['--version']).stdout.trim()}`)

run(program, ['scripts/lock-file.mjs'], { env })
console.log('# npm ci: no warning')

run(program, ['scripts/test.mjs', 'server/process'], { env })
console.log('# smoke: ok')

run(program, ['scripts/test.mjs', ...words], { env, stdio: 'inherit' })

// npm run check: everything that can be said of the code without running it.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { whyInstall } from './setup.mjs'

const bin = (name) => `node_modules/.bin/${name}`

/** Name, command, arguments; in the order in which they are cheapest to fail. */
const STEPS = [
  ['lock file', process.execPath, ['scripts/lock-file.mjs']],
  ['format', bin('prettier'), ['--check', '--cache', '--log-level', 'warn', '.']],
  ['layers', process.execPath, ['scripts/layers.mjs']],
  ['writers', process.execPath, ['scripts/writers.mjs']],
  ['spelling', process.execPath, ['scripts/spelling.mjs']],
  ['types', bin('tsc'), ['-p', 'tsconfig.json']],
  ['types of web', bin('tsc'), ['-p', 'web/tsconfig.json']],
  [
    'lint',
    bin('oxlint'),
    [
      '-c',
      'oxlint.json',
      '--type-aware',
      'src',
      'tests',
      'bench',
      'examples',
      'scripts',
      'web/src',
    ],
  ],
  ['dead code', bin('knip'), ['--no-progress']],
  ['option docs', process.execPath, ['build/scripts/option-docs.js', '--check']],
  ['attacks', process.execPath, ['build/scripts/attacks.js', '--check']],
  ['translations', process.execPath, ['build/scripts/translations.js']],
  ['conformance', process.execPath, ['build/scripts/conformance.js', '--check']],
]

rmSync('build', { recursive: true, force: true })
// A package that is missing looks like a fault of the types.
const why = whyInstall()
if (why !== null) console.log(`# ${why}: run npm ci`)
let failed = 0
for (const [name, command, args] of STEPS) {
  const started = Date.now()
  const run = spawnSync(command, args, { encoding: 'utf8' })
  const seconds = ((Date.now() - started) / 1000).toFixed(1)
  console.log(`${run.status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
  if (run.status === 0) continue
  failed++
  console.log(`${run.stdout}${run.stderr}`)
}
process.exit(failed === 0 ? 0 : 1)

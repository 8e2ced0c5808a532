// The lock file: `npm ci` takes it as it is, on every platform and without a warning, and it names no place to
// download from. Needs no network.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const problems = []
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
for (const [name, { resolved, link }] of Object.entries(packages))
  if (resolved !== undefined && link !== true) problems.push(`${name}: names an address`)

const ARGS = ['ci', '--dry-run', '--ignore-scripts', '--offline']
const { status, stderr } = spawnSync('npm', ARGS, { encoding: 'utf8' })
if (status !== 0) problems.push('`npm ci` refuses it; make it anew: CONTRIBUTING.md', stderr)
else if (/EBADENGINE/.test(stderr)) problems.push('a package does not want this Node:', stderr)

for (const problem of problems) console.error(problem)
process.exit(problems.length === 0 ? 0 : 1)

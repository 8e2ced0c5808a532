// node run-tests.mjs FILE_MS_MAX NAME FILE...: runs files of tests, some beside each other; NAME, when it is not empty,
// chooses the tests whose name holds it. As Node's own `--test` does, but in an order of ours.
import { availableParallelism } from 'node:os'
import { basename, relative, sep } from 'node:path'
import { run } from 'node:test'
import { spec, tap } from 'node:test/reporters'

/** More than there are processors: half of the tests wait for time to pass. Each file may start brokers and a browser. */
const AT_ONCE_MAX = 8

/** Begin first, so that none of them is left alone at the end. */
const LONG = [
  'web/widths',
  'web/accessibility',
  'packaging/debian',
  'docs/pages',
  'client/types',
  'examples/page',
  'blackbox/keep-alive',
  'attack/login',
  'server/threads-behaviour',
  'server/threads-whole',
  'cluster/',
]

/** The others by their names without the folder: what computes, browsers above all, stands beside what waits. */
function inOrder(files) {
  const rankOf = (file) => {
    const shown = relative('build/tests', file).replaceAll(sep, '/')
    const rank = LONG.findIndex((start) => shown.startsWith(start))
    return rank < 0 ? LONG.length : rank
  }
  return files.toSorted((a, b) => rankOf(a) - rankOf(b) || (basename(a) < basename(b) ? -1 : 1))
}

const [fileMsMax, name, ...files] = process.argv.slice(2)
const running = run({
  files: inOrder(files),
  concurrency: Math.min(AT_ONCE_MAX, 2 * availableParallelism()),
  timeout: Number(fileMsMax),
  // Node takes a text for a regular expression.
  ...(name !== '' && {
    testNamePatterns: [new RegExp(name.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`))],
  }),
})
/** What went wrong, for the last lines: what stands thousands of lines above is not found, or cut off. */
const failures = []
/** The test that a file was in when it last said something, by the file. */
const lastBegun = new Map()

function noteFailure({ name: test, file, nesting, details }) {
  process.exitCode = 1
  // Around a failed test fail its suite and its file.
  if (details.error.failureType === 'subtestsFailed') return
  const shown = relative('build/tests', file)
  const isFile = nesting === 0 && file.endsWith(test)
  const last = lastBegun.get(file)
  if (!isFile) failures.push(`${shown}: ${test}`)
  else if (last === undefined) failures.push(`${shown}: the file, before its first test`)
  else failures.push(`${shown}: the file; the last test that it began: ${last}`)
}

running.on('test:dequeue', ({ name: test, file }) => {
  if (!file.endsWith(test)) lastBegun.set(file, test)
})
running.on('test:fail', noteFailure)
running.once('end', () => {
  process.once('exit', () => {
    for (const line of failures) console.log(`# failed: ${line}`)
  })
})
running.compose(process.stdout.isTTY ? new spec() : tap).pipe(process.stdout)

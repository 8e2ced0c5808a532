import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { testMsMax } from '../support/patience.ts'
import { makeScratch, type Scratch } from './scratch.ts'

const timeout = testMsMax
let scratch: Scratch
before(() => {
  scratch = makeScratch()
  scratch.write('src/cli/main.ts', 'export const isBuilt = true\n')
  for (const folder of ['bench', 'scripts']) scratch.write(`${folder}/empty.ts`, 'export {}\n')
  scratch.write(
    'tests/a/some.test.ts',
    `import { test } from 'node:test'
     test('one (1.0)', () => {})
     test('one 1x0', () => {
       const where: string = 'the sources'
       throw new Error(where)
     })`,
  )
  scratch.write(
    'tests/b/other.test.ts',
    `import { test } from 'node:test'
     test('other', () => { throw new Error('other ran') })`,
  )
})
after(() => scratch.remove())

/** `npm test -- …words` in the scratch checkout. */
function npmTest(...words: string[]) {
  // A test within a test would report to the outer one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['scripts/test.mjs', '--no-install', ...words],
    { cwd: scratch.directory, encoding: 'utf8', env },
  )
  return { status, said: `${stdout}${stderr}` }
}

test('--name runs the tests whose name holds the words, as they are written', { timeout }, () => {
  const { status, said } = npmTest('--name', 'one (1.0)')
  assert.equal(status, 0, said)
  assert.match(said, /# 1 test files/)
  assert.match(said, /# pass 1\n/)
})

test(
  'words choose files by their path; a stack trace names the line of the source',
  { timeout },
  () => {
    const { status, said } = npmTest('tests/a/')
    assert.equal(status, 1)
    assert.match(said, /some\.test\.ts:5:/)
    assert.doesNotMatch(said, /other ran/)
  },
)

test('a flag that there is not is refused, a word that no path has too', { timeout }, () => {
  assert.equal(npmTest('--nmae', 'x').status, 2)
  const { status, said } = npmTest('nowhere')
  assert.equal(status, 1)
  assert.match(said, /no test file has nowhere in its path/)
})

test('--no-install installs nothing, and says what is missing', { timeout }, () => {
  const bare = makeScratch({ packages: false })
  const { status, stdout } = spawnSync(process.execPath, ['scripts/test.mjs', '--no-install'], {
    cwd: bare.directory,
    encoding: 'utf8',
  })
  bare.remove()
  assert.equal(status, 1)
  assert.match(stdout, /nothing is installed \(--no-install\), but node_modules is missing/)
})

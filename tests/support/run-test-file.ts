/** A whole file of tests in a process of its own, within a test: what fails there is told here, test by test. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { endWithUs } from './children.ts'
import { testMsMax } from './patience.ts'

/** Behind it the reporter says of each test that failed its name, its place and its error. */
const FAILURES = 'failing tests:'
/** Of the output, where the file did not come to its end. */
const TAIL = 4000

/**
 * @param file Below `tests`, without its ending: `blackbox/will`.
 * @param env What the file's brokers are to be like.
 * @throws AssertionError with all failures of the file.
 */
export async function runTestFile(file: string, env: NodeJS.ProcessEnv): Promise<void> {
  const path = join('build', 'tests', `${file}.test.js`)
  const child = endWithUs(
    spawn(process.execPath, ['--enable-source-maps', '--test-reporter=spec', path], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A test file that runs in a test would report to it instead.
      env: { ...process.env, ...env, NODE_TEST_CONTEXT: undefined },
      timeout: testMsMax,
    }),
  )
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  if (code !== 0) assert.fail(`${file}: ${outcomeOf(said, signal)}`)
}

/** What went wrong, in words. */
export function outcomeOf(said: string, signal: NodeJS.Signals | null): string {
  const at = said.lastIndexOf(FAILURES)
  if (at >= 0) return said.slice(at)
  const how = signal === null ? 'it ended' : `${signal} ended it`
  return `${how} before it could say what failed; its last words:\n${said.slice(-TAIL)}`
}

/**
 * What clients see is the same with several threads: files of tests whose brokers have them. These are those that ask most of what
 * threads share; all of the black-box tests: `npm run test:threads`.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { outcomeOf, runTestFile } from '../support/run-test-file.ts'

const FILES: readonly (readonly [threads: number, files: readonly string[]])[] = [
  [2, ['attack/login', 'attack/rights', 'attack/transports', 'blackbox/session-resume']],
  [
    4,
    [
      'blackbox/takeover',
      'blackbox/shared-subscriptions',
      'blackbox/retained',
      'blackbox/session-resume',
      'blackbox/will',
      'blackbox/subscription-options',
      'blackbox/topic-alias',
      'blackbox/wildcards',
      'blackbox/inflight-window',
    ],
  ],
]

// They wait for time to pass as well: two at a time.
describe('what clients see', { concurrency: 2 }, () => {
  for (const [threads, files] of FILES)
    for (const file of files)
      test(`with ${threads} threads: ${file}`, () =>
        runTestFile(file, { MOZZIE_TEST_THREADS: String(threads) }))
})

test('a file that fails says which of its tests did, and how', () => {
  const said =
    'much\n✖ failing tests:\n\ntest at will.test.ts:1\n✖ a will (3ms)\n  Error: none came\n'
  assert.equal(outcomeOf(said, null), said.slice(said.indexOf('failing')))
  assert.match(outcomeOf('✔ one\n', 'SIGTERM'), /^SIGTERM ended it .*\n✔ one/s)
})

/**
 * Every byte that a receiver gets belongs to the message it is of, in order, and none is lost, whatever memory the ways
 * from a publisher share. The same seeds for everyone; others are drawn by `npm run bytes`. One of them again:
 * MOZZIE_BYTES_SEED=n.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runSeed } from './run.ts'

const BUDGET_MS = 9000
const SEEDS_MAX = 150
const SPOILED_SEEDS = 4
/** A write that is likely to end in a payload. */
const LONG_BYTES = 100

const one = process.env['MOZZIE_BYTES_SEED']

test('each receiver gets the messages it is owed, byte by byte', async () => {
  if (one !== undefined) return assert.equal((await runSeed(Number(one))).fault, null)
  const endsMs = performance.now() + BUDGET_MS
  for (let seed = 1; seed <= SEEDS_MAX && performance.now() < endsMs; seed++)
    assert.equal((await runSeed(seed)).fault, null, `MOZZIE_BYTES_SEED=${seed}`)
})

test('a single wrong byte is noticed', async () => {
  for (let seed = 1; seed <= SPOILED_SEEDS; seed++) {
    let isSpoiled = false
    const { fault } = await runSeed(seed, (bytes) => {
      if (isSpoiled || bytes.length < LONG_BYTES) return
      isSpoiled = true
      bytes[bytes.length - 1] ^= 1
    })
    assert.ok(!isSpoiled || fault !== null, `seed ${seed}`)
  }
})

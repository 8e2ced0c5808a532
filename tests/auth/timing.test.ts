import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Authenticator } from '../../src/auth/authenticate.ts'
import { authenticatorOf, newcomer } from './authenticator-of.ts'
import { passwordLine } from './secured.ts'

const rounds = 300
const tries = 20

function loginMs(authenticator: Authenticator, username: string): Promise<number> {
  return new Promise((resolve) => {
    const start = performance.now()
    const password = new TextEncoder().encode(`guess ${start}`)
    const request = { ...newcomer, username, password }
    authenticator.authenticate(request, (reason) => {
      assert.equal(reason, 0x87)
      resolve(performance.now() - start)
    })
  })
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[values.length >> 1]
}

/** Of medians of all that was measured so far, more each time: taken by turns, so that what else the machine does meets both. */
function ratiosOf(authenticator: Authenticator): () => Promise<number> {
  const known: number[] = []
  const unknown: number[] = []
  return async () => {
    for (let round = 0; round < rounds; round++) {
      known.push(await loginMs(authenticator, `user${round % 20}`))
      unknown.push(await loginMs(authenticator, `nobody${round % 20}`))
    }
    return median(unknown) / median(known)
  }
}

/** mosquitto's: 101 of 2.0, 1000 of 2.1. */
const ITERATIONS = [101, 1000]
const fileOf = (iterations: number): string =>
  Array.from({ length: 20 }, (_, at) => passwordLine(`user${at}`, 'secret', iterations)).join('')

for (const iterations of ITERATIONS)
  test(`the time of a refusal does not tell whether there is such a user: PBKDF2, ${iterations} times, medians within 5 %`, async (context) => {
    const authenticator = authenticatorOf(fileOf(iterations))
    // Until the code is compiled.
    await ratiosOf(authenticator)()
    const ratio = ratiosOf(authenticator)
    const seen: number[] = []
    const isEven = (): boolean => Math.abs((seen.at(-1) ?? 0) - 1) < 0.05
    while (seen.length < tries && !isEven()) seen.push(await ratio())
    context.diagnostic(`unknown / known: ${seen.map((value) => value.toFixed(3)).join(', ')}`)
    assert.ok(isEven(), `ratios ${seen.join(', ')}`)
  })

test('a check that skipped the hash for unknown users would be found out', async () => {
  const empty = authenticatorOf(passwordLine('other', 'secret', 1))
  const full = authenticatorOf(fileOf(1000))
  const fast: number[] = []
  const slow: number[] = []
  for (let round = 0; round < 50; round++) {
    fast.push(await loginMs(empty, 'nobody'))
    slow.push(await loginMs(full, 'user1'))
  }
  assert.ok(median(fast) < median(slow) * 0.8)
})

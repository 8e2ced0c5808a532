import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Authenticator } from '../../src/auth/authenticate.ts'
import { listener } from '../sim/world.ts'
import { authenticatorOf } from './authenticator-of.ts'
import { passwordLine } from './secured.ts'

const rounds = 300
const tries = 4

function loginMs(authenticator: Authenticator, username: string): Promise<number> {
  return new Promise((resolve) => {
    const start = performance.now()
    const request = {
      clientId: 'c',
      username,
      password: new TextEncoder().encode(`guess ${start}`),
      version: 5,
      remote: '127.0.0.1:1',
      listener,
      tls: null,
      proven: false,
    } as const
    authenticator.authenticate(request, (reason) => {
      assert.equal(reason, 0x87)
      resolve(performance.now() - start)
    })
  })
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[values.length >> 1]
}

/** Medians of many, taken by turns: what else the machine does meets both. */
async function ratio(authenticator: Authenticator): Promise<number> {
  const known: number[] = []
  const unknown: number[] = []
  for (let round = 0; round < rounds; round++) {
    known.push(await loginMs(authenticator, `user${round % 20}`))
    unknown.push(await loginMs(authenticator, `nobody${round % 20}`))
  }
  return median(unknown) / median(known)
}

const files = {
  PBKDF2: Array.from({ length: 20 }, (_, at) => passwordLine(`user${at}`, 'secret', 1000)).join(''),
}

for (const [scheme, text] of Object.entries(files))
  test(`the time of a refusal does not tell whether there is such a user: ${scheme}, medians within 5 %`, async (context) => {
    const authenticator = authenticatorOf(text)
    await ratio(authenticator)
    const seen: number[] = []
    while (seen.length < tries && !seen.some((value) => Math.abs(value - 1) < 0.05))
      seen.push(await ratio(authenticator))
    context.diagnostic(`unknown / known: ${seen.map((value) => value.toFixed(3)).join(', ')}`)
    assert.ok(Math.abs((seen.at(-1) ?? 0) - 1) < 0.05, `ratios ${seen.join(', ')}`)
  })

test('a check that skipped the hash for unknown users would be found out', async () => {
  const empty = authenticatorOf(passwordLine('other', 'secret', 1))
  const full = authenticatorOf(files['PBKDF2'])
  const fast: number[] = []
  const slow: number[] = []
  for (let round = 0; round < 50; round++) {
    fast.push(await loginMs(empty, 'nobody'))
    slow.push(await loginMs(full, 'user1'))
  }
  assert.ok(median(fast) < median(slow) * 0.8)
})

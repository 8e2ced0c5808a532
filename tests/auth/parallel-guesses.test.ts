/** Guesses that come at once, before any of them has failed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reason } from '../../src/codec/reason-codes.ts'
import { formatPasswordHash, hashPassword, newPasswordHash } from '../../src/auth/password-hash.ts'
import { createArgon2 } from '../../src/auth/argon2.ts'
import { authenticatorOf, newcomer } from './authenticator-of.ts'

const GUESSES = 40

async function lineOf(user: string, password: string): Promise<string> {
  const like = newPasswordHash('sha512-pbkdf2', 10)
  const hash = await hashPassword(Buffer.from(password), like, createArgon2())
  return `${user}:${formatPasswordHash({ ...like, hash })}\n`
}

test('a password that stood in line behind too many wrong ones is not looked at', async () => {
  const held: (() => void)[] = []
  let isHolding = true
  const hold = (call: () => void): void => {
    if (isHolding) held.push(call)
    else call()
  }
  const authenticator = authenticatorOf(await lineOf('ann', 'secret'), hold)
  const guess = (password: string): Promise<number> =>
    new Promise((resolve) => {
      const request = { ...newcomer, username: 'ann', password: Buffer.from(password) }
      authenticator.authenticate(request, resolve)
    })
  const wrong = Array.from({ length: GUESSES }, (_, at) => guess(`secret${at}`))
  assert.equal(await guess('secret'), Reason.quotaExceeded)
  isHolding = false
  for (const call of held) call()
  await Promise.all(wrong)
  assert.equal(await guess('secret'), 0)
})

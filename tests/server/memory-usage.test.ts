/** Memory is asked for several times a second; a process without a file descriptor to spare must survive that. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryUsage } from '../../src/telemetry/memory-usage.ts'

function whileMemoryUsage(fails: () => never, body: () => void): void {
  const real = process.memoryUsage
  process.memoryUsage = Object.assign(fails, { rss: real.rss })
  try {
    body()
  } finally {
    process.memoryUsage = real
  }
}

const failing = (code: string) => (): never => {
  throw Object.assign(new Error(code), { code })
}

test('without file descriptors the last figures stand', () => {
  const before = memoryUsage()
  assert.ok(before.rss > 0)
  whileMemoryUsage(failing('EMFILE'), () => assert.deepEqual(memoryUsage(), before))
})

test('any other error is told', () => {
  whileMemoryUsage(failing('EIO'), () => assert.throws(memoryUsage, { code: 'EIO' }))
})

/** Messages that the page's worker sends by the clock. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jobs } from '../../web/src/worker/jobs.ts'

const DUE_MS = [0, 60]

test('a message that says the time is made when it is due, not when the one before it was sent', async () => {
  const madeAfterMs: number[] = []
  const startMs = performance.now()
  await new Promise<void>((resolve) => {
    const sent = () => Promise.resolve({ code: 0, reason: '' })
    const jobs = new Jobs(sent, () => {
      if (jobs.states().every(({ running }) => !running)) resolve()
    })
    jobs.start('job', 'repeat', DUE_MS.length, (at) => {
      const dueMs = DUE_MS[at]
      if (dueMs === undefined) return null
      const message = () => {
        madeAfterMs.push(performance.now() - startMs)
        return {
          topic: 't',
          payload: new Uint8Array(),
          qos: 0 as const,
          retain: false,
          properties: {},
        }
      }
      return { dueMs, message }
    })
  })
  assert.equal(madeAfterMs.length, DUE_MS.length)
  assert.ok((madeAfterMs[1] ?? 0) >= 60, `made after ${madeAfterMs[1]} ms`)
})

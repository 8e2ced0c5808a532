import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Decisions } from '../../src/auth/rule-index.ts'

const LONG = 60_000
const TOPICS = 500
const BYTES_MAX = 4 << 20

test('what was decided of long topics is not kept: each client could have 32 MiB of them remembered', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  let asked = 0
  const rule = { access: 'read', filter: '#', place: '' } as const
  const decisions = new Decisions((topic) => {
    asked++
    return topic.startsWith('a') ? rule : null
  })
  collect()
  const before = process.memoryUsage().heapUsed
  for (let count = 0; count < TOPICS; count++)
    assert.equal(decisions.decide(`b${randomBytes(LONG / 2).toString('hex')}`), null)
  collect()
  assert.ok(process.memoryUsage().heapUsed - before < BYTES_MAX)
  asked = 0
  const long = 'a'.repeat(LONG)
  for (const topic of [long, long, 'b', 'a', 'b', 'a'])
    assert.equal(decisions.decide(topic), topic.startsWith('a') ? rule : null)
  assert.equal(asked, 3)
})

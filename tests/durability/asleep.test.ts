/** Sessions whose clients are away: what a start with a great many of them takes. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createBroker } from '../../src/index.ts'
import { createLevelStore } from '../../src/store/level/level-store.ts'
import { testMsMax } from '../support/patience.ts'
import { messageOf, Told } from '../store/told.ts'
import { newPlace } from './durable-broker.ts'

const timeout = testMsMax
const SESSIONS = 10_000
const NEVER = 0xffff_ffff
/** Measured: 607, with its two names, its places in two tables and its filter's in a third. */
const SESSION_BYTES_MAX = 680
const options = { qos: 1, noLocal: false, retainAsPublished: false, subscriptionId: 0 } as const

/** Sessions with a subscription and `count` messages of `size` bytes each. */
async function fill(location: string, count: number, size: number): Promise<void> {
  const told = new Told()
  const store = createLevelStore({ location, sync: 'never', wallMs: Date.now, warn() {} })
  store.open(told.events)
  await told.next('ready')
  const claims = Array.from({ length: SESSIONS }, (_, index) => `client-${index}`)
  for (const [index, clientId] of claims.entries()) store.claim(index, clientId, false)
  await told.next('claimed')
  for (const clientId of claims) {
    store.saveSession({
      clientId,
      username: null,
      version: 4,
      expirySeconds: NEVER,
      disconnectedAtMs: Date.now(),
      will: null,
    })
    store.saveSubscription(clientId, `devices/${clientId}/commands`, options)
    for (let index = 0; index < count; index++)
      store.append(
        clientId,
        0,
        messageOf(`devices/${clientId}/commands`, 'x'.repeat(size)),
        1,
        false,
        0,
      )
  }
  store.seal(1)
  await told.next('committed')
  await new Promise<void>((done) => store.close(done))
}

test('a session that is away takes a few hundred bytes', { timeout }, async (t) => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const location = newPlace(t).store
  await fill(location, 2, 10)
  gc()
  const before = process.memoryUsage().heapUsed
  const broker = createBroker({ persistence: { location }, log: () => {} })
  await broker.listen({ host: '127.0.0.1', port: 0 })
  gc()
  const each = (process.memoryUsage().heapUsed - before) / SESSIONS
  await broker.close()
  assert.ok(each < SESSION_BYTES_MAX, `${Math.round(each)} bytes`)
})

test(
  'the tables that a start has read do not stay mapped',
  { timeout, skip: process.platform !== 'linux' && 'asks /proc' },
  async (t) => {
    const location = newPlace(t).store
    await fill(location, 1, 1000)
    const broker = createBroker({ persistence: { location }, log: () => {} })
    await broker.listen({ host: '127.0.0.1', port: 0 })
    const mapped = readFileSync('/proc/self/maps', 'latin1').split('\n')
    await broker.close()
    assert.deepEqual(
      mapped.filter((line) => line.includes(location) && line.endsWith('.ldb')),
      [],
    )
  },
)

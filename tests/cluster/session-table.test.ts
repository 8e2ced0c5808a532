/** What a node may say that it knows, while rows meet writes of its own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Membership } from '../../src/cluster/membership.ts'
import { writeRow, type SessionRow } from '../../src/cluster/rows.ts'
import { SessionTable } from '../../src/cluster/session-table.ts'

const EVERYBODY: Pick<Membership, 'isAlive' | 'isFirst'> = {
  isAlive: () => true,
  isFirst: () => false,
}
const OPTIONS = { qos: 1, noLocal: false, retainAsPublished: false, subscriptionId: 0 } as const

function rowOf(filters: readonly string[]): SessionRow {
  return {
    clientId: 'c',
    owner: 'b',
    keeper: 'b',
    epoch: 1,
    partition: 0,
    record: {
      clientId: 'c',
      username: null,
      version: 5,
      expirySeconds: 60,
      disconnectedAtMs: -1,
      will: null,
    },
    isGone: false,
    sentTo: -1,
    subscriptions: new Map(filters.map((filter) => [filter, OPTIONS])),
  }
}

const entry = (sequence: number, ...filters: string[]) => ({
  sequence,
  subject: 's',
  pending: 0,
  data: writeRow(rowOf(filters)),
})

test('a row that meets a write of our own is known when that is answered, also where another one takes its place', async () => {
  const routes: string[] = []
  const events = { session: () => {}, route: (_: string, filter: string) => routes.push(filter) }
  const table = new SessionTable(
    'a',
    EVERYBODY as Membership,
    (run) => run(events as never),
    () => {},
  )
  table.tellAll()
  table.apply(entry(5))
  const known = table.get('c')
  assert.ok(known)
  known.writing++
  table.apply(entry(10, 'one'))
  table.apply(entry(20, 'one', 'two'))
  await table.until(9)
  let isKnown = false
  const until = table.until(10).then(() => {
    isKnown = true
  })
  await new Promise(setImmediate)
  assert.equal(isKnown, false)
  assert.deepEqual(routes, [])
  known.writing--
  table.settle(known)
  await until
  assert.deepEqual(routes, ['one', 'two'])
})

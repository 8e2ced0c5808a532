/** What the dashboard shows is the whole broker's: of clients in all threads. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { processMsMax } from '../support/patience.ts'
import { startPlaced } from './placed-clients.ts'

const CLIENTS = 10
const ASK_EVERY_MS = 100

test('sessions, subscriptions and rates of the overview are those of all threads', async (context) => {
  const { connectIn, get } = await startPlaced(context, 'thread_count 2')
  const publisher = await connectIn(1, 'publisher')
  for (let at = 0; at < CLIENTS; at++) {
    const client = await connectIn(at % 2, `client ${at}`)
    await client.subscribe([{ filter: `t/${at}` }, { filter: '$share/g/t' }])
  }
  const { items } = await get('clients?pageSize=100')
  const sessions: number = items.length
  const isTrue = ({ now, maxima }: Awaited<ReturnType<typeof get>>): boolean =>
    now.sessions === sessions &&
    now.subscriptions === 2 * CLIENTS &&
    now.sharedSubscriptions === CLIENTS &&
    now.publishReceivedRate > 0 &&
    now.bytesReceivedRate > 0 &&
    maxima.sessions === sessions
  const deadline = performance.now() + processMsMax
  let overview = await get('overview')
  // A look a second, at what the threads told half a second ago.
  while (!isTrue(overview) && performance.now() < deadline) {
    await publisher.publish('t/0', 'x', { qos: 1 })
    await sleep(ASK_EVERY_MS)
    overview = await get('overview')
  }
  assert.ok(isTrue(overview), JSON.stringify(overview))
})

/** `memory_limit` with threads: whoever holds most gives way, whatever thread has it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../src/codec/packets.ts'
import { Reason } from '../../src/codec/reason-codes.ts'
import { processMsMax } from '../support/patience.ts'
import { startPlaced } from './placed-clients.ts'

/** Little beside what the first thread has without any client: the process, and what it shares. */
const MEMORY_LIMIT = 150_000_000

test('the client that holds most is disconnected, not one that holds less in a thread that holds more', async (context) => {
  const lines = `thread_count 2\nmemory_limit ${MEMORY_LIMIT}\nmax_queued_messages 0`
  const { connectIn } = await startPlaced(context, lines)
  const hog = await connectIn(1, 'hog')
  const small = await connectIn(0, 'small')
  const publisher = await connectIn(0, 'publisher')
  await hog.subscribe({ filter: 'hog', qos: 1 })
  await small.subscribe({ filter: 'small', qos: 1 })
  // Nothing of it is acknowledged: it waits in memory.
  for (let at = 0; at < 10; at++)
    await publisher.publish('small', new Uint8Array(20_000), { qos: 1 })
  const isGone = (): boolean => hog.inbox.some(({ type }) => type === PacketType.disconnect)
  const deadline = performance.now() + processMsMax
  while (!isGone() && performance.now() < deadline)
    await publisher.publish('hog', new Uint8Array(500_000), { qos: 1 })
  assert.ok(isGone(), 'the client that holds most is still there')
  await hog.find('disconnect', { reason: Reason.quotaExceeded })
  await small.ping()
  await publisher.ping()
})

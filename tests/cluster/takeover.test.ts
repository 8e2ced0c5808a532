/** What a takeover waits for, counted: time says nothing on a machine that is busy. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterNode } from '../../src/cluster/cluster-node.ts'
import { recordOf } from '../store/door.ts'
import { overNats } from './support/stage.ts'

/** Counts what a node asks of NATS until `stop`. */
function countQuestions({ wire }: ClusterNode): { stop(): number } {
  const { nc } = wire
  const publish = nc.publish.bind(nc)
  let count = 0
  nc.publish = (...args) => {
    count++
    publish(...args)
  }
  return {
    stop() {
      nc.publish = publish
      return count
    },
  }
}

overNats('what a takeover waits for', (nats) => {
  test('a session that another node let go is taken in two round trips: the claim, then what it has', async (context) => {
    const [a, b] = await nats.stage(context).joinAll('a', 'b')
    await a.door.claim('c')
    a.door.store.saveSession(recordOf('c'))
    a.door.store.unclaim('c', 0)
    await a.door.commit()
    await b.node.sessionsUntil(a.node.writer.lastRow)
    const questions = countQuestions(b.node)
    const { session, owner } = await b.door.claim('c')
    // The row; at once then the end of its queue, and its exchanges.
    assert.equal(questions.stop(), 3)
    assert.deepEqual([session?.record.clientId, owner], ['c', null])
  })
})

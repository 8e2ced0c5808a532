/** What a takeover waits for, counted: time says nothing on a machine that is busy. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ClusterNode } from '../../src/cluster/cluster-node.ts'
import { ClusterStore } from '../../src/cluster/cluster-store.ts'
import { Door, recordOf } from '../store/contract.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'
import { newName, newNode } from './nodes.ts'

let nats: NatsServers

async function open(cluster: string, name: string): Promise<{ node: ClusterNode; door: Door }> {
  const node = newNode(nats.urls, cluster, name)
  const door = new Door({ store: () => new ClusterStore(node), dispose: async () => {} }, name)
  return { node, door: await door.open() }
}

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

if (skipNats !== false) test('what a takeover waits for', { skip: skipNats }, () => {})
else {
  before(async () => {
    nats = await startNats()
  })
  after(() => nats.stop())

  test('a session that another node let go is taken in two round trips: the claim, then what it has', async (context) => {
    const cluster = newName()
    const [a, b] = await Promise.all(['a', 'b'].map((name) => open(cluster, name)))
    context.after(() => Promise.all([a, b].map(({ door }) => door.close())))
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
}

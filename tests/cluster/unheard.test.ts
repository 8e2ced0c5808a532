/** A client comes to a node that has not heard yet of the session that it left at another one a moment before. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { ClusterPeers } from '../../src/cluster/cluster-peers.ts'
import { PeerNode } from '../peers/peer-node.ts'
import { recordOf } from '../store/door.ts'
import { overNats, type Place, type StagedServers } from './support/stage.ts'

const options = { qos: 1, noLocal: false, retainAsPublished: false, subscriptionId: 0 } as const

interface Peered extends Place {
  readonly peers: ClusterPeers
}

/** Node a has had a client, which left a subscription; node b is told nothing by itself. */
async function leaveSession(
  nats: StagedServers,
  context: TestContext,
): Promise<{ a: Peered; b: Peered }> {
  const stage = nats.stage(context)
  const [a, b] = await Promise.all(
    ['a', 'b'].map(async (name) => {
      let peers!: ClusterPeers
      const place = await stage.join(name, {}, (node) => {
        peers = new ClusterPeers(node)
        assert.equal(new PeerNode(name, peers).peers, peers)
      })
      return { ...place, peers }
    }),
  )
  b.node['sessionsFollowed'].end()
  await a.door.claim('c')
  a.door.store.saveSession(recordOf('c'))
  a.door.store.saveSubscription('c', 'x/+', options)
  a.door.store.unclaim('c', 0)
  await a.door.commit()
  assert.deepEqual(b.door.told.all('session'), [])
  return { a, b }
}

overNats('sessions that a node has not heard of', (nats) => {
  test('a claim tells of a session that its node did not know, subscriptions too', async (context) => {
    const { b } = await leaveSession(nats, context)
    const { session } = await b.door.claim('c')
    assert.equal(session?.record.clientId, 'c')
    const { told } = b.door
    assert.deepEqual(told.all('route'), [['c', 'x/+', options]])
    const order = told.log.map(({ name }) => name)
    assert.ok(order.indexOf('session') < order.indexOf('route'), order.join())
    assert.ok(order.indexOf('route') < order.indexOf('claimed'), order.join())
  })

  test('a claim tells of subscriptions that its node had not heard of, and of no others', async (context) => {
    const { a, b } = await leaveSession(nats, context)
    await b.node.sessionsUntil(a.node.writer.lastRow)
    await a.door.claim('c')
    a.door.store.saveSession(recordOf('c'))
    a.door.store.saveSubscription('c', 'y', options)
    a.door.store.deleteSubscription('c', 'x/+')
    a.door.store.unclaim('c', 0)
    await a.door.commit()
    await b.door.claim('c')
    assert.deepEqual(b.door.told.all('route'), [
      ['c', 'x/+', options],
      ['c', 'x/+', null],
      ['c', 'y', options],
    ])
  })

  test('who claims a session and does not go on with it sees to its end', async (context) => {
    const { b } = await leaveSession(nats, context)
    await b.door.claim('c')
    b.door.store.unclaim('c')
    await b.door.commit()
    const [, record, , isTended] = b.door.told.all('session').at(-1) ?? []
    assert.ok((record?.disconnectedAtMs ?? -1) > 0)
    assert.equal(isTended, false)
  })

  test('a client that wants a new session is let in behind what there is of its old one [MQTT-3.1.2-4]', async (context) => {
    const { b } = await leaveSession(nats, context)
    const claim = { clientId: 'c', username: null, cleanStart: true, isFull: false }
    assert.equal(await new Promise((done) => b.peers.claim(claim, done)), true)
    assert.deepEqual(
      b.door.told.all('session').map(([clientId]) => clientId),
      ['c'],
    )
  })

  test('a session that was deleted here does not come back by what is heard late', async (context) => {
    const { b } = await leaveSession(nats, context)
    await b.door.claim('c', true)
    b.door.store.deleteSession('c')
    await b.door.commit()
    await b.node.refresh()
    assert.deepEqual(b.door.told.all('session'), [])
    assert.equal(b.node.table.get('c'), undefined)
  })
})

/** What one node does for all is one node's, whatever the others believe of it. */
import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterNode } from '../../src/cluster/cluster-node.ts'
import { ClusterPeers } from '../../src/cluster/cluster-peers.ts'
import { Told } from '../store/told.ts'
import { waitMsMax } from '../support/patience.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'
import { newName, newNode } from './nodes.ts'

const NAMES = ['a', 'b', 'c']
const POST = 'post of tests'

let nats: NatsServers

async function join(context: TestContext, cluster: string, name: string): Promise<ClusterNode> {
  const node = newNode(nats.urls, cluster, name)
  assert.ok(new ClusterPeers(node))
  const told = new Told()
  void node.open(told.events)
  await told.next('ready')
  context.after(() => node.cut())
  return node
}

async function until(condition: () => boolean): Promise<void> {
  for (const endMs = performance.now() + waitMsMax; !condition(); await sleep(5))
    assert.ok(performance.now() < endMs, 'it does not come')
}

const holdersOf = (nodes: readonly ClusterNode[]): ClusterNode[] =>
  nodes.filter(({ posts }) => posts.holds(POST))

if (skipNats !== false) test('posts', { skip: skipNats }, () => {})
else {
  before(async () => {
    nats = await startNats()
  })
  after(() => nats.stop())

  test('of all who want a post one has it; it goes on to another, and not back', async (context) => {
    const cluster = newName()
    const nodes = await Promise.all(NAMES.map((name) => join(context, cluster, name)))
    await Promise.all(nodes.map(({ posts }) => posts.want([POST])))
    const [first, ...more] = holdersOf(nodes)
    assert.equal(more.length, 0)
    await first.posts.leave()
    assert.equal(first.posts.holds(POST), false)
    await until(() => holdersOf(nodes).length === 1)
    const [second] = holdersOf(nodes)
    assert.notEqual(second, first)
    await second.close()
    const left = nodes.filter((node) => node !== first && node !== second)
    await until(() => holdersOf(left).length === 1)
    assert.equal(first.posts.holds(POST), false)
  })

  test('who is believed gone, and is not, has nothing any more that another one took', async (context) => {
    const cluster = newName()
    const [a, b] = await Promise.all(['a', 'b'].map((name) => join(context, cluster, name)))
    await a.posts.want([POST])
    assert.ok(a.posts.holds(POST))
    let changes = 0
    a.posts.onChange = () => changes++
    await until(() => b.records.get(`post ${POST}`).sequence > 0)
    const { sequence } = b.records.get(`post ${POST}`)
    const { node, run } = b.options
    assert.ok(await b.records.swap(`post ${POST}`, { node, run }, sequence))
    await until(() => !a.posts.holds(POST))
    assert.equal(changes, 1)
  })

  test('of two changes of one record one is made, and the other hears of it', async (context) => {
    const cluster = newName()
    const nodes = await Promise.all(['a', 'b'].map((name) => join(context, cluster, name)))
    const done = await Promise.all(
      nodes.map(({ records }, index) => records.swap('key', `value ${index}`, 0)),
    )
    assert.deepEqual([...done].sort(), [false, true])
    const winner = `value ${done.indexOf(true)}`
    await until(() => nodes.every(({ records }) => records.get('key').value === winner))
  })
}

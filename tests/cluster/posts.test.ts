/** What one node does for all is one node's, whatever the others believe of it. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ClusterNode } from '../../src/cluster/cluster-node.ts'
import { ClusterPeers } from '../../src/cluster/cluster-peers.ts'
import { overNats, until } from './support/stage.ts'

const NAMES = ['a', 'b', 'c']
const POST = 'post of tests'

const holdersOf = (nodes: readonly ClusterNode[]): ClusterNode[] =>
  nodes.filter(({ posts }) => posts.holds(POST))

overNats('posts', (nats) => {
  const join = (context: TestContext, names: readonly string[]): Promise<ClusterNode[]> => {
    const stage = nats.stage(context)
    return Promise.all(
      names.map(async (name) => {
        const { node } = await stage.join(name, {}, (joining) => void new ClusterPeers(joining))
        return node
      }),
    )
  }

  test('of all who want a post one has it; it goes on to another, and not back', async (context) => {
    const nodes = await join(context, NAMES)
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
    const [a, b] = await join(context, ['a', 'b'])
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
    const nodes = await join(context, ['a', 'b'])
    const done = await Promise.all(
      nodes.map(({ records }, index) => records.swap('key', `value ${index}`, 0)),
    )
    assert.deepEqual([...done].sort(), [false, true])
    const winner = `value ${done.indexOf(true)}`
    await until(() => nodes.every(({ records }) => records.get('key').value === winner))
  })
})

/** What a node tells of the bridges of all, where some others cannot say. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterNode } from '../../src/cluster/cluster-node.ts'
import type { NodeCounts } from '../../src/cluster/node-report.ts'
import type { BridgeControl, BridgeStatus } from '../../src/ports/bridge-status.ts'
import { bridgeAnswers, bridgeDeskOf } from '../../src/server/bridge-desk.ts'
import { overNats, type Stage } from './support/stage.ts'

/** A node that may run bridges of these names. */
async function join(stage: Stage, name: string, bridges: string[] = []): Promise<ClusterNode> {
  const counts = (): NodeCounts => ({
    connected: 0,
    sessions: 0,
    isDraining: false,
    figures: { received: 0, sent: 0, dropped: 0 },
    bridges,
    sharesUsers: false,
  })
  const { node } = await stage.join(name, { counts })
  return node
}

function running(...names: string[]): BridgeControl {
  const status: Omit<BridgeStatus, 'name'> = {
    state: 'up',
    address: '127.0.0.1:1883',
    remoteClientId: 'r',
    localClientId: 'l',
    queued: 0,
    sent: 0,
    received: 0,
    dropped: 0,
    connects: 1,
    upSinceMs: 1,
    lastError: null,
    lastErrorMs: null,
    reconnectAtMs: null,
  }
  return {
    list: () => names.map((name) => ({ ...status, name })),
    pause: () => assert.fail('it is turned by what is written down'),
    resume: () => assert.fail('it is turned by what is written down'),
  }
}

/** Until the servers know that `to` listens. */
async function untilHeard(from: ClusterNode, to: string): Promise<void> {
  const ask = () => from.questions.askOne(to, 'bridges', []).catch(() => 'cannot')
  while ((await ask()) === null);
}

overNats('bridges of all nodes', (nats) => {
  test('a node that cannot say hides only its own bridges', async (context) => {
    const stage = nats.stage(context)
    const names = ['a', 'b', 'older', 'failing', 'mute']
    const nodes = await Promise.all(
      names.map((name) => join(stage, name, name === 'b' ? ['first', 'extra'] : [])),
    )
    const [a, b, older, failing] = nodes
    b.questions.answerWith(bridgeAnswers(running('first', 'extra'), b))
    older.questions.answerWith({ drain: () => Promise.resolve(true) })
    failing.questions.answerWith({ bridges: () => Promise.reject(new Error('no')) })
    await Promise.all(names.slice(1, 4).map((name) => untilHeard(a, name)))
    assert.equal(a.membership.others().length, 4)
    const config = { bridges: [{ name: 'first' }, { name: 'second' }] } as never
    const desk = bridgeDeskOf({ bridges: running('second'), config, cluster: { node: a } })
    const { bridges, missing } = await desk.list()
    const rows = bridges.map(({ name, node }) => `${name} ${node}`)
    assert.deepEqual(rows, ['first b', 'second a', 'extra b'])
    // Who listens to no questions has not begun to serve.
    assert.deepEqual(missing, ['failing', 'older'])
    assert.equal(await desk.pause('extra'), true)
    assert.ok(b.pauses.has('extra'))
    assert.equal(await desk.resume('extra'), true)
    assert.ok(!b.pauses.has('extra'))
    assert.equal(await desk.pause('nothing'), false)
  })

  test('a bridge that moves is one row: of the node that has it', async (context) => {
    const stage = nats.stage(context)
    const [a, b] = await Promise.all(['a', 'b'].map((name) => join(stage, name)))
    b.questions.answerWith(bridgeAnswers(running('moving'), b))
    await untilHeard(a, 'b')
    await b.posts.want(['bridge moving'])
    await a.records.refresh()
    const config = { bridges: [{ name: 'moving' }] } as never
    const desk = bridgeDeskOf({ bridges: running('moving'), config, cluster: { node: a } })
    assert.deepEqual(
      (await desk.list()).bridges.map(({ node }) => node),
      ['b'],
    )
  })

  test('a pause is there as long as a node serves, and ends with the last', async (context) => {
    const stage = nats.stage(context)
    const a = await join(stage, 'a')
    a.questions.answerWith({})
    await a.pauses.set('one', true)
    await Promise.all([a.pauses.set('two', true), a.pauses.set('three', true)])
    await a.pauses.set('one', false)
    const b = await join(stage, 'b')
    await untilHeard(b, 'a')
    await b.pauses.endIfAlone()
    assert.deepEqual(
      ['one', 'two', 'three'].map((name) => b.pauses.has(name)),
      [false, true, true],
    )
    await a.cut()
    await b.cut()
    const c = await join(stage, 'c')
    assert.ok(c.pauses.has('two'))
    while (await c.questions.isAnyServing());
    await c.pauses.endIfAlone()
    assert.ok(!c.pauses.has('two'))
  })
})

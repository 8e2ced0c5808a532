/** Bounds on sessions hold for CONNECTs that come at once, and who is in stays in, whatever has to be asked before a session begins. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reason } from '../../src/codec/reason-codes.ts'
import { MemoryData } from '../../src/store/memory-store.ts'
import { Mesh } from '../sim/memory-peers.ts'
import { SimNode, Timeline } from '../sim/world.ts'
import * as make from '../support/packets.ts'
import { Actor, createStage, type Stage } from './stage.ts'

const CLIENTS = 20
const MAX = 3
const STORE_MS = 40
const KEPT = { cleanStart: false, properties: { sessionExpirySeconds: 3600 } }

for (const [bound, limits] of [
  ['of all', { sessionsMax: MAX }],
  ['of a user', { sessionsPerUserMax: MAX }],
] as const)
  test(`sessions ${bound}: CONNECTs that the store is asked for at once`, () => {
    const stage = createStage(limits, undefined, undefined, STORE_MS)
    const login = { ...KEPT, username: 'ann', password: 'x' }
    const actors = Array.from({ length: CLIENTS }, () => stage.open())
    for (const [at, actor] of actors.entries())
      actor.put(actor.bytesOf(make.connect(5, { ...login, clientId: `c${at}` })))
    stage.pass(10 * STORE_MS)
    const codes = actors.map((actor) => actor.take('connack')?.code)
    assert.equal(codes.filter((code) => code === 0).length, MAX)
    assert.equal(codes.filter((code) => code === Reason.serverBusy).length, CLIENTS - MAX)
    // Nothing stays of those that were refused, and who is in comes back.
    assert.equal(stage.node.broker.counts().sessions, MAX)
    for (const at of codes.keys()) {
      if (codes[at] !== 0) continue
      const again = stage.open()
      again.send(make.connect(5, { ...login, clientId: `c${at}` }))
      stage.pass(3 * STORE_MS)
      const connack = again.take('connack')
      assert.deepEqual([connack?.code, connack?.sessionPresent], [0, true])
    }
    const refused = stage.open()
    const clientId = `c${codes.indexOf(Reason.serverBusy)}`
    refused.send(make.connect(5, { ...login, clientId }))
    assert.equal(refused.take('connack')?.code, Reason.serverBusy)
  })

/** Its CONNECT is under way. */
function begin(stage: Stage, options: make.ConnectOptions): Actor {
  const actor = stage.open()
  actor.put(actor.bytesOf(make.connect(5, options)))
  return actor
}

/** Its store is slow, and open. */
function slowStage(limits: SimNode['options']['limits']): Stage {
  const stage = createStage(limits, undefined, undefined, STORE_MS)
  stage.pass(10 * STORE_MS)
  return stage
}

/** Three nodes of one store. */
function threeNodes(limits: SimNode['options']['limits']): Stage[] {
  const time = new Timeline()
  const data = new MemoryData()
  const mesh = new Mesh(time, 5)
  const common = { time, random: () => 0.5, data, storeDelayMs: STORE_MS, limits }
  const nodes = ['a', 'b', 'c'].map((name) => {
    const node = new SimNode({ ...common, name, peers: mesh.join(name) })
    const pass = (ms: number): void => time.run(time.nowMs + ms)
    const stage: Stage = {
      ...{ time, node, pass },
      clear() {},
      open: (version = 5) => new Actor(stage, version),
      connect: () => assert.fail('not here'),
    }
    return stage
  })
  nodes[0].pass(10 * STORE_MS)
  return nodes
}

const codeOf = (actor: Actor): number | undefined => actor.take('connack')?.code
const ANN = { username: 'ann', password: 'x' }
const BOB = { username: 'bob', password: 'x' }

for (const [bound, limits] of [
  ['of all', { sessionsMax: 1 }],
  ['of a user', { sessionsPerUserMax: 1 }],
] as const) {
  test(`sessions ${bound}: who comes back for a session to keep is not outrun`, () => {
    const stage = slowStage(limits)
    const before = stage.connect('in', ANN)
    const back = begin(stage, { ...KEPT, ...ANN, clientId: 'in' })
    assert.ok(before.isClosed)
    const other = begin(stage, { ...ANN, clientId: 'other' })
    stage.pass(10 * STORE_MS)
    assert.deepEqual([codeOf(back), codeOf(other)], [0, Reason.serverBusy])
    assert.equal(stage.node.broker.counts().sessions, 1)
  })

  test(`sessions ${bound}: who leaves while it comes back leaves its place`, () => {
    const stage = slowStage(limits)
    stage.connect('in', ANN)
    begin(stage, { ...KEPT, ...ANN, clientId: 'in' }).cut()
    stage.pass(10 * STORE_MS)
    assert.equal(stage.node.broker.counts().sessions, 0)
    stage.connect('other', ANN)
    assert.equal(codeOf(begin(stage, { ...ANN, clientId: 'third' })), Reason.serverBusy)
  })

  test(`sessions ${bound}: who comes back is not outrun by one that asked the other nodes before`, () => {
    const [stage] = threeNodes(limits)
    begin(stage, { ...ANN, clientId: 'in' })
    stage.pass(10 * STORE_MS)
    const other = begin(stage, { ...ANN, clientId: 'other' })
    const back = begin(stage, { ...ANN, clientId: 'in' })
    stage.pass(10 * STORE_MS)
    assert.deepEqual([codeOf(back), codeOf(other)], [0, Reason.serverBusy])
  })

  test(`sessions ${bound}: a place goes from node to node with its client`, () => {
    const [first, second, third] = threeNodes(limits)
    begin(first, { ...ANN, clientId: 'in' })
    first.pass(10 * STORE_MS)
    const back = begin(second, { ...KEPT, ...ANN, clientId: 'in' })
    // The other nodes have let it go, the store has not answered.
    first.pass(STORE_MS / 4)
    const again = begin(third, { ...KEPT, ...ANN, clientId: 'in' })
    begin(first, { ...ANN, clientId: 'other' })
    first.pass(10 * STORE_MS)
    assert.ok(back.isClosed)
    assert.equal(codeOf(again), 0)
  })
}

for (const anyUserTakesOver of [false, true])
  test(`sessions of a user: another's session is one more for who has it from now on (any: ${anyUserTakesOver})`, () => {
    const stage = createStage({ sessionsPerUserMax: 1, anyUserTakesOver })
    const left = stage.connect('a', { ...KEPT, ...ANN })
    if (!anyUserTakesOver) left.cut()
    stage.connect('b', BOB)
    for (const options of [{ cleanStart: true }, KEPT]) {
      const taker = stage.open()
      taker.send(make.connect(5, { ...options, ...BOB, clientId: 'a' }))
      const busy = anyUserTakesOver || options !== KEPT
      assert.equal(codeOf(taker), busy ? Reason.serverBusy : Reason.clientIdentifierNotValid)
    }
    // It was left as it was.
    const back = stage.open()
    back.send(make.connect(5, { ...KEPT, ...ANN, clientId: 'a' }))
    assert.equal(back.take('connack')?.sessionPresent, true)
  })

test('sessions of a user: of many that others left it gets no more at once', () => {
  const stage = slowStage({ sessionsPerUserMax: 1 })
  const ids = ['a', 'b', 'c']
  for (const clientId of ids) {
    const actor = begin(stage, { ...KEPT, clientId, username: clientId, password: 'x' })
    stage.pass(5 * STORE_MS)
    assert.equal(codeOf(actor), 0)
    actor.cut()
  }
  const takers = ids.map((clientId) =>
    begin(stage, { ...KEPT, ...BOB, clientId, cleanStart: true }),
  )
  stage.pass(10 * STORE_MS)
  assert.deepEqual(takers.map(codeOf), [0, Reason.serverBusy, Reason.serverBusy])
})

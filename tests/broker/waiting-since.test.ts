/** Since when a message waits for somebody, as it is shown. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as make from '../support/packets.ts'
import { createStage, type Stage } from './stage.ts'

/** Wall clock of a stage, ms. */
const wallOf = (stage: Stage): number => 1e12 + stage.time.nowMs
const KEPT = { cleanStart: false, properties: { sessionExpirySeconds: 3600 } }

/** The second of two messages waits for the first to be acknowledged. */
function subscribeOneAtATime(stage: Stage, clientId: string, isKept: boolean): void {
  const options = isKept ? KEPT : { cleanStart: true }
  const properties = { ...('properties' in options ? options.properties : {}), receiveMaximum: 1 }
  stage.connect(clientId, { ...options, properties }).subscribe('r/#', 1)
}

async function shownOf(stage: Stage, clientId: string) {
  const shown = stage.node.broker.inspector().queue(clientId)
  stage.pass(0)
  return (await shown).map(({ madeAtMs }) => madeAtMs)
}

for (const isKept of [false, true])
  test(`what is retained waits for each since it subscribed (kept: ${isKept})`, async () => {
    const stage = createStage()
    for (const topic of ['r/1', 'r/2'])
      stage.node.broker.publish(topic, new Uint8Array(10), { qos: 1, retain: true })
    stage.pass(60_000)
    const firstMs = wallOf(stage)
    subscribeOneAtATime(stage, 'first', isKept)
    stage.pass(60_000)
    const secondMs = wallOf(stage)
    subscribeOneAtATime(stage, 'second', isKept)
    assert.deepEqual(await shownOf(stage, 'first'), [firstMs])
    assert.deepEqual(await shownOf(stage, 'second'), [secondMs])
  })

for (const isKept of [false, true])
  test(`a large retained message, which all share, has no time of one of them (kept: ${isKept})`, async () => {
    const stage = createStage()
    const sender = stage.connect('sender')
    for (const topic of ['r/1', 'r/2'])
      sender.send(make.publish(topic, 'x'.repeat(1000), { qos: 1, packetId: 1, retain: true }))
    subscribeOneAtATime(stage, 'first', isKept)
    stage.pass(60_000)
    subscribeOneAtATime(stage, 'second', isKept)
    assert.deepEqual(await shownOf(stage, 'first'), [null])
    assert.deepEqual(await shownOf(stage, 'second'), [null])
  })

test('a message that waits says nothing of the next one that its sender publishes', async () => {
  const stage = createStage()
  subscribeOneAtATime(stage, 'slow', false)
  const sender = stage.connect('sender')
  sender.send(make.publish('r/1', 'in flight', { qos: 1, packetId: 1 }))
  const times: number[] = []
  for (const payload of ['small', 'x'.repeat(1000), 'small again']) {
    stage.pass(1000)
    times.push(wallOf(stage))
    sender.send(make.publish('r/2', payload, { qos: 1, packetId: 2 }))
  }
  assert.deepEqual(await shownOf(stage, 'slow'), times)
})

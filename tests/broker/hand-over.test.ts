/** A durable member of a shared subscription that ends leaves what it owed to the others (MQTT 5.0, 4.8.2). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as make from '../support/packets.ts'
import { createStage, type Actor, type Stage } from './stage.ts'

const durable = (sessionExpirySeconds: number) => ({
  cleanStart: false,
  properties: { sessionExpirySeconds, receiveMaximum: 3 },
})

/** How the session of `gone` ends. */
const ENDS: Readonly<Record<string, (stage: Stage, actor: Actor) => void>> = {
  'its time is up'(stage, actor) {
    actor.cut()
    stage.pass(11_000)
  },
  'it starts anew'(stage, actor) {
    actor.cut()
    stage.connect('gone', { cleanStart: true })
  },
  'it is taken over by a clean start'(stage) {
    stage.connect('gone', { cleanStart: true })
  },
  'it says so in DISCONNECT'(_stage, actor) {
    actor.send(make.disconnect(0, { sessionExpirySeconds: 0 }))
  },
  'an administrator ends it'(stage) {
    stage.node.broker.forget('gone')
    stage.pass(0)
  },
  'it comes back as its time is up'(stage, actor) {
    actor.cut()
    stage.time.nowMs += 10_050
    stage.connect('gone', durable(10))
  },
}

for (const [how, end] of Object.entries(ENDS))
  test(`what was not acknowledged goes to another member: ${how}`, () => {
    const stage = createStage()
    const [author, gone] = [stage.connect('author'), stage.connect('gone', durable(10))]
    gone.subscribe('$share/g/t/+', 2)
    for (let id = 1; id <= 250; id++)
      author.send(make.publish('t/x', `${id}`, { qos: 1, packetId: id }))
    assert.deepEqual(gone.payloads(), ['1', '2', '3'])
    gone.send(make.ack('puback', 1))
    gone.take('publish')
    // One at QoS 2 stays with whom it was for [MQTT-4.8.2-6].
    author.send(make.publish('t/x', 'at QoS 2', { qos: 2, packetId: 1000 }))
    author.send(make.ack('pubrel', 1000))
    const other = stage.connect('other', durable(1000))
    other.subscribe('$share/g/t/+', 2)
    other.subscribe('unlike', 2)
    end(stage, gone)
    const got: string[] = []
    for (let next = other.take('publish'); next !== undefined; next = other.take('publish')) {
      got.push(new TextDecoder().decode(next.payload))
      other.send(make.ack('puback', next.packetId))
    }
    assert.deepEqual(
      got,
      Array.from({ length: 249 }, (_, index) => String(index + 2)),
    )
    assert.equal(stage.node.broker.queuedFor('gone'), 0)
    // What comes later is nobody's twice.
    author.send(make.publish('t/x', 'later', { qos: 1, packetId: 1 }))
    assert.deepEqual(other.payloads(), ['later'])
  })

test('without other members nothing is kept', () => {
  const stage = createStage()
  const [author, gone] = [stage.connect('author'), stage.connect('gone', durable(10))]
  gone.subscribe('$share/g/t', 1)
  author.send(make.publish('t', 'x', { qos: 1, packetId: 1 }))
  gone.cut()
  stage.pass(11_000)
  const again = stage.connect('gone', durable(10))
  again.subscribe('$share/g/t', 1)
  assert.deepEqual(again.payloads(), [])
})

test('what was for the member alone stays its own', () => {
  const stage = createStage()
  const [author, gone] = [stage.connect('author'), stage.connect('gone', durable(10))]
  gone.subscribe('$share/g/t', 1)
  gone.subscribe('alone', 1)
  const other = stage.connect('other')
  gone.cut()
  author.send(make.publish('alone', 'x', { qos: 1, packetId: 1 }))
  author.send(make.publish('t', 'y', { qos: 1, packetId: 2 }))
  other.subscribe('$share/g/t', 1)
  stage.pass(11_000)
  assert.deepEqual(other.payloads(), ['y'])
})

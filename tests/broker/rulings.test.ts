/** A right to be sent a message that is said later: the receiver waits, in order, and nobody else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Qos } from '../../src/codec/packets.ts'
import * as make from '../support/packets.ts'
import { createStage, type Actor, type Stage } from './stage.ts'

const durable = { cleanStart: false, properties: { sessionExpirySeconds: 1000 } }

interface Question {
  readonly client: string
  readonly topic: string
  answer(allowed: boolean): Promise<void>
}

/** A stage whose hook answers at once for who is called `at once…` and topics that begin so, and later for all others. */
function createAsking(limits: Parameters<typeof createStage>[0] = {}) {
  const stage = createStage(limits)
  const questions: Question[] = []
  stage.node.auth.deliver = ({ clientId }, topic) => {
    if (clientId.startsWith('at once') || topic.startsWith('at once')) return true
    let say: (allowed: boolean) => void = () => undefined
    const promise = new Promise<boolean>((resolve) => (say = resolve))
    questions.push({
      client: clientId,
      topic,
      async answer(allowed) {
        say(allowed)
        await settle(stage)
      },
    })
    return promise
  }
  return { stage, questions }
}

async function settle(stage: Stage): Promise<void> {
  await new Promise(setImmediate)
  stage.pass(0)
}

/** Publishes, and gives the acknowledgements of QoS 2 on. */
function publish(author: Actor, topic: string, qos: Qos, packetId = 1): void {
  author.send(make.publish(topic, topic, { qos, packetId }))
  if (qos === 2) author.send(make.ack('pubrel', packetId))
}

for (const qos of [0, 1, 2] as const)
  for (const options of [{}, durable]) {
    const kind = options === durable ? 'durable' : 'clean'

    test(`the receiver waits in order, its publisher and others do not: QoS ${qos}, ${kind}`, async () => {
      const { stage, questions } = createAsking()
      const [author, other, asked] = [
        stage.connect('author'),
        stage.connect('at once'),
        stage.connect('asked', options),
      ]
      for (const client of [other, asked]) client.subscribe('#', qos)
      for (const topic of ['a', 'b', 'at once', 'c', 'd']) publish(author, topic, qos)
      assert.deepEqual(other.payloads(), ['a', 'b', 'at once', 'c', 'd'])
      assert.deepEqual(asked.payloads(), [])
      if (qos === 1) assert.equal(author.inbox.length, 5)
      assert.deepEqual(
        questions.map(({ topic }) => topic),
        ['a', 'b', 'c', 'd'],
      )
      const [a, b, c, d] = questions
      await b.answer(true)
      assert.deepEqual(asked.payloads(), [])
      await a.answer(true)
      assert.deepEqual(asked.payloads(), ['a', 'b', 'at once'])
      await c.answer(false)
      await d.answer(true)
      assert.deepEqual(asked.payloads(), ['a', 'b', 'at once', 'd'])
      assert.equal(stage.node.broker.stats.drops.denied, 1)
      assert.equal(stage.node.broker.stats.publishDropped, 0)
    })

    test(`what a shared group's member may not have the next one gets: QoS ${qos}, ${kind}`, async () => {
      const { stage, questions } = createAsking()
      const author = stage.connect('author')
      const members = ['one', 'two', 'three'].map((name) => stage.connect(name, options))
      for (const member of members) member.subscribe('$share/g/t', qos)
      publish(author, 't', qos)
      for (const name of ['one', 'two', 'three']) {
        const { client, answer } = questions.at(-1) as Question
        assert.equal(client, name)
        await answer(name === 'three')
      }
      assert.deepEqual(
        members.map((member) => member.payloads()),
        [[], [], ['t']],
      )
      publish(author, 't', qos)
      for (let index = 3; index < 6; index++) await questions[index].answer(false)
      assert.equal(questions.length, 6)
      assert.equal(stage.node.broker.stats.drops.denied, 1)
      // The one that `three` has not acknowledged.
      const waiting = ['one', 'two', 'three'].map((name) => stage.node.broker.queuedFor(name))
      assert.deepEqual(waiting, [0, 0, qos > 0 ? 1 : 0])
    })

    test(`an end meanwhile gives all back, a hook that never answers too: QoS ${qos}, ${kind}`, async () => {
      const { stage, questions } = createAsking({ questionsMax: 10 })
      const { broker } = stage.node
      const none = broker.keptBytes
      const [author, asked] = [stage.connect('author'), stage.connect('asked', options)]
      asked.subscribe('#', qos)
      for (let count = 0; count < 100; count++) publish(author, 't', qos)
      assert.equal(questions.length, 10)
      assert.ok(broker.keptBytes > none + 100 * 200)
      asked.cut()
      author.cut()
      broker.forget('asked')
      for (const { answer } of questions) await answer(true)
      assert.equal(broker.keptBytes, none)
    })
  }

test('QoS 0 that waits is bounded by its bytes', async () => {
  const { stage, questions } = createAsking({ outputAllBytesMax: 10_000 })
  const [author, asked] = [stage.connect('author'), stage.connect('asked')]
  asked.subscribe('#', 0)
  for (let count = 0; count < 100; count++) author.send(make.publish('t', new Uint8Array(800)))
  assert.ok(stage.node.broker.stats.drops.slowClient > 85)
  for (const { answer } of questions) await answer(true)
  assert.equal(asked.payloads().length + stage.node.broker.stats.drops.slowClient, 100)
})

for (const qos of [1, 2] as const)
  test(`QoS ${qos} that was stored is asked for again by the next connection`, async () => {
    const { stage, questions } = createAsking()
    const author = stage.connect('author')
    const first = stage.connect('asked', durable)
    first.subscribe('#', qos)
    publish(author, 'a', qos)
    publish(author, 'b', qos)
    first.cut()
    const second = stage.connect('asked', durable)
    assert.equal(questions.length, 4)
    for (const { answer } of questions.slice(0, 2)) await answer(false)
    assert.deepEqual(second.payloads(), [])
    for (const { answer } of questions.slice(2)) await answer(true)
    assert.deepEqual(second.payloads(), ['a', 'b'])
    // Sent and not acknowledged: it is sent again, once it is allowed again.
    second.cut()
    const third = stage.connect('asked', durable)
    await questions[5].answer(true)
    await questions[4].answer(false)
    assert.deepEqual(third.payloads(), ['b'])
    assert.equal(third.take('publish')?.dup, true)
  })

test('more retained messages than questions may be open all come', async () => {
  for (const qos of [0, 1] as const) {
    const { stage, questions } = createAsking({ questionsMax: 10, replayQueuedMax: 5 })
    const author = stage.connect('author')
    for (let index = 0; index < 300; index++)
      author.send(make.publish(`r/${index}`, 'x', { retain: true, qos, packetId: 1 }))
    const asked = stage.connect('asked')
    asked.subscribe('r/#', qos)
    for (let index = 0; index < questions.length; index++) {
      await questions[index].answer(true)
      for (let got = asked.take('publish'); got !== undefined; got = asked.take('publish'))
        if (qos === 1) asked.send(make.ack('puback', got.packetId))
    }
    assert.equal(questions.length, 300)
    assert.equal(stage.node.broker.stats.publishSent, 300)
  }
})

/** SUBSCRIBE and UNSUBSCRIBE with more filters than a turn handles: `src/broker/session/filter-list.ts`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as make from '../support/packets.ts'
import { createStage, type Actor, type Stage } from './stage.ts'

const limits = { workPerTurn: 100 }
const MANY = 1000
const filters = Array.from({ length: MANY }, (_, index) => ({
  filter: `f/${index}`,
  qos: 1 as const,
}))
const names = filters.map(({ filter }) => filter)

/** Ends turns until `packet` has come; how many it took. */
function turnsUntil(stage: Stage, actor: Actor, packet: 'suback' | 'unsuback'): number {
  for (let turns = 1; turns < 10_000; turns++) {
    stage.node.broker.endTurn()
    if (actor.inbox.some((got) => make.nameOf(got) === packet)) return turns
  }
  throw new Error(`no ${packet}`)
}

test('a large SUBSCRIBE has one answer in the end, what is behind it waits, others are served', () => {
  const stage = createStage(limits)
  const client = stage.connect('client', {}, 4)
  const bystander = stage.connect('bystander', {}, 4)
  const author = stage.connect('author', {}, 4)
  author.send(make.publish('f/999', 'kept', { retain: true }))
  client.put(
    client.bytesOf(make.subscribe(7, filters), make.publish('f/0', 'behind'), make.pingreq),
  )
  bystander.put(bystander.bytesOf(make.pingreq))
  stage.node.broker.endTurn()
  assert.ok(bystander.take('pingresp'))
  assert.deepEqual(client.inbox, [])
  assert.ok(client.isPaused)
  assert.ok(turnsUntil(stage, client, 'suback') > 5)
  stage.pass(0)
  const { packetId, codes } = client.take('suback')!
  assert.equal(packetId, 7)
  assert.deepEqual(
    codes,
    filters.map(() => 1),
  )
  assert.deepEqual(client.payloads(), ['kept', 'behind'])
  assert.equal(make.nameOf(client.inbox.at(-1)!), 'pingresp')
  assert.ok(!client.isPaused)
  assert.equal(stage.node.broker.filtersOf('client').length, MANY)
})

test('a large UNSUBSCRIBE has one answer in the end, and keeps what it does not name', () => {
  const stage = createStage(limits)
  const client = stage.connect('client')
  client.send(make.subscribe(1, [...filters, { filter: 'other' }]))
  client.take('suback')
  client.put(client.bytesOf(make.unsubscribe(2, [...names, 'unknown'])))
  assert.ok(turnsUntil(stage, client, 'unsuback') > 5)
  assert.deepEqual(client.take('unsuback')?.codes, [...names.map(() => 0), 0x11])
  assert.deepEqual(stage.node.broker.filtersOf('client'), ['other'])
})

for (const [what, packet] of [
  ['SUBSCRIBE', make.subscribe(1, [...filters, { filter: 'a/#/b' }])],
  ['UNSUBSCRIBE', make.unsubscribe(1, [...names, 'a/#/b'])],
] as const)
  test(`a large ${what} with a filter at its end that is none changes nothing`, () => {
    const stage = createStage(limits)
    const client = stage.connect('client', { properties: { sessionExpirySeconds: 100 } })
    client.send(make.subscribe(1, [{ filter: 'f/0' }]))
    client.send(packet)
    assert.equal(client.take('disconnect')?.reason, 0x81)
    assert.deepEqual(stage.node.broker.filtersOf('client'), ['f/0'])
  })

for (const version of [3, 4, 5] as const)
  test(`rights said later grant or refuse a single filter as those said at once do: version ${version}`, async () => {
    const verdictOf = (filter: string): boolean => filter === 'granted'
    const answersOf = async (isLater: boolean): Promise<unknown[]> => {
      const stage = createStage(limits)
      let asked = 0
      stage.node.auth.subscribe = (_who, filter) => {
        asked++
        return isLater ? Promise.resolve(verdictOf(filter)) : verdictOf(filter)
      }
      const client = stage.connect('client', {}, version)
      const answers: unknown[] = []
      for (const [index, filter] of ['granted', 'refused'].entries()) {
        client.send(make.subscribe(index + 1, [{ filter, qos: 1 }]))
        await new Promise(setImmediate)
        stage.pass(0)
        answers.push(client.take('suback'))
      }
      assert.equal(asked, 2)
      assert.deepEqual(stage.node.broker.filtersOf('client'), ['granted'])
      return answers
    }
    const atOnce = await answersOf(false)
    assert.ok(atOnce.every((answer) => answer !== undefined))
    assert.deepEqual(await answersOf(true), atOnce)
  })

test('who leaves in the middle of a large SUBSCRIBE leaves nothing behind, in memory neither', () => {
  const stage = createStage(limits)
  const { broker } = stage.node
  const before = broker.keptBytes
  const client = stage.connect('client')
  client.put(client.bytesOf(make.subscribe(1, filters)))
  broker.endTurn()
  client.cut()
  stage.pass(0)
  assert.equal(broker.counts().subscriptions, 0)
  assert.equal(broker.keptBytes, before)
})

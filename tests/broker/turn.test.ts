/** What one turn does, and what it leaves to the next: `src/broker/state/work.ts`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as make from '../support/packets.ts'
import { createStage, type Actor, type Stage } from './stage.ts'

const limits = { workPerTurn: 100, receiversAtOnce: 4 }
const READERS = 60

function readersOf(stage: Stage, filter: string, options: make.ConnectOptions = {}): Actor[] {
  return Array.from({ length: READERS }, (_, index) => {
    const reader = stage.connect(`r${index}`, options)
    reader.subscribe(filter, 1)
    return reader
  })
}

const publishes = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    make.publish('t', String(index), { qos: 1, packetId: index + 1 }),
  )

test('others are served while messages go out, each is acknowledged behind its last receiver, and order holds', () => {
  const stage = createStage(limits)
  const readers = readersOf(stage, 't')
  const author = stage.connect('author')
  const bystander = stage.connect('bystander')
  author.put(author.bytesOf(...publishes(3)))
  bystander.put(bystander.bytesOf(make.pingreq))
  stage.node.broker.endTurn()
  assert.ok(bystander.take('pingresp'))
  assert.equal(author.take('puback'), undefined)
  assert.ok(readers.some(({ inbox }) => inbox.length === 0))
  stage.pass(0)
  for (const reader of readers) assert.deepEqual(reader.payloads(), ['0', '1', '2'])
  const acks = [1, 2, 3].map(() => author.take('puback')?.packetId)
  assert.deepEqual(acks, [1, 2, 3])
})

test('who unsubscribes while a message goes out gets it no more, who subscribes gets the next', () => {
  const stage = createStage(limits)
  const readers = readersOf(stage, 't')
  const author = stage.connect('author')
  author.put(author.bytesOf(...publishes(1)))
  const last = readers[READERS - 1]
  assert.equal(last.inbox.length, 0)
  last.put(last.bytesOf(make.unsubscribe(2, ['t'])))
  stage.pass(0)
  assert.deepEqual(last.payloads(), [])
  assert.deepEqual(readers[0].payloads(), ['0'])
})

test('a will comes behind what its client published before', () => {
  const stage = createStage(limits)
  const readers = readersOf(stage, '#')
  const mortal = stage.connect('mortal', { will: { topic: 't', payload: 'will', qos: 1 } })
  mortal.put(mortal.bytesOf(...publishes(1)))
  mortal.cut()
  for (const reader of readers) assert.deepEqual(reader.payloads(), ['0', 'will'])
})

test('what one message writes for many sessions at QoS 2 is never half of it safe', () => {
  const stage = createStage(limits)
  const readers = readersOf(stage, 't', { properties: { sessionExpirySeconds: 100 } })
  const author = stage.connect('author', { properties: { sessionExpirySeconds: 100 } })
  author.send(make.publish('t', 'x', { qos: 2, packetId: 1 }))
  assert.ok(author.take('pubrec'))
  const { store } = stage.node
  const sealed = store.seal.bind(store)
  let seals = 0
  let appends = 0
  const append = store.append.bind(store)
  store.append = (...entry) => (appends++, append(...entry))
  store.seal = (batch) => {
    if (appends > 0) {
      seals++
      assert.equal(appends, READERS)
    }
    sealed(batch)
  }
  author.put(author.bytesOf(make.ack('pubrel', 1)))
  stage.node.broker.endTurn()
  assert.ok(appends > 0 && appends < READERS)
  stage.pass(0)
  assert.ok(seals > 0)
  assert.ok(author.take('pubcomp'))
  for (const reader of readers) assert.deepEqual(reader.payloads(), ['x'])
})

test('the subscriptions of a session that ended go by and by, and bring it nothing any more', () => {
  const stage = createStage(limits)
  const many = stage.connect('many')
  const filters = Array.from({ length: 400 }, (_, index) => ({ filter: `+/${index}` }))
  many.send(make.subscribe(1, filters))
  assert.equal(stage.node.broker.counts().subscriptions, 400)
  many.put(many.bytesOf(make.disconnect()))
  stage.node.broker.endTurn()
  const left = stage.node.broker.counts().subscriptions
  assert.ok(left > 0 && left < 400, `${left} left`)
  stage.connect('author').send(make.publish('a/399', 'x'))
  stage.pass(0)
  assert.equal(stage.node.broker.counts().subscriptions, 0)
  assert.deepEqual(many.payloads(), [])
})

const durable = { properties: { sessionExpirySeconds: 100 } }

test('a retained QoS 2 message that waits for the batch of another is retained, and observed once [MQTT-3.3.1-5]', () => {
  const observed: string[] = []
  const stage = createStage(limits, { published: ({ topicName }) => void observed.push(topicName) })
  readersOf(stage, '#', durable)
  const authors = ['a', 'b'].map((name) => stage.connect(name, durable))
  for (const [index, author] of authors.entries())
    author.send(make.publish(`t/${index}`, 'x', { qos: 2, packetId: 1, retain: true }))
  for (const author of authors) author.put(author.bytesOf(make.ack('pubrel', 1)))
  stage.pass(0)
  for (const author of authors) assert.ok(author.take('pubcomp'))
  assert.deepEqual(observed, ['t/0', 't/1'])
  assert.equal(stage.node.broker.counts().retained, 2)
})

test('two who send QoS 2 to many without a pause keep nobody from being acknowledged', () => {
  const stage = createStage(limits)
  readersOf(stage, 't', durable)
  const authors = ['a', 'b'].map((name) => stage.connect(name, durable))
  const { store, broker } = stage.node
  const sealed = store.seal.bind(store)
  let seals = 0
  store.seal = (batch) => (seals++, sealed(batch))
  const more = [make.publish('t', 'x', { qos: 2, packetId: 1 }), make.ack('pubrel', 1)]
  for (let round = 0; round < 10; round++)
    for (const author of authors) author.put(author.bytesOf(...more))
  seals = 0
  for (let turn = 0; turn < 200; turn++) broker.endTurn()
  assert.ok(seals > 2, `${seals} batches`)
})

test('a turn ends though all that is left of its tasks wait for its end', () => {
  const stage = createStage({ workPerTurn: 1000, receiversAtOnce: 4 })
  readersOf(stage, 't', durable)
  const authors = ['a', 'b', 'c'].map((name) => stage.connect(name, durable))
  for (const author of authors) author.send(make.publish('t', 'x', { qos: 2, packetId: 1 }))
  for (const author of authors) author.put(author.bytesOf(make.ack('pubrel', 1)))
  stage.pass(0)
  for (const author of authors) assert.ok(author.take('pubcomp'))
})

test('a message to a shared group is not lost when the turn comes to a member that is new', () => {
  const stage = createStage(limits)
  readersOf(stage, 't')
  const old = stage.connect('old')
  old.subscribe('$share/g/t', 1)
  const author = stage.connect('author')
  author.send(make.publish('t', 'before', { qos: 1, packetId: 9 }))
  const late = stage.connect('late')
  author.put(author.bytesOf(...publishes(1)))
  const filters = ['other', '$share/g/t'].map((filter) => ({ filter, qos: 1 as const }))
  late.put(late.bytesOf(make.subscribe(1, filters)))
  stage.pass(0)
  assert.deepEqual([...old.payloads(), ...late.payloads()], ['before', '0'])
})

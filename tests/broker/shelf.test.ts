import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Shelf } from '../../src/broker/state/shelf.ts'
import { createMessage, Message, type MessageSource } from '../../src/ports/message.ts'

const WALL_MS = 1_700_000_000_000.5

const EMPTY: MessageSource = {
  topic: '',
  payload: new Uint8Array(1),
  qos: 0,
  retain: true,
  properties: {},
  publisher: '',
  publisherUser: null,
  wallMs: WALL_MS,
}

function retainedMessage(index: number, payloadBytes = index % 300): Message {
  return createMessage({
    topic: `site/${index}/é`,
    payload: new Uint8Array(payloadBytes).fill(index),
    qos: (index % 3) as 0 | 1 | 2,
    retain: true,
    properties: index % 4 === 0 ? { messageExpirySeconds: index, contentType: 'x' } : {},
    publisher: `p${index >> 3}`,
    publisherUser: index % 5 === 0 ? null : `u${index >> 4}`,
    wallMs: WALL_MS,
  })
}

const shownBy = (message: Message) => ({
  topic: message.topicName,
  qos: message.qos,
  retain: message.retain,
  payload: [...message.payloadBytes()],
  properties: [...message.properties.subarray(message.propertiesStart, message.propertiesEnd)],
  expiresAtMs: message.expiresAtMs,
  publisher: message.publisher,
  user: message.publisherUser,
})

/** A shelf, and by topic where it says that things are. */
function newShelf() {
  const places = new Map<string, number>()
  const shelf = new Shelf((topic, place) => places.set(topic, place))
  const put = (index: number) => {
    const message = retainedMessage(index)
    places.set(message.topicName, shelf.put(message))
  }
  const drop = (index: number) => {
    const topic = retainedMessage(index).topicName
    shelf.drop(places.get(topic) as number)
    places.delete(topic)
  }
  return { places, shelf, put, drop }
}

test('what is on the shelf comes back as it was, small and large, wherever it was moved', () => {
  const { places, shelf, put, drop } = newShelf()
  for (let index = 0; index < 3000; index++) put(index)
  for (let index = 0; index < 3000; index++) if (index % 7 > 0) drop(index)
  const lent = new Message()
  for (let index = 0; index < 3000; index += 7) {
    const expected = retainedMessage(index)
    const place = places.get(expected.topicName) as number
    assert.equal(shelf.payloadLength(place), index % 300)
    const message = shelf.read(place, lent)
    assert.deepEqual(shownBy(message), shownBy(expected))
    assert.deepEqual(shownBy(message.kept()), shownBy(expected))
  }
})

test('a few messages that stay keep no more pages than they need', () => {
  const { shelf, put, drop } = newShelf()
  for (let index = 0; index < 20_000; index++) put(index)
  const full = shelf.pageCount
  for (let index = 0; index < 20_000; index++) if (index % 50 > 0) drop(index)
  assert.ok(shelf.pageCount < full / 8, `${shelf.pageCount} of ${full}`)
  for (let index = 0; index < 20_000; index += 50) drop(index)
  assert.equal(shelf.pageCount, 0)
})

test('places are used again', () => {
  const { places, put, drop } = newShelf()
  for (let index = 0; index < 50_000; index++) {
    put(index)
    if (index >= 100) drop(index - 100)
  }
  assert.ok(Math.max(...places.values()) < 2 ** 20)
})

for (const payloadBytes of [1, 100])
  test(`one message of ${payloadBytes} bytes that stays among many that go at once keeps no page`, () => {
    const { places, shelf } = newShelf()
    for (let index = 0; index < 20_000; index++) {
      const message = retainedMessage(index, payloadBytes)
      message.publisher = `p${index % 2}`
      const place = shelf.put(message)
      if (index % 100 === 0) places.set(message.topicName, place)
      else shelf.drop(place)
    }
    assert.ok(shelf.pageCount < 8, `${shelf.pageCount} pages`)
    const lent = new Message()
    for (let index = 0; index < 20_000; index += 100) {
      const { topicName, publisher } = shelf.read(places.get(`site/${index}/é`) as number, lent)
      assert.deepEqual([topicName, publisher], [`site/${index}/é`, 'p0'])
    }
  })

test('short messages of two authors in turn are replaced without moving others again and again', () => {
  const places = new Map<string, number>()
  let moves = 0
  const shelf = new Shelf((topic, place) => {
    places.set(topic, place)
    moves++
  })
  const replace = (index: number): void => {
    const topic = `d/${index % 3000}`
    const message = createMessage({ ...EMPTY, topic, publisher: `p${index % 2}` })
    const previous = places.get(topic)
    places.set(topic, shelf.put(message))
    if (previous !== undefined) shelf.drop(previous)
  }
  for (let index = 0; index < 3000; index++) replace(index)
  for (let index = 0; index < 7 * 3000; index += 7) replace(index)
  assert.ok(moves < 3000, `${moves} moves for 3000 replaced`)
})

/** What comes next, of few topics: its size, so that it is cleared, or shares a page, or has a place of its own; and who wrote it. */
const step = fc.record({
  topic: fc.nat(40),
  payloadBytes: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 }), fc.nat(300)),
  author: fc.nat(3),
  times: fc.constantFrom(1, 1, 2, 90, 300),
})

test('a shelf is what a table of messages would be, whoever writes them in whatever order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const places = new Map<string, number>()
      const shelf = new Shelf((topic, place) => places.set(topic, place))
      const table = new Map<string, Message>()
      for (const { topic, payloadBytes, author, times } of steps)
        for (let time = 0; time < times; time++) {
          const message = retainedMessage((topic + time) % 50, payloadBytes)
          message.publisher = `${(author * time) % 4}`
          const name = message.topicName
          const place = payloadBytes > 0 ? shelf.put(message) : undefined
          const previous = places.get(name)
          if (place === undefined) places.delete(name)
          else places.set(name, place)
          if (previous !== undefined) shelf.drop(previous)
          if (place === undefined) table.delete(name)
          else table.set(name, message)
        }
      const lent = new Message()
      for (const [name, message] of table)
        assert.deepEqual(shownBy(shelf.read(places.get(name) as number, lent)), shownBy(message))
      for (const name of table.keys()) shelf.drop(places.get(name) as number)
      assert.equal(shelf.pageCount, 0)
    }),
  )
})

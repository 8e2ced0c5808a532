/** Large messages that a link takes on the spot, or a part of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as make from '../support/packets.ts'
import { createStage, type Actor } from './stage.ts'

const BYTES = 40_000
const payload = Uint8Array.from({ length: BYTES }, (_, at) => at ^ (at >> 8))
/** First byte, three of the length, topic. */
const HEAD = 1 + 3 + 2 + 1

/** A link that takes so many bytes within the call. */
function takes(actor: Actor, count: number): void {
  actor.writeSome = (head, headLength, body) => {
    const both = new Uint8Array(headLength + body.length)
    both.set(head.subarray(0, headLength))
    both.set(body, headLength)
    const gone = Math.min(count, both.length)
    if (gone > 0) actor.write(both, gone)
    return gone
  }
}

for (const gone of [0, 1, HEAD - 1, HEAD, HEAD + 1, HEAD + BYTES - 1, HEAD + BYTES, Infinity])
  for (const before of [0, 3])
    test(`${gone} bytes of a large message go at once, ${before} small ones are before it`, () => {
      const stage = createStage()
      const readers = [stage.connect('one', {}, 4), stage.connect('two', {}, 4)]
      for (const reader of readers) {
        reader.subscribe('t', 0)
        takes(reader, gone)
      }
      const author = stage.connect('author', {}, 4)
      const small = Array.from({ length: before }, (_, at) => make.publish('t', `${at}`))
      author.send(...small, make.publish('t', payload), make.publish('t', 'behind'))
      // What was read is written over.
      author.send(make.publish('other', new Uint8Array(2 * BYTES)))
      for (const reader of readers) {
        const came = reader.inbox.map((packet) => ('payload' in packet ? packet.payload : null))
        assert.equal(came.length, before + 2)
        assert.deepEqual(came[before], payload)
        assert.deepEqual(came[before + 1], new TextEncoder().encode('behind'))
      }
    })

test('while a large message waits for its link the next ones wait behind it', () => {
  const stage = createStage()
  const reader = stage.connect('reader', {}, 4)
  reader.subscribe('t', 0)
  reader.writeSome = () => 0
  reader.isStuck = true
  const author = stage.connect('author', {}, 4)
  author.send(make.publish('t', payload))
  reader.writeSome = () => assert.fail('asked of a link that has an array')
  author.send(make.publish('t', payload))
  assert.equal(reader.inbox.length, 0)
})

test('what links leave of a large message is counted once while it waits, and no more when it went', () => {
  const stage = createStage()
  const { broker } = stage.node
  const readers = ['one', 'two', 'three'].map((name) => stage.connect(name, {}, 4))
  for (const reader of readers) {
    reader.subscribe('t', 0)
    takes(reader, HEAD + 100)
  }
  const author = stage.connect('author', {}, 4)
  // Its topic is remembered.
  author.send(make.publish('t', 'before'))
  const before = broker.keptBytes
  author.put(author.bytesOf(make.publish('t', payload)))
  for (const reader of readers) reader.isStuck = true
  stage.pass(0)
  const waits = broker.keptBytes - before
  assert.ok(waits > BYTES && waits < 2 * BYTES, `${waits} bytes`)
  for (const reader of readers) {
    reader.isStuck = false
    reader.drain()
  }
  assert.equal(broker.keptBytes, before)
})

test('of a connection that is cut nothing is counted that its link left of a large message', () => {
  const stage = createStage()
  const { broker } = stage.node
  const author = stage.connect('author', {}, 4)
  // Its topic is remembered.
  author.send(make.publish('t', 'before'))
  const before = broker.keptBytes
  const reader = stage.connect('reader', {}, 4)
  reader.subscribe('t', 0)
  takes(reader, HEAD - 1)
  author.put(author.bytesOf(make.publish('t', payload)))
  reader.isStuck = true
  stage.pass(0)
  assert.ok(broker.keptBytes - before > BYTES)
  reader.cut()
  assert.equal(broker.keptBytes, before)
})

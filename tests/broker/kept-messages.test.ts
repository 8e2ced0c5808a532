/** Where the bytes of kept messages lie. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMessage, Message, Slab } from '../../src/ports/message.ts'

/** A message on its way, of `size` bytes of payload. */
function onItsWay(slab: Slab, size: number, fill: number): Message {
  const message = new Message(slab)
  message.borrowed = true
  message.topicName = 't'
  message.lay(new Uint8Array(1 + size).fill(fill), 0, 1, 0, size)
  return message
}

test('what stays long keeps no more than 1 KiB alive beside it, and shares that', () => {
  const slab = new Slab()
  const kept = [1, 2, 3].map((fill) => onItsWay(slab, 100, fill).owned())
  assert.ok(kept.every(({ payload }) => payload.byteLength <= 1024))
  assert.ok(kept.every(({ payload }) => payload === kept[0].payload))
  for (const [index, message] of kept.entries())
    assert.deepEqual(
      [...message.payloadBytes()],
      Array.from({ length: 100 }, () => index + 1),
    )
})

test('a message of more than a quarter of that has an array of its own', () => {
  const slab = new Slab()
  const [first, second] = [1, 2].map((fill) => onItsWay(slab, 300, fill).owned())
  assert.notEqual(first.payload, second.payload)
  assert.equal(first.payload.byteLength, first.size)
})

test('those kept for a queue lie in other arrays than those that stay long', () => {
  const slab = new Slab()
  const message = onItsWay(slab, 100, 1)
  assert.notEqual(message.kept().payload, message.owned().payload)
})

test('no message is left more time than four bytes can say, whatever the clock does [MQTT-3.3.2-6]', () => {
  const message = createMessage({
    topic: 't',
    payload: new Uint8Array(0),
    qos: 0,
    retain: false,
    properties: { messageExpirySeconds: 0xffff_ffff },
    publisher: '',
    publisherUser: null,
    wallMs: 1000,
  })
  assert.equal(message.secondsLeft(999), 0xffff_ffff)
})

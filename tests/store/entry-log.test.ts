import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createMessage, type Message } from '../../src/ports/message.ts'
import { EntryLog } from '../../src/store/entry-log.ts'

const IDENTIFIER_MAX = 268_435_455

function queued(index: number, payloadBytes = (index * 37) % 200): Message {
  return createMessage({
    topic: `q/${index % 7}`,
    payload: new Uint8Array(payloadBytes).fill(index),
    qos: (index % 3) as 0 | 1 | 2,
    retain: false,
    properties: index % 5 === 0 ? { messageExpirySeconds: index + 1 } : {},
    publisher: `p${index % 2}`,
    publisherUser: null,
    wallMs: 1_700_000_000_000,
  })
}

const textOf = (message: Message) =>
  [
    message.topicName,
    message.qos,
    message.expiresAtMs,
    message.publisher,
    ...message.payloadBytes(),
  ].join()

const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('append' as const), at: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('first' as const), at: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), at: fc.nat(300) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), at: fc.nat(300) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('read' as const), at: fc.nat(300) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rest' as const), at: fc.constant(0) }) },
)

test('a log of entries is what a list of them would be, and what was read stays as it was', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 300 }), (actions) => {
      const log = new EntryLog()
      const list = new Map<number, { text: string; released: boolean; message: Message }>()
      const lent: { message: Message; text: string }[] = []
      let last = 0
      for (const { do: what, at } of actions) {
        const [first = 1] = list.keys()
        const sequence = what === 'first' ? first : at + 1
        if (what === 'append') {
          last += 1 + at
          const message = queued(last)
          log.append(last, message, message.qos, last % 2 === 0, IDENTIFIER_MAX - last)
          list.set(last, { text: textOf(message), released: false, message })
        } else if (what === 'first' || what === 'remove') {
          assert.equal(log.remove(sequence) !== undefined, list.delete(sequence))
        } else if (what === 'release') {
          log.release(sequence)
          const entry = list.get(sequence)
          if (entry !== undefined) entry.released = true
        } else if (what === 'rest') log.rest()
        else
          for (const { message } of log.read(at, 3)) lent.push({ message, text: textOf(message) })
      }
      const entries = log.read(0, Infinity)
      assert.deepEqual(
        entries.map((entry) => [
          entry.sequence,
          textOf(entry.message),
          entry.qos,
          entry.retain,
          entry.subscriptionId,
          entry.released,
        ]),
        [...list].map(([sequence, { text, message, released }]) => [
          sequence,
          text,
          message.qos,
          sequence % 2 === 0,
          IDENTIFIER_MAX - sequence,
          released,
        ]),
      )
      assert.equal(log.size, list.size)
      assert.equal(
        log.payloadBytes,
        [...list.values()].reduce((sum, { message }) => sum + message.payloadLength, 0),
      )
      for (const { message, text } of lent) assert.equal(textOf(message), text)
      for (const sequence of list.keys()) log.remove(sequence)
      log.rest()
      assert.equal(log.bytes, 0)
    }),
    { numRuns: 300 },
  )
})

test('what has gone takes nothing, though one entry stays out', () => {
  const log = new EntryLog()
  const message = queued(3)
  for (let sequence = 1; sequence <= 50_000; sequence++) {
    log.append(sequence, message, 1, false, 0)
    if (sequence > 1) log.remove(sequence)
  }
  assert.ok(log.bytes < 40_000, `${log.bytes} bytes`)
  log.remove(1)
  log.rest()
  assert.equal(log.bytes, 0)
})

test('pages that were read, and pages that many wrote to, go with what was in them', () => {
  const log = new EntryLog()
  for (const isRead of [false, true]) {
    for (let sequence = 1; sequence <= 50_000; sequence++) {
      log.append(sequence, queued(sequence, 60), 1, false, 0)
      if (isRead) assert.equal(log.read(0, 1).length, 1)
      log.remove(sequence)
    }
    assert.ok(log.bytes < 40_000, `${log.bytes} bytes`)
    log.rest()
    assert.equal(log.bytes, 0)
  }
})

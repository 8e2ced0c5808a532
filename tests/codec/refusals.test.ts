import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { EncodeError } from '../../src/codec/encode-error.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { readFrame, type FrameHeader } from '../../src/codec/frame.ts'
import type { MessageValues } from '../../src/codec/message-check.ts'
import { checkMessage } from '../../src/codec/message-check.ts'
import type { Packet, Properties, Qos, Version } from '../../src/codec/packets.ts'
import { anyPacket } from './arbitraries.ts'

/** Values that some field of some packet must not have. */
const NASTY: readonly unknown[] = [
  'a\tb',
  'nul\0',
  '\uffff',
  '\ufdd0',
  '\u{1fffe}',
  'c1\u0085',
  '\ud800',
  'x'.repeat(65_536),
  '',
  'a/#',
  '$share/g/x',
  '1',
  -1,
  0,
  0.5,
  3,
  4,
  6,
  256,
  65_536,
  2 ** 28,
  2 ** 32,
  Number.NaN,
  true,
  false,
  null,
  [],
  [[]],
  new Uint8Array(65_536),
]

type Path = readonly (string | number)[]

function leaves(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [path]
  return [path, ...Object.entries(value).flatMap(([key, each]) => leaves(each, [...path, key]))]
}

/** The packet with one of its fields, chosen by `pick`, set to `nasty`. */
function spoiled(packet: Packet, pick: number, nasty: unknown): Packet {
  const copy = structuredClone(packet)
  const paths = leaves(copy).filter((path) => path.length > 0 && path[0] !== 'type')
  if (paths.length === 0) return copy
  const path = paths[pick % paths.length]
  let holder = copy as unknown as Record<string, unknown>
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string, unknown>
  holder[path.at(-1) as string] = nasty
  return copy
}

/** Whether it was encoded; asserts that a refusal is an EncodeError and leaves nothing behind. */
function isEncoded(out: ByteWriter, version: Version, packet: Packet): boolean {
  try {
    encodePacket(out, version, packet)
    return true
  } catch (error) {
    // A structure of the wrong type altogether is the compiler's to refuse.
    assert.ok(error instanceof EncodeError || error instanceof TypeError, String(error))
    assert.equal(out.length, 0)
    return false
  }
}

for (const version of [3, 4, 5] as const) {
  test(`whatever is encoded is decoded, version ${version}`, () => {
    fc.assert(
      fc.property(
        anyPacket(version),
        fc.nat(100),
        fc.constantFrom(...NASTY),
        (packet, pick, nasty) => {
          const out = new ByteWriter(new Uint8Array(64))
          if (!isEncoded(out, version, spoiled(packet, pick, nasty))) return
          const frame: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }
          assert.ok(readFrame(out.bytes, 0, out.length, frame))
          decodePacket(version, frame.first, out.bytes, frame.bodyStart, frame.frameEnd)
        },
      ),
      { numRuns: 10_000 },
    )
  })
}

const good: MessageValues = {
  topic: 'a/b',
  payload: new Uint8Array(2),
  qos: 1,
  retain: false,
  properties: {},
}

const bad: [string, object][] = [
  ['a tab in the topic', { topic: 'a\tb' }],
  ['a NUL in the topic', { topic: 'a\0b' }],
  ['U+FFFF in the topic [MQTT-1.5.4-1]', { topic: 'a\uffff' }],
  ['half of a surrogate pair in the topic', { topic: 'a\ud800' }],
  ['a topic of 65,536 bytes', { topic: 'x'.repeat(65_536) }],
  ['an empty topic [MQTT-4.7.3-1]', { topic: '' }],
  ['a wildcard in the topic [MQTT-3.3.2-2]', { topic: 'a/#' }],
  ['QoS 3 [MQTT-3.3.1-4]', { qos: 3 }],
  ['QoS "1"', { qos: '1' }],
  ['a number for a payload', { payload: 21.5 }],
  ['a text for retain', { retain: 'false' }],
]
const badProperties: [string, object][] = [
  ['a tab in the content type', { contentType: 'a\tb' }],
  ['a NUL in a user property', { userProperties: [['a', 'b\0']] }],
  ['a user property without a value', { userProperties: [['a']] }],
  ['a wildcard in the response topic [MQTT-3.3.2-14]', { responseTopic: '+/x' }],
  ['correlation data of 65,536 bytes', { correlationData: new Uint8Array(65_536) }],
  ['payload format 2', { payloadFormat: 2 }],
  ['an expiry of 2^32 seconds', { messageExpirySeconds: 2 ** 32 }],
  ['topic alias 0 [MQTT-3.3.2-8]', { topicAlias: 0 }],
  ['a property of CONNECT', { receiveMaximum: 1 }],
]

test('a message with nothing wrong passes', () => checkMessage(good))

for (const [name, change] of bad)
  test(`a message with ${name} is refused`, () => {
    assert.throws(() => checkMessage({ ...good, ...change }), EncodeError)
  })

for (const [name, properties] of badProperties)
  test(`a message with ${name} is refused`, () => {
    assert.throws(() => checkMessage({ ...good, properties }), EncodeError)
  })

test('a number that is given as text is shown as text', () => {
  assert.throws(() => checkMessage({ ...good, qos: '1' as unknown as Qos }), {
    name: 'EncodeError',
    message: "QoS is the text '1', not a whole number from 0 to 2",
  })
})

test('a payload that is no UTF-8 but says so is refused; newlines are no fault', () => {
  const properties: Properties = { payloadFormat: 1 }
  assert.throws(
    () => checkMessage({ ...good, payload: Uint8Array.of(0xff), properties }),
    EncodeError,
  )
  checkMessage({ ...good, payload: Uint8Array.of(10, 9, 0), properties })
})

test('a property that is none is named, and one of another packet with the packet', () => {
  const publish = (properties: object) => (): void =>
    checkMessage({
      topic: 'a',
      payload: new Uint8Array(0),
      qos: 0,
      retain: false,
      properties,
    })
  const interval = { messageExpiryInterval: 60 }
  assert.throws(publish(interval), {
    name: 'EncodeError',
    message: 'messageExpiryInterval: there is no property of this name',
  })
  const delay = { willDelaySeconds: 1 }
  assert.throws(publish(delay), {
    name: 'EncodeError',
    message: 'willDelaySeconds: PUBLISH cannot carry it',
  })
})

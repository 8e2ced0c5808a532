import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAck } from '../../src/codec/ack.ts'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { readFrame, type FrameHeader } from '../../src/codec/frame.ts'
import type { PublishPacket, Version } from '../../src/codec/packets.ts'
import { ProtocolError } from '../../src/codec/protocol-error.ts'
import {
  appendPublish,
  appendPublishHead,
  encodeForwardableProperties,
  publishSize,
  type PublishParts,
} from '../../src/codec/encode-publish.ts'
import { PublishView, forwardableProperties, parsePublish } from '../../src/codec/publish.ts'
import { fromHex, toHex } from './fixture.ts'
import { FIXTURES } from './fixtures.ts'

const FRAME: FrameHeader = { first: 0, bodyStart: 0, frameEnd: 0 }
const ALL_PROPERTIES = 'PUBLISH 5.0 with every property'

function fixture(name: string): Uint8Array {
  const found = FIXTURES.find((row) => row.name === name)
  assert.ok(found)
  return fromHex(found.hex)
}

/** Parses one frame that lies `before` bytes into a larger buffer. */
function parse(version: Version, frame: Uint8Array, before = 3): PublishView {
  const bytes = new Uint8Array(before + frame.length + 9).fill(0xff)
  bytes.set(frame, before)
  assert.ok(readFrame(bytes, before, bytes.length, FRAME))
  const view = new PublishView(true)
  parsePublish(view, version, bytes, before, FRAME.bodyStart, FRAME.frameEnd)
  return view
}

function partsOf(topic: string, propertiesHex: string, payloadHex: string): PublishParts {
  const properties = fromHex(`ee ${propertiesHex} ee`)
  const payload = fromHex(`ee ${payloadHex} ee`)
  const topicBytes = new TextEncoder().encode(`x${topic}x`)
  return {
    topic: topicBytes,
    topicStart: 1,
    topicEnd: topicBytes.length - 1,
    properties,
    propertiesStart: 1,
    propertiesEnd: properties.length - 1,
    payload,
    payloadStart: 1,
    payloadEnd: payload.length - 1,
  }
}

type Told = readonly [expiry: number, ids: readonly number[] | null, alias: number, omit: boolean]
const NOTHING: Told = [-1, null, 0, false]

function append(
  version: Version,
  flags: number,
  packetId: number,
  parts: PublishParts,
  told: Told,
) {
  const out = new ByteWriter(new Uint8Array(1))
  out.append(fromHex('c000'), 0, 2)
  const packetIdAt = appendPublish(out, version, flags, packetId, parts, ...told)
  const bytes = out.bytes.slice(2, out.length)
  assert.equal(publishSize(version, flags, packetId, parts, ...told), bytes.length)
  const head = new ByteWriter(new Uint8Array(1))
  assert.equal(
    appendPublishHead(head, version, flags, packetId, parts, ...told),
    packetIdAt < 0 ? -1 : packetIdAt - 2,
  )
  const headBytes = bytes.length - (parts.payloadEnd - parts.payloadStart)
  assert.deepEqual(head.bytes.slice(0, head.length), bytes.slice(0, headBytes))
  return { bytes, packetIdAt: packetIdAt - 2 }
}

test('a view holds every range and value of a PUBLISH', () => {
  const view = parse(5, fixture(ALL_PROPERTIES))
  const text = (start: number, end: number) =>
    Buffer.from(view.bytes.subarray(start, end)).toString()
  assert.equal(text(view.topicStart, view.topicEnd), 'a/b')
  assert.equal(text(view.payloadStart, view.payloadEnd), 'hi')
  assert.equal(text(view.responseTopicStart, view.responseTopicEnd), 'r')
  const { dup, qos, retain, packetId, topicAlias, messageExpirySeconds, payloadFormat } = view
  assert.deepEqual(
    { dup, qos, retain, packetId, topicAlias, messageExpirySeconds, payloadFormat },
    {
      dup: false,
      qos: 2,
      retain: false,
      packetId: 0x102,
      topicAlias: 1,
      messageExpirySeconds: 60,
      payloadFormat: 1,
    },
  )
  assert.ok(view.hasSubscriptionId)
  assert.ok(!view.plain)
})

test('a view keeps nothing of the PUBLISH before', () => {
  const bytes = new Uint8Array(200)
  const full = fixture(ALL_PROPERTIES)
  const bare = fixture('PUBLISH 5.0 QoS 0')
  bytes.set(full)
  bytes.set(bare, full.length)
  const view = new PublishView(true)
  readFrame(bytes, 0, full.length, FRAME)
  parsePublish(view, 5, bytes, 0, FRAME.bodyStart, FRAME.frameEnd)
  readFrame(bytes, full.length, bytes.length, FRAME)
  parsePublish(view, 5, bytes, full.length, FRAME.bodyStart, FRAME.frameEnd)
  const fresh = new PublishView(true)
  parsePublish(fresh, 5, bytes, full.length, FRAME.bodyStart, FRAME.frameEnd)
  assert.deepEqual(view, fresh)
  assert.ok(view.plain)
})

test('properties without alias, expiry and subscription ids are forwarded as they came', () => {
  const view = parse(5, fromHex('30 0d 0001 61 09 0101 26 0001 6b 0001 76'))
  assert.ok(view.plain)
  assert.equal(toHex(forwardableProperties(view)), '01012600016b000176')
})

test('what is of one hop only is cut out of the forwarded properties', () => {
  const view = parse(5, fixture(ALL_PROPERTIES))
  const rest = '0101 03 0001 74 08 0001 72 09 0002 01ff 26 0001 6b 0001 76'
  assert.equal(toHex(forwardableProperties(view)), toHex(fromHex(rest)))
})

test('the properties of a message from inside are those a parsed one would forward', () => {
  const bytes = fixture(ALL_PROPERTIES)
  readFrame(bytes, 0, bytes.length, FRAME)
  const packet = decodePacket(5, FRAME.first, bytes, FRAME.bodyStart, FRAME.frameEnd)
  const { properties } = packet as PublishPacket
  assert.deepEqual(
    encodeForwardableProperties(properties),
    forwardableProperties(parse(5, fixture(ALL_PROPERTIES))),
  )
})

const APPENDED: readonly (readonly [
  name: string,
  version: Version,
  flags: number,
  told: Told,
  hex: string,
])[] = [
  ['QoS 0', 4, 0, NOTHING, '30 07 0003 612f62 6869'],
  ['QoS 0 retained', 4, 1, NOTHING, '31 07 0003 612f62 6869'],
  ['QoS 1, again', 4, 10, NOTHING, '3a 09 0003 612f62 1234 6869'],
  ['nothing of 5.0', 3, 2, [9, [1], 1, false], '32 09 0003 612f62 1234 6869'],
  ['properties', 5, 0, NOTHING, '30 0a 0003 612f62 02 0101 6869'],
  ['expiry', 5, 4, [9, null, 0, false], '34 11 0003 612f62 1234 07 0101 0200000009 6869'],
  ['ids', 5, 0, [-1, [1, 128], 0, false], '30 0f 0003 612f62 07 0101 0b01 0b8001 6869'],
  ['an alias with its topic', 5, 0, [-1, null, 3, false], '30 0d 0003 612f62 05 0101 230003 6869'],
  ['an alias alone', 5, 2, [-1, null, 3, true], '32 0c 0000 1234 05 0101 230003 6869'],
]

for (const [name, version, flags, told, hex] of APPENDED) {
  test(`a PUBLISH is appended with ${name}, version ${version}`, () => {
    const { bytes, packetIdAt } = append(
      version,
      flags,
      0x1234,
      partsOf('a/b', '0101', '6869'),
      told,
    )
    assert.equal(toHex(bytes), toHex(fromHex(hex)))
    if ((flags & 6) === 0) assert.ok(packetIdAt < 0)
    else assert.equal(toHex(bytes.subarray(packetIdAt, packetIdAt + 2)), '1234')
  })
}

test('a PUBLISH is appended whatever the size of its payload', () => {
  for (const size of [0, 1, 119, 120, 121, 122, 127, 128, 16_383, 16_384, 2_097_152]) {
    const parts = partsOf('a', '', 'ab'.repeat(size))
    const { bytes } = append(5, 0, 0, parts, NOTHING)
    const view = parse(5, bytes)
    const payload = view.bytes.subarray(view.payloadStart, view.payloadEnd)
    assert.ok(payload.length === size && payload.every((byte) => byte === 0xab))
  }
})

test('every acknowledgement reads the same by the short way', () => {
  for (const { versions, hex, packet } of FIXTURES) {
    if (packet.type < 4 || packet.type > 7 || !('packetId' in packet)) continue
    const bytes = fromHex(hex)
    const reason = 'reason' in packet ? packet.reason : 0
    for (const version of versions) {
      readFrame(bytes, 0, bytes.length, FRAME)
      const read = readAck(version, FRAME.first, bytes, FRAME.bodyStart, FRAME.frameEnd)
      assert.equal(read, packet.packetId | (reason << 16))
    }
  }
})

test('0x95 in PUBACK and PUBREC is taken of a server, which may be mosquitto, and of nobody else', () => {
  for (const first of [0x40, 0x50]) {
    const bytes = Uint8Array.of(first, 3, 0, 1, 0x95)
    assert.equal(readAck(5, first, bytes, 2, 5, true), 1 | (0x95 << 16))
    assert.throws(() => readAck(5, first, bytes, 2, 5), ProtocolError)
    assert.ok(decodePacket(5, first, bytes, 2, 5, { fromClient: false }))
    assert.throws(() => decodePacket(5, first, bytes, 2, 5, { fromClient: true }), ProtocolError)
  }
})

for (const [version, hex, reason] of [
  [4, '40 01 00', 0x81],
  [4, '40 03 0001 00', 0x81],
  [5, '40 02 0000', 0x82],
  [5, '40 03 0001 92', 0x82],
  [5, '40 05 0001 00 00 00', 0x81],
  [5, '40 06 0001 00 02 1f00', 0x81],
] as const) {
  test(`the acknowledgement ${hex} is refused by the short way too, version ${version}`, () => {
    const bytes = fromHex(hex)
    assert.throws(
      () => readAck(version, 0x40, bytes, 2, bytes.length),
      (error) => error instanceof ProtocolError && error.reason === reason,
    )
  })
}

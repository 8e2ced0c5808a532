import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { EncodeError } from '../../src/codec/encode-error.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { readFrame, type FrameHeader } from '../../src/codec/frame.ts'
import type { Packet, Version } from '../../src/codec/packets.ts'
import { fromHex, toHex } from './fixture.ts'
import { FIXTURES } from './fixtures.ts'

/** Feeds `chunks` as a connection would: kept together until a frame is whole. */
function receive(version: Version, chunks: readonly Uint8Array[]): Packet[] {
  const frame: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }
  const packets: Packet[] = []
  const input = new ByteWriter(new Uint8Array(1))
  let at = 0
  for (const chunk of chunks) {
    input.append(chunk, 0, chunk.length)
    while (readFrame(input.bytes, at, input.length, frame)) {
      const { first, bodyStart, frameEnd } = frame
      packets.push(decodePacket(version, first, input.bytes, bodyStart, frameEnd))
      at = frameEnd
    }
  }
  assert.equal(at, input.length)
  return packets
}

function encode(version: Version, packet: Packet): string {
  const out = new ByteWriter(new Uint8Array(1))
  encodePacket(out, version, packet)
  return toHex(out.bytes.subarray(0, out.length))
}

for (const { name, versions, hex, packet } of FIXTURES) {
  for (const version of versions) {
    const bytes = fromHex(hex)

    test(`${name}, version ${version}: is decoded whole`, () => {
      assert.deepEqual(receive(version, [bytes]), [packet])
    })

    test(`${name}, version ${version}: is encoded to these bytes`, () => {
      assert.equal(encode(version, packet), toHex(bytes))
    })

    test(`${name}, version ${version}: is decoded when split at any byte`, () => {
      for (let i = 1; i < bytes.length; i++) {
        assert.deepEqual(receive(version, [bytes.subarray(0, i), bytes.subarray(i)]), [packet])
      }
    })

    test(`${name}, version ${version}: is decoded one byte at a time, twice over`, () => {
      const chunks = [...bytes, ...bytes].map((byte) => Uint8Array.of(byte))
      assert.deepEqual(receive(version, chunks), [packet, packet])
    })

    test(`${name}, version ${version}: is refused when its body is cut anywhere`, () => {
      const frame: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }
      readFrame(bytes, 0, bytes.length, frame)
      for (let end = frame.bodyStart; end < bytes.length; end++) {
        let cut: Packet
        try {
          cut = decodePacket(version, frame.first, bytes, frame.bodyStart, end)
        } catch (error) {
          assert.equal((error as Error).name, 'ProtocolError')
          continue
        }
        // Some packets are whole at several lengths; none of them may be the one that was cut.
        assert.notDeepEqual(cut, packet)
      }
    })
  }
}

test('a failed encoding leaves the output as it was', () => {
  const out = new ByteWriter(new Uint8Array(4))
  encodePacket(out, 4, { type: 12 })
  const bad: Packet = { type: 10, packetId: 1, filters: ['\ud800'], properties: {} }
  assert.throws(() => encodePacket(out, 4, bad), EncodeError)
  assert.equal(out.length, 2)
})

test('a property that a packet cannot carry is not encoded', () => {
  const bad: Packet = { type: 14, reason: 0, properties: { topicAlias: 1 } }
  assert.throws(() => encode(5, bad), EncodeError)
})

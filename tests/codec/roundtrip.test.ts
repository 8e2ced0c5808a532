import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { readFrame, type FrameHeader } from '../../src/codec/frame.ts'
import type { Version } from '../../src/codec/packets.ts'
import { ProtocolError } from '../../src/codec/protocol-error.ts'
import { anyPacket } from './arbitraries.ts'

const VERSIONS: readonly Version[] = [3, 4, 5]

for (const version of VERSIONS) {
  test(`any packet is decoded as it was encoded, version ${version}`, () => {
    fc.assert(
      fc.property(anyPacket(version), fc.nat(20), (packet, before) => {
        const out = new ByteWriter(new Uint8Array(before))
        out.length = before
        encodePacket(out, version, packet)
        const frame: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }
        assert.ok(readFrame(out.bytes, before, out.length, frame))
        assert.equal(frame.frameEnd, out.length)
        const { first, bodyStart, frameEnd } = frame
        assert.deepEqual(decodePacket(version, first, out.bytes, bodyStart, frameEnd), packet)
      }),
      { numRuns: 2_000 },
    )
  })

  test(`a decoded packet shares no bytes with its input, version ${version}`, () => {
    fc.assert(
      fc.property(anyPacket(version), (packet) => {
        const out = new ByteWriter(new Uint8Array(64))
        encodePacket(out, version, packet)
        const frame: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }
        readFrame(out.bytes, 0, out.length, frame)
        const { first, bodyStart, frameEnd } = frame
        const decoded = decodePacket(version, first, out.bytes, bodyStart, frameEnd)
        out.bytes.fill(0xee)
        assert.deepEqual(decoded, packet)
      }),
    )
  })

  test(`random bytes are decoded or refused, version ${version}`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array(), (first, body) => {
        try {
          assert.equal(decodePacket(version, first, body, 0, body.length).type, first >> 4)
        } catch (error) {
          assert.ok(error instanceof ProtocolError)
        }
      }),
      { numRuns: 5_000 },
    )
  })
}

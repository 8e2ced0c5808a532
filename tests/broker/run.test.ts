/** Frames that are copied together are what they would be copied one by one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Run } from '../../src/broker/state/run.ts'
import { ByteWriter } from '../../src/codec/byte-writer.ts'

const CHUNK = Uint8Array.from({ length: 400 }, (_, index) => index)
const FRAME_BYTES = 10
const ID_OFFSET = 3

/** One of two outputs gets the frame that is next, or another one, or bytes of its own; or what is owed is copied. */
const step = fc.record({
  out: fc.nat(1),
  kind: fc.constantFrom('next', 'next', 'next', 'other', 'own', 'settle'),
  frame: fc.nat(39),
  packetId: fc.constantFrom(0, 0, 7, 0x1234),
})

test('frames copied together are those copied one by one, whatever is appended between', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const run = new Run()
      const outs = [new ByteWriter(new Uint8Array(16)), new ByteWriter(new Uint8Array(16))]
      const expected: number[][] = [[], []]
      let next = 0
      for (const { out, kind, frame, packetId } of steps) {
        if (kind === 'settle') run.settle()
        else if (kind === 'own') {
          outs[out].append(CHUNK, 1, 4)
          expected[out].push(1, 2, 3)
        } else {
          const start = (kind === 'next' ? next++ % 40 : frame) * FRAME_BYTES
          run.add(outs[out], CHUNK, start, start + FRAME_BYTES, packetId, ID_OFFSET)
          const bytes = [...CHUNK.subarray(start, start + FRAME_BYTES)]
          if (packetId > 0) bytes.splice(ID_OFFSET, 2, packetId >> 8, packetId & 0xff)
          expected[out].push(...bytes)
        }
      }
      run.settle()
      for (const [index, { bytes, length }] of outs.entries())
        assert.deepEqual([...bytes.subarray(0, length)], expected[index])
    }),
  )
})

test('a run of more packet identifiers than it takes at once goes on as another', () => {
  const run = new Run()
  const out = new ByteWriter(new Uint8Array(16))
  const count = 5000
  const source = new Uint8Array(count * 4)
  for (let index = 0; index < count; index++)
    run.add(out, source, index * 4, index * 4 + 4, index + 1, 2)
  run.settle()
  for (let index = 0; index < count; index++)
    assert.equal((out.bytes[index * 4 + 2] << 8) | out.bytes[index * 4 + 3], index + 1)
})

/** Packets cut out of chunks, wherever the cuts are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { announcedBytes, readFrame, type FrameHeader } from '../../src/codec/frame.ts'
import { CutPacket, Framer, SpareArrays } from '../../src/codec/framer.ts'

const KB = 1024

/** A packet of type 3 whose body is `length` bytes, all of them `fill`. */
function packetOf(length: number, fill: number): Uint8Array {
  const varint: number[] = []
  let rest = length
  do {
    varint.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest >>= 7
  } while (rest > 0)
  const packet = new Uint8Array(1 + varint.length + length).fill(fill)
  packet.set([0x30, ...varint])
  return packet
}

test('packets are the same wherever their bytes are cut', () => {
  const lengths = fc.array(fc.oneof(fc.nat(300), fc.nat(200 * KB)), { maxLength: 6 })
  const cuts = fc.array(fc.oneof(fc.nat(600), fc.nat(70 * KB)), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(lengths, cuts, (bodies, steps) => {
      const stream = Buffer.concat(bodies.map((length, index) => packetOf(length, index + 1)))
      const framer = new Framer(1 << 20)
      const found: [length: number, first: number, last: number][] = []
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const end = Math.min(stream.length, at + Math.max(1, steps[turn % steps.length]))
        // The array is the caller's again after the call.
        const chunk = Uint8Array.prototype.slice.call(stream, at, end)
        framer.push(chunk, 0, chunk.length, (first, bytes, _start, bodyStart, to) => {
          assert.equal(first, 0x30)
          found.push([to - bodyStart, bytes[bodyStart] ?? 0, bytes[to - 1]])
          return true
        })
        chunk.fill(0xff)
        at = end
      }
      const wanted = bodies.map((length, index) => [length, index + 1, index + 1])
      const bodyOf = ([length, first, last]: number[]) =>
        length === 0 ? [0] : [length, first, last]
      assert.deepEqual(found.map(bodyOf), wanted.map(bodyOf))
    }),
    { numRuns: 60 },
  )
})

test('a packet that grows takes little more than its bytes, and leaves no arrays behind', () => {
  const spare = new SpareArrays()
  const packet = new CutPacket(spare)
  const chunk = new Uint8Array(64 * KB)
  for (let length = 0; length < 2_000_000; length += chunk.length) {
    packet.append(chunk, 0, chunk.length)
    assert.ok(packet.capacity <= packet.length + 64 * KB, `${packet.capacity} for ${packet.length}`)
  }
  assert.ok(packet.join().length >= packet.length)
  packet.clear()
  assert.equal(packet.capacity, 0)
  const kept = spare.countOf(64 * KB)
  assert.ok(kept >= 30 && kept <= 32, `${kept} arrays wait for the next packet`)
  packet.append(chunk, 0, chunk.length)
  assert.equal(spare.countOf(64 * KB), kept - 1)
})

test('a large packet comes to lie where an earlier one was joined, and is not moved again', () => {
  const spare = new SpareArrays()
  const chunk = new Uint8Array(64 * KB)
  const receive = (packet: CutPacket, fill: number): Uint8Array => {
    packet.expect(1_000_000)
    for (let left = 1_000_000; left > 0; left -= chunk.length)
      packet.append(chunk.fill(fill), 0, Math.min(left, chunk.length))
    return packet.join()
  }
  const first = new CutPacket(spare)
  const joined = receive(first, 1)
  assert.notEqual(joined, first.head)
  spare.give(joined)
  first.clear()
  const second = new CutPacket(spare)
  assert.equal(receive(second, 2), joined)
  assert.equal(second.head, joined)
  assert.ok(joined.subarray(0, 1_000_000).every((byte) => byte === 2))
  second.clear()
  assert.equal(spare.countOf(1024 * KB), 1)
})

test('a header that announces much has nothing allocated for it', () => {
  const packet = new CutPacket(new SpareArrays())
  packet.expect(2_000_000)
  assert.equal(packet.capacity, 0)
})

test('arrays for whole packets are kept up to 8 MiB in all', () => {
  const spare = new SpareArrays()
  for (const size of [2048 * KB, 1024 * KB, 128 * KB])
    for (let count = 0; count < 3; count++) spare.give(new Uint8Array(size))
  assert.equal(spare.countOf(2048 * KB), 3)
  assert.equal(spare.countOf(1024 * KB), 2)
  assert.equal(spare.countOf(128 * KB), 0)
  assert.equal(spare.takeWhole(1_500_000)?.length, 2048 * KB)
  spare.give(new Uint8Array(128 * KB))
  assert.equal(spare.countOf(128 * KB), 1)
})

test('what a header announces is what it is read as', () => {
  const bytes = fc.array(fc.constantFrom(0, 1, 0x7f, 0x80, 0x81, 0xff), { maxLength: 8 })
  const frame: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }
  fc.assert(
    fc.property(bytes, fc.nat(2), (values, at) => {
      const array = Uint8Array.from(values)
      let expected = -1
      try {
        readFrame(array, at, array.length, frame)
        if (frame.frameEnd >= 0) expected = frame.frameEnd - at
      } catch {
        // Of a length of over four bytes nothing is said here.
      }
      assert.equal(announcedBytes(array, at, array.length), expected)
    }),
    { numRuns: 2000 },
  )
})

test('drips cost no more than twice their bytes', () => {
  const packet = new CutPacket(new SpareArrays())
  for (let length = 1; length <= 100_000; length++) {
    packet.append(Uint8Array.of(1), 0, 1)
    assert.ok(packet.capacity <= Math.max(256, 2 * length))
  }
})

test('a header is complete with its last byte, and not a byte more is taken', () => {
  const packet = new CutPacket(new SpareArrays())
  const frame: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }
  const bytes = packetOf(20_000, 7)
  assert.equal(packet.completeHeader(bytes, 0, 2, frame), 2)
  assert.equal(frame.frameEnd, -1)
  assert.equal(packet.completeHeader(bytes, 2, bytes.length, frame), 4)
  assert.equal(frame.frameEnd, bytes.length)
  assert.equal(packet.missing(frame), bytes.length - 4)
})

test('a packet beyond the maximum is refused by its header', () => {
  const framer = new Framer(1000)
  const head = packetOf(1000, 1).subarray(0, 3)
  assert.throws(() => framer.push(head, 0, 3, () => true), /larger than the maximum/)
})

test('who wants nothing more is given nothing more', () => {
  const framer = new Framer(1000)
  const stream = Uint8Array.of(...packetOf(3, 1), ...packetOf(3, 2))
  let count = 0
  framer.push(stream, 0, stream.length, () => ++count < 1)
  assert.equal(count, 1)
})

/** Frames in pieces of any size against a simple oracle, and the bytes of RFC 6455's rules. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  closeFrame,
  FrameReader,
  pongFrame,
  writeHead,
} from '../../src/transports/websocket-frames.ts'

interface Frame {
  readonly opcode: number
  readonly payload: Uint8Array
  readonly isFinal: boolean
  readonly mask: readonly number[]
}

const zeros = [0, 0, 0, 0]

/** As a client sends it. */
function encode({ opcode, payload, isFinal, mask }: Frame): Uint8Array {
  const { length } = payload
  const size =
    length < 126
      ? [length]
      : length < 65_536
        ? [126, length >> 8, length & 0xff]
        : [
            127,
            0,
            0,
            0,
            0,
            length >>> 24,
            (length >> 16) & 0xff,
            (length >> 8) & 0xff,
            length & 0xff,
          ]
  size[0] |= 0x80
  const masked = payload.map((byte, index) => byte ^ mask[index % 4])
  return Uint8Array.of((isFinal ? 0x80 : 0) | opcode, ...size, ...mask, ...masked)
}

const frame = (opcode: number, payload: Uint8Array | string = '', isFinal = true): Uint8Array =>
  encode({ opcode, payload: Uint8Array.from(Buffer.from(payload)), isFinal, mask: zeros })

/** What a new reader makes of `bytes`, in pieces of `cuts` bytes, round and round. */
function readAll(bytes: Uint8Array, cuts: readonly number[]) {
  const reader = new FrameReader()
  const data: number[] = []
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const end = Math.min(bytes.length, at + cuts[piece % cuts.length])
    // Other bytes of the same array stay as they are.
    const array = Uint8Array.of(0xaa, ...bytes.subarray(at, end), 0xbb)
    const dataEnd = reader.read(array, 1, 1 + end - at)
    assert.deepEqual([array[0], array.at(-1)], [0xaa, 0xbb])
    data.push(...array.subarray(1, dataEnd))
    at = end
  }
  return { reader, data: Uint8Array.from(data) }
}

const anyBytes = fc.uint8Array({ maxLength: 300 })
const anyMask = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 })
const anyPing = fc.record({ payload: fc.uint8Array({ maxLength: 125 }), mask: anyMask })
const anyFragment = fc.record({
  payload: anyBytes,
  mask: anyMask,
  ping: fc.option(anyPing, { nil: null }),
})
const anyMessages = fc.array(fc.array(anyFragment, { minLength: 1, maxLength: 4 }), {
  maxLength: 5,
})
const anyCuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 })

test('frames mean the same wherever pieces, fragments and pings cut them', () => {
  fc.assert(
    fc.property(anyMessages, anyCuts, (messages, cuts) => {
      const sent: Uint8Array[] = []
      const data: number[] = []
      let lastPing: Uint8Array | null = null
      for (const fragments of messages)
        for (const [index, { payload, mask, ping }] of fragments.entries()) {
          const isFinal = index === fragments.length - 1
          sent.push(encode({ opcode: index === 0 ? 2 : 0, payload, isFinal, mask }))
          data.push(...payload)
          if (ping === null) continue
          sent.push(encode({ ...ping, opcode: 9, isFinal: true }))
          lastPing = ping.payload
        }
      const got = readAll(Buffer.concat(sent), cuts)
      assert.deepEqual(got.data, Uint8Array.from(data))
      assert.deepEqual(got.reader.ping, lastPing)
      assert.deepEqual([got.reader.failure, got.reader.closeCode], [null, 0])
    }),
  )
})

test('any bytes at all end in data, a close or a failure, the same in any pieces', () => {
  const head = fc.constantFrom(0x82, 0x02, 0x00, 0x80, 0x88, 0x89, 0x8a, 0x81, 0xf2)
  const length = fc.constantFrom(0x80, 0x81, 0x85, 0xfd, 0xfe, 0xff, 0x05)
  const some = fc.oneof(
    fc.tuple(head, length, fc.uint8Array({ maxLength: 40 })).map(([a, b, rest]) => [a, b, ...rest]),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => [...bytes]),
  )
  fc.assert(
    fc.property(fc.array(some, { maxLength: 6 }), anyCuts, (parts, cuts) => {
      const bytes = Uint8Array.from(parts.flat())
      const whole = readAll(bytes, [Math.max(1, bytes.length)])
      const cut = readAll(bytes, cuts)
      assert.deepEqual(cut.data, whole.data)
      assert.deepEqual(cut.reader.failure, whole.reader.failure)
      assert.equal(cut.reader.closeCode, whole.reader.closeCode)
      assert.deepEqual(cut.reader.ping, whole.reader.ping)
    }),
    { numRuns: 2000 },
  )
})

test('what a long frame carries is there before the frame is whole', () => {
  const long = frame(2, new Uint8Array(100_000).fill(7))
  const reader = new FrameReader()
  assert.equal(reader.read(long.slice(0, 5000), 0, 5000), 5000 - 14)
})

const reason = (code: number, text = ''): Uint8Array =>
  Uint8Array.of(code >> 8, code & 0xff, ...Buffer.from(text))

const unmasked = Uint8Array.of(0x82, 1, 0)
const reserved = (bit: number): Uint8Array => {
  const bytes = frame(2, 'x')
  bytes[0] |= bit
  return bytes
}

const failures: readonly [string, number, Uint8Array][] = [
  ['is not masked', 1002, unmasked],
  ['has RSV1', 1002, reserved(0x40)],
  ['has RSV2', 1002, reserved(0x20)],
  ['has RSV3', 1002, reserved(0x10)],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, number, Uint8Array] => [
    `has opcode ${opcode}`,
    1002,
    frame(opcode, 'x'),
  ]),
  ['is text', 1003, frame(1, 'x')],
  ['is a ping of 126 bytes', 1002, frame(9, 'x'.repeat(126))],
  ['is a ping in fragments', 1002, frame(9, 'x', false)],
  ['is a close in fragments', 1002, frame(8, '', false)],
  ['continues nothing', 1002, frame(0, 'x')],
  ['continues what has ended', 1002, Buffer.concat([frame(2, 'x'), frame(0, 'x')])],
  ['begins within a message', 1002, Buffer.concat([frame(2, 'x', false), frame(2, 'x')])],
  ['has 64 bits of length', 1009, Buffer.from('82ffffffffffffffffff00000000', 'hex')],
  ['closes with one byte', 1002, frame(8, 'x')],
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map(
    (code): [string, number, Uint8Array] => [`closes with ${code}`, 1002, frame(8, reason(code))],
  ),
  ['closes with half a character', 1007, frame(8, Uint8Array.of(...reason(1000), 0xc3))],
]

for (const [what, code, bytes] of failures)
  for (const cut of [1, bytes.length])
    test(`a frame that ${what} fails with ${code}, in pieces of ${cut}`, () => {
      const { reader, data } = readAll(Buffer.concat([frame(2, 'ok'), bytes, frame(2, 'no')]), [
        cut,
      ])
      assert.equal(reader.failure?.code, code)
      assert.equal(Buffer.from(data).toString().includes('no'), false)
      assert.ok(data.length <= 2 + 999, 'nothing of the frame is data')
      assert.equal(Buffer.from(data).toString().startsWith('ok'), true)
    })

for (const [code, payload] of [
  [1005, ''],
  [1000, reason(1000, 'über')],
  [1001, reason(1001)],
  [1003, reason(1003)],
  [1014, reason(1014)],
  [3000, reason(3000)],
  [4999, reason(4999, 'x'.repeat(123))],
] as const)
  test(`close ${code} is the last that is looked at`, () => {
    const { reader, data } = readAll(Buffer.concat([frame(8, payload), frame(2, 'no')]), [7])
    assert.deepEqual([reader.closeCode, reader.failure, data.length], [code, null, 0])
  })

test('an empty frame is a frame, a pong nothing', () => {
  const { reader, data } = readAll(
    Buffer.concat([frame(2), frame(10, 'x'), frame(2, '', false), frame(9), frame(0, 'ab')]),
    [1],
  )
  assert.equal(Buffer.from(data).toString(), 'ab')
  assert.deepEqual(reader.ping, new Uint8Array(0))
})

for (const [length, head] of [
  [0, '8200'],
  [125, '827d'],
  [126, '827e007e'],
  [65_535, '827effff'],
  [65_536, '827f0000000000010000'],
  [2 ** 32 + 5, '827f0000000100000005'],
] as const)
  test(`the head of ${length} bytes`, () => {
    const bytes = new Uint8Array(10)
    const headLength = writeHead(bytes, length)
    assert.equal(Buffer.from(bytes.subarray(0, headLength)).toString('hex'), head)
  })

test('pongs and closes are of control', () => {
  assert.equal(Buffer.from(pongFrame(Uint8Array.of(1, 2))).toString('hex'), '8a020102')
  assert.equal(Buffer.from(closeFrame(1000)).toString('hex'), '880203e8')
  assert.equal(Buffer.from(closeFrame(1005)).toString('hex'), '8800')
})

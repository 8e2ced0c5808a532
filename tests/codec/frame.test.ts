import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPadding, readFrame, type FrameHeader } from '../../src/codec/frame.ts'
import { ProtocolError } from '../../src/codec/protocol-error.ts'
import { fromHex } from './fixture.ts'

function header(): FrameHeader {
  return { first: 0, bodyStart: 0, frameEnd: 0 }
}

const LENGTHS: readonly (readonly [hex: string, length: number])[] = [
  ['00', 0],
  ['7f', 127],
  ['8001', 128],
  ['ff7f', 16_383],
  ['808001', 16_384],
  ['ffff7f', 2_097_151],
  ['80808001', 2_097_152],
  ['ffffff7f', 268_435_455],
]

for (const [hex, length] of LENGTHS) {
  test(`remaining length ${length} is known as soon as the header is whole`, () => {
    const bytes = fromHex(`aa 30 ${hex}`)
    const frame = header()
    assert.equal(readFrame(bytes, 1, bytes.length, frame), length === 0)
    assert.deepEqual(frame, {
      first: 0x30,
      bodyStart: bytes.length,
      frameEnd: bytes.length + length,
    })
  })

  test(`remaining length ${length} is awaited byte by byte`, () => {
    const bytes = fromHex(`30 ${hex}`)
    for (let end = 0; end < bytes.length; end++) {
      const frame = header()
      assert.equal(readFrame(bytes, 0, end, frame), false)
      assert.equal(frame.bodyStart, -1)
      assert.equal(frame.frameEnd, -1)
    }
  })
}

test('a frame is complete with its last byte and not before', () => {
  const bytes = fromHex('30 03 000161 30')
  const frame = header()
  assert.equal(readFrame(bytes, 0, 4, frame), false)
  assert.equal(frame.frameEnd, 5)
  assert.equal(readFrame(bytes, 0, 5, frame), true)
  assert.equal(readFrame(bytes, 0, 6, frame), true)
  assert.equal(frame.frameEnd, 5)
})

for (const hex of ['30 ffffffff', '30 80808080']) {
  test(`the length of ${hex} is refused`, () => {
    const bytes = fromHex(`${hex} 01`)
    assert.throws(
      () => readFrame(bytes, 0, bytes.length, header()),
      (error) => error instanceof ProtocolError && error.reason === 0x81,
    )
  })
}

for (const [hex, isPadded] of [
  ['c0 00', false],
  ['c0 8000', true],
  ['c0 808000', true],
  ['c0 80808000', true],
  ['30 ff8000', true],
  ['30 8001', false],
  ['30 80808001', false],
] as const) {
  test(`the length of ${hex} is ${isPadded ? 'longer than 5.0 allows' : 'as short as can be'}`, () => {
    const bytes = fromHex(`aa ${hex}`)
    const frame = header()
    readFrame(bytes, 1, bytes.length, frame)
    for (const version of [3, 4] as const) checkPadding(version, bytes, 1, frame.bodyStart)
    const check = () => checkPadding(5, bytes, 1, frame.bodyStart)
    if (!isPadded) check()
    else assert.throws(check, (error) => error instanceof ProtocolError && error.reason === 0x81)
  })
}

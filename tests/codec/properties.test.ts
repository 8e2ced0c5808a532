import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { PacketType } from '../../src/codec/packets.ts'
import { readProperties, writeProperties } from '../../src/codec/properties.ts'
import { ProtocolError } from '../../src/codec/protocol-error.ts'
import { PublishView, parsePublish } from '../../src/codec/publish.ts'
import { fromHex } from './fixture.ts'

const LIMITS = { userPropertiesMax: 1_000, userPropertyBytesMax: 65_536 }

/** `count` user properties of seven bytes each, without the length in front. */
function userProperties(count: number): Uint8Array {
  return fromHex('26 0001 61 0001 62'.repeat(count))
}

function refusesAsTooMany(read: () => unknown): void {
  assert.throws(read, (error) => error instanceof ProtocolError && error.reason === 0x97)
}

test('as many user properties as the limit are read, one more is refused, and without a limit it is read', () => {
  const most = userProperties(1_000)
  const read = readProperties(PacketType.connect, most, 0, most.length, LIMITS)
  assert.equal(read.userProperties?.length, 1_000)
  const tooMany = userProperties(1_001)
  refusesAsTooMany(() => readProperties(PacketType.connect, tooMany, 0, tooMany.length, LIMITS))
  assert.doesNotThrow(() => readProperties(PacketType.connect, tooMany, 0, tooMany.length))
})

test('user properties of more bytes than the limit are refused', () => {
  const text = `8000${'61'.repeat(0x8000)}`
  const bytes = fromHex(`26 ${text} ${text} 26 0001 61 0000`)
  const within = bytes.length - 6
  assert.doesNotThrow(() => readProperties(PacketType.connect, bytes, 0, within, LIMITS))
  refusesAsTooMany(() => readProperties(PacketType.connect, bytes, 0, bytes.length, LIMITS))
})

test('a PUBLISH is held to the same number of user properties', () => {
  const view = new PublishView()
  view.limits = LIMITS
  const body = (count: number) => {
    const out = new ByteWriter(fromHex('30 00 0001 61'))
    out.length = 5
    const pairs: [string, string][] = Array.from({ length: count }, () => ['a', 'b'])
    writeProperties(out, PacketType.publish, { userProperties: pairs })
    return out.bytes.slice(0, out.length)
  }
  const most = body(1_000)
  assert.doesNotThrow(() => parsePublish(view, 5, most, 0, 2, most.length))
  const tooMany = body(1_001)
  refusesAsTooMany(() => parsePublish(view, 5, tooMany, 0, 2, tooMany.length))
})

test('reading 12,800 user properties takes time in proportion', () => {
  const limits = { userPropertiesMax: 20_000, userPropertyBytesMax: 1 << 20 }
  const cost = (count: number) => {
    const bytes = userProperties(count)
    let best = Infinity
    for (let round = 0; round < 5; round++) {
      const start = performance.now()
      readProperties(PacketType.connect, bytes, 0, bytes.length, limits)
      best = Math.min(best, performance.now() - start)
    }
    return best
  }
  cost(12_800)
  const small = cost(1_600)
  const large = cost(12_800)
  // Quadratic cost would be 64 times as much; the slack is for a busy machine.
  assert.ok(large < Math.max(8 * 4 * small, 50), `${small} ms, then ${large} ms`)
})

test('subscription identifiers repeat in PUBLISH alone', () => {
  const bytes = fromHex('0b01 0b02')
  assert.deepEqual(readProperties(PacketType.publish, bytes, 0, 4), { subscriptionIds: [1, 2] })
  assert.throws(() => readProperties(PacketType.subscribe, bytes, 0, 4), ProtocolError)
})

test('a property named like a part of every object stays plain data', () => {
  const properties = { userProperties: [['__proto__', 'constructor'] as [string, string]] }
  const out = new ByteWriter(new Uint8Array(1))
  writeProperties(out, PacketType.connect, properties)
  assert.deepEqual(readProperties(PacketType.connect, out.bytes, 1, out.length), properties)
})

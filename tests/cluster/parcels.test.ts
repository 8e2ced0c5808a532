/** Messages to other nodes that travel together. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ByteWriter } from '../../src/codec/byte-writer.ts'
import { openParcel, Parcels } from '../../src/cluster/parcels.ts'

interface Sent {
  readonly node: string
  readonly items: number[]
  readonly bytes: number
}

const anySize = (): number => Infinity

function createParcels(bytesMax = Infinity) {
  const sent: Sent[] = []
  const parcels = new Parcels(
    (node, bytes) => {
      const items: number[] = []
      openParcel(bytes, (item) => items.push(item.length))
      sent.push({ node, items, bytes: bytes.length })
    },
    () => bytesMax,
  )
  const add = (node: string, length: number): void => parcels.add(node, filler(length))
  return { parcels, sent, add }
}

const filler = (length: number) => (writer: ByteWriter) =>
  writer.append(new Uint8Array(length).fill(length), 0, length)

test('what one call brings goes to each node in one parcel, in its order', async () => {
  const { sent, add } = createParcels()
  for (const length of [1, 2, 3]) add('a', length)
  add('b', 4)
  assert.deepEqual(sent, [])
  await Promise.resolve()
  assert.deepEqual(
    sent.map(({ node, items }) => [node, items]),
    [
      ['a', [1, 2, 3]],
      ['b', [4]],
    ],
  )
})

test('a full parcel goes at once, and nothing twice', async () => {
  const { sent, add } = createParcels()
  for (let index = 0; index < 70; index++) add('a', 1000)
  assert.deepEqual(
    sent.map(({ items }) => items.length),
    [66],
  )
  await Promise.resolve()
  assert.equal(sent.flatMap(({ items }) => items).length, 70)
})

test('a large message goes alone, behind those that were there', async () => {
  const { sent, add } = createParcels()
  add('a', 5)
  add('a', 300_000)
  add('a', 6)
  await Promise.resolve()
  assert.deepEqual(
    sent.map(({ items }) => items),
    [[5], [300_000], [6]],
  )
})

test('no parcel is larger than what the servers take, whatever is in it', async () => {
  for (const bytesMax of [2000, 64_512, 100_000]) {
    const { sent, add } = createParcels(bytesMax)
    for (let index = 0; index < 3000; index++) add('a', (index * 37) % 1990)
    add('a', bytesMax - 4)
    await Promise.resolve()
    assert.equal(sent.flatMap(({ items }) => items).length, 3001)
    const largest = Math.max(...sent.map(({ bytes }) => bytes))
    assert.ok(largest <= bytesMax, `${largest} bytes, of ${bytesMax}`)
  }
})

test('what is flushed does not come again, and what is sent is not written over', async () => {
  const kept: Uint8Array[] = []
  const parcels = new Parcels((_node, bytes) => kept.push(bytes), anySize)
  parcels.add('a', filler(3))
  parcels.flush()
  parcels.add('a', filler(7))
  await Promise.resolve()
  const items: number[][] = []
  for (const parcel of kept) openParcel(parcel, (item) => items.push([...item]))
  assert.deepEqual(items, [Array(3).fill(3), Array(7).fill(7)])
})

test('a parcel that is cut off says so', () => {
  const sent: Uint8Array[] = []
  const parcels = new Parcels((_node, bytes) => sent.push(bytes), anySize)
  parcels.add('a', filler(9))
  parcels.flush()
  const [whole] = sent
  for (const end of [2, whole.length - 1])
    assert.throws(() => openParcel(whole.subarray(0, end), () => undefined), /parcel/)
})

/**
 * What is published: bytes that belong to one message and no other, of sizes around which something changes. A payload
 * of some length says whose it is, so that a wrong one can be named.
 *
 *     [ sender 2 | topic 2 | number 4 | length 4 | noise … | CRC-32 4 ]
 */
import { crc32 } from 'node:zlib'
import { seeded } from '../sim/world.ts'
import type { Dice } from '../model/generate.ts'

const HEAD_BYTES = 12
const CRC_BYTES = 4
/** A payload of so many bytes does not say whose it is. */
export const ALIKE_BYTES_MAX = HEAD_BYTES + CRC_BYTES
const NOISE_BYTES = 1 << 20

/** Powers of two, and beside them what slabs, writers, shared frames and joined input are measured in. */
const EDGES: readonly number[] = [
  ...Array.from({ length: 19 }, (_, power) => 1 << power),
  40,
  1000,
  3 * 1024,
  24 * 1024,
  96 * 1024,
  192 * 1024,
  300 * 1024,
]

const noise = makeNoise()

function makeNoise(): Buffer {
  const random = seeded(7)
  const bytes = Buffer.alloc(NOISE_BYTES)
  for (let at = 0; at < NOISE_BYTES; at += 4) bytes.writeUInt32LE(random() * 4294967296, at)
  return bytes
}

/** How many bytes a payload has: mostly near an edge, up to `most`. */
export function drawLength(dice: Dice, most: number): number {
  const edges = EDGES.filter((edge) => edge <= most)
  const near = dice.one(edges) + dice.below(80) - 60
  const any = dice.below(dice.one([2, 30, 300, most]))
  return Math.max(0, Math.min(most, dice.chance(0.6) ? near : any))
}

export function payloadOf(sender: number, topic: number, number: number, length: number): Buffer {
  const from = (sender * 7919 + topic * 104_729 + number * 15_485_863) % (NOISE_BYTES / 2)
  const bytes = Buffer.from(noise.subarray(from, from + length))
  if (length < HEAD_BYTES + CRC_BYTES) return bytes
  bytes.writeUInt16BE(sender, 0)
  bytes.writeUInt16BE(topic, 2)
  bytes.writeUInt32BE(number, 4)
  bytes.writeUInt32BE(length, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, length - CRC_BYTES)), length - CRC_BYTES)
  return bytes
}

/** In words, for a report: whose it says it is, and whether it is whole. */
export function describePayload(bytes: Buffer): string {
  const { length } = bytes
  if (length < HEAD_BYTES + CRC_BYTES) return `${length} bytes ${bytes.toString('hex')}`
  const head = `sender ${bytes.readUInt16BE(0)} topic ${bytes.readUInt16BE(2)} number ${bytes.readUInt32BE(4)}`
  const isWhole =
    bytes.readUInt32BE(8) === length &&
    bytes.readUInt32BE(length - CRC_BYTES) === crc32(bytes.subarray(0, length - CRC_BYTES))
  return isWhole
    ? `${length} bytes: ${head}`
    : `${length} bytes, not whole: ${bytes.subarray(0, 24).toString('hex')}…`
}

import { isDeepStrictEqual } from 'node:util'
import { readAck } from '../../src/codec/ack.ts'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { checkFixedHeader } from '../../src/codec/frame.ts'
import { PacketType, type Packet, type Version } from '../../src/codec/packets.ts'
import { ProtocolError } from '../../src/codec/protocol-error.ts'
import { PublishView, forwardableProperties, parsePublish } from '../../src/codec/publish.ts'

/** Decodes the body `bytes[bodyStart..frameEnd)`; its first byte also lies two bytes in front of it. */
export type Decoder = (
  version: Version,
  first: number,
  bytes: Uint8Array,
  bodyStart: number,
  frameEnd: number,
) => unknown

export interface Failure {
  readonly seed: number
  readonly run: number
  readonly version: Version
  readonly hex: string
  readonly why: string
}

export interface Campaign {
  readonly seed: number
  readonly runs: number
  /** Packets as their first byte and their body, the length between left out. */
  readonly corpus: readonly Uint8Array[]
  readonly decode: Decoder
}

const VERSIONS: readonly Version[] = [3, 4, 5]
/** Far above what an input of a few hundred bytes takes, far below what a loop that does not end does. */
const INPUT_MS_MAX = 100
/** Bytes around a frame in the poisoned buffer. */
const MARGIN = 64

/** Mulberry32: small, seeded, good enough to pick mutations. Numbers in 0..limit-1. */
function generator(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

type Random = ReturnType<typeof generator>
type Mutation = (bytes: number[], random: Random, other: Uint8Array) => void

const TELLING = [0, 1, 2, 3, 4, 0x0b, 0x23, 0x26, 0x2b, 0x7f, 0x80, 0xc0, 0xed, 0xf4, 0xfe, 0xff]

/**
 * Makes a counted field one to three bytes longer and, mostly, the one-byte length of what holds it too:
 * inputs that are wrong in substance get past the checks of lengths.
 */
function grow(bytes: number[], random: Random): void {
  const endOf = (at: number) => at + 2 + ((bytes[at] << 8) | bytes[at + 1])
  const fields: number[] = []
  for (let at = 1; at < bytes.length - 1; at++) if (endOf(at) <= bytes.length) fields.push(at)
  if (fields.length === 0) return
  const at = fields[random(fields.length)]
  const end = endOf(at)
  const count = 1 + random(3)
  if (bytes[at + 1] + count > 0xff) return
  const holders: number[] = []
  for (let i = 1; i < at; i++) {
    const heldEnd = i + 1 + bytes[i]
    if (bytes[i] < 0x7c && heldEnd >= end && heldEnd <= bytes.length) holders.push(i)
  }
  bytes[at + 1] += count
  if (holders.length > 0 && random(4) > 0) bytes[holders[random(holders.length)]] += count
  for (let i = 0; i < count; i++) bytes.splice(end, 0, 0x61 + random(26))
}

/** Each changes the packet in place; index 0 is its first byte, the rest its body. */
const MUTATIONS: readonly Mutation[] = [
  grow,
  grow,
  (bytes, random) => (bytes[random(bytes.length)] ^= 1 << random(8)),
  (bytes, random) => (bytes[random(bytes.length)] = TELLING[random(TELLING.length)]),
  (bytes, random) => (bytes[random(bytes.length)] = random(256)),
  (bytes, random) => bytes.splice(1 + random(bytes.length), random(8)),
  (bytes, random) => bytes.splice(1 + random(bytes.length), 0, TELLING[random(TELLING.length)]),
  (bytes, random) => {
    const from = 1 + random(bytes.length)
    bytes.splice(from, 0, ...bytes.slice(from, from + random(40)))
  },
  (bytes, random, other) => {
    const cut = 1 + random(other.length)
    bytes.splice(1 + random(bytes.length), random(20), ...other.subarray(cut, cut + random(40)))
  },
]

/** A packet of the corpus after one to six mutations. */
function mutate(corpus: readonly Uint8Array[], random: Random): number[] {
  const bytes = [...corpus[random(corpus.length)]]
  for (let left = random(1 + random(6)); left >= 0; left--) {
    const other = corpus[random(corpus.length)]
    MUTATIONS[random(MUTATIONS.length)](bytes, random, other)
  }
  return bytes
}

/** What `decode` makes of the packet inside of a buffer full of `poison`: JSON, or the refusal. */
function outcome(decode: Decoder, version: Version, packet: readonly number[], poison: number) {
  const bytes = new Uint8Array(packet.length + 2 * MARGIN).fill(poison)
  bytes[MARGIN - 2] = packet[0]
  bytes.set(packet.slice(1), MARGIN)
  const frameEnd = MARGIN + packet.length - 1
  try {
    return JSON.stringify(decode(version, packet[0], bytes, MARGIN, frameEnd))
  } catch (error) {
    if (error instanceof ProtocolError) return `refused ${error.reason} ${error.message}`
    throw error
  }
}

/** Judged by the best of three: the machine and the collector may have had their turn in one of them. */
function isSlow(decode: Decoder, version: Version, packet: readonly number[]): boolean {
  for (let attempt = 0; attempt < 3; attempt++) {
    const start = performance.now()
    outcome(decode, version, packet, 0)
    if (performance.now() - start <= INPUT_MS_MAX) return false
  }
  return true
}

/** Runs `campaign`; returns the first input that breaks an invariant, or null. */
export function fuzz({ seed, runs, corpus, decode }: Campaign): Failure | null {
  const random = generator(seed)
  for (let run = 0; run < runs; run++) {
    const packet = mutate(corpus, random)
    const version = VERSIONS[random(VERSIONS.length)]
    const fail = (why: string): Failure => {
      return { seed, run, version, hex: Buffer.from(packet).toString('hex'), why }
    }
    try {
      // Bytes beyond the frame that would be read change the outcome with the poison.
      const one = outcome(decode, version, packet, 0x61)
      const other = outcome(decode, version, packet, 0xff)
      if (one !== other) return fail(`depends on bytes beyond the frame: ${one} or ${other}`)
    } catch (error) {
      return fail(String(error))
    }
    if (isSlow(decode, version, packet)) return fail('takes too long')
  }
  return null
}

function encode(version: Version, packet: Packet): Uint8Array {
  const out = new ByteWriter(new Uint8Array(64))
  encodePacket(out, version, packet)
  return out.bytes.subarray(0, out.length)
}

/** Skips the fixed header of a frame that was encoded. */
function bodyOf(frame: Uint8Array): number {
  let at = 1
  while (frame[at] >= 0x80) at++
  return at + 1
}

const view = new PublishView(true)

/** The refusal's reason, or what `read` gives. */
function verdict<T>(read: () => T): T | string {
  try {
    return read()
  } catch (error) {
    if (error instanceof ProtocolError) return `refused ${error.reason}`
    throw error
  }
}

function hold(condition: boolean, what: string): void {
  if (!condition) throw new Error(what)
}

/**
 * The decoder and its short cuts, held against each other and against the encoder: what was decoded is
 * encoded and decoded again to the same packet, and the short cuts accept what the decoder accepts.
 */
export const decodeEveryWay: Decoder = (version, first, bytes, bodyStart, frameEnd) => {
  const type = first >> 4
  const whole = verdict(() => decodePacket(version, first, bytes, bodyStart, frameEnd))
  if (type >= PacketType.puback && type <= PacketType.pubcomp) {
    const short = verdict(() => {
      checkFixedHeader(first, version)
      return readAck(version, first, bytes, bodyStart, frameEnd)
    })
    const refused = typeof whole === 'string' || !('reason' in whole) || !('packetId' in whole)
    hold(
      short === (refused ? whole : whole.packetId | (whole.reason << 16)),
      `readAck gives ${short}`,
    )
  }
  if (typeof whole === 'string') return whole
  if (type === PacketType.publish) {
    parsePublish(view, version, bytes, bodyStart - 2, bodyStart, frameEnd)
    hold(forwardableProperties(view).length <= view.propertiesEnd - view.propertiesStart, 'grew')
  }
  const asVersion = 'version' in whole ? whole.version : version
  const frame = encode(asVersion, whole)
  const again = decodePacket(asVersion, frame[0], frame, bodyOf(frame), frame.length)
  hold(isDeepStrictEqual(again, whole), 'is another packet when encoded again')
  return whole
}

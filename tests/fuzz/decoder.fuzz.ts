/**
 * Fuzzes the packet decoder.
 *
 * Strategy: take a packet of the corpus (`tests/corpus/*.hex`: every fixture, and packets that broke
 * brokers), change it in one to six ways (flip, replace by a telling byte, delete, insert, repeat a run,
 * splice in a run of another packet, lengthen a counted field
 * along with what holds it) and decode it as each version, at the length it now has, inside of a
 * larger buffer. Lengths inside of the packet thus come to lie. The seed is printed; MOZZIE_FUZZ_SEED
 * replays it, MOZZIE_FUZZ_RUNS sets the number of inputs.
 *
 * Invariants: nothing but ProtocolError is thrown; an input takes at most 100 ms; the outcome does not
 * depend on the bytes around the frame; what is accepted is encoded and decoded again to the same packet;
 * `readAck` and `parsePublish` agree with `decodePacket`.
 *
 * The canaries are decoders with one known fault each: if the same campaign does not find it, the campaign
 * is worth nothing.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { decodePacket } from '../../src/codec/decode.ts'
import { decodeEveryWay, fuzz, type Decoder } from './decoder-fuzzer.ts'

const seed = Number(process.env.MOZZIE_FUZZ_SEED ?? randomInt(2 ** 31))
const runs = Number(process.env.MOZZIE_FUZZ_RUNS ?? 20_000)

/** Packets as their first byte and their body; lines are hex, `#` starts a comment. */
function readCorpus(folder: string): Uint8Array[] {
  const packets: Uint8Array[] = []
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.hex'))) {
    for (const line of readFileSync(`${folder}/${name}`, 'utf8').split('\n')) {
      const hex = line.replace(/#.*/, '').replaceAll(/\s/g, '')
      if (hex === '') continue
      const frame = Buffer.from(hex, 'hex')
      let at = 1
      while (frame[at] >= 0x80) at++
      packets.push(Uint8Array.from([frame[0], ...frame.subarray(at + 1)]))
    }
  }
  return packets
}

const corpus = readCorpus('tests/corpus')

test(`the decoder holds against ${runs} inputs of seed ${seed}`, (t) => {
  t.diagnostic(`seed ${seed}, ${runs} runs, ${corpus.length} packets in the corpus`)
  assert.ok(corpus.length > 50)
  const failure = fuzz({ seed, runs, corpus, decode: decodeEveryWay })
  assert.equal(failure, null, `MOZZIE_FUZZ_SEED=${seed}: ${JSON.stringify(failure)}`)
})

const CANARIES: readonly (readonly [fault: string, decode: Decoder, why: RegExp])[] = [
  [
    'reads one byte too far',
    (version, first, bytes, bodyStart, frameEnd) =>
      decodePacket(version, first, bytes, bodyStart, frameEnd + 1),
    /beyond the frame/,
  ],
  [
    'trusts a length',
    (_version, _first, bytes, bodyStart) =>
      new Uint8Array(new ArrayBuffer(256), (bytes[bodyStart] << 8) | bytes[bodyStart + 1]).length,
    /RangeError/,
  ],
  [
    'throws another error',
    (version, first, bytes, bodyStart, frameEnd) => {
      if (first >> 4 === 15 && version === 5) throw new TypeError('no handler')
      return decodePacket(version, first, bytes, bodyStart, frameEnd)
    },
    /TypeError/,
  ],
  [
    'fails on a name that only a change to two lengths makes',
    (version, first, bytes, bodyStart, frameEnd) => {
      const packet = decodePacket(version, first, bytes, bodyStart, frameEnd)
      const pairs = 'properties' in packet ? packet.properties.userProperties : undefined
      if (pairs?.some(([name]) => name.length > 1)) throw new TypeError('longer than in the corpus')
      return packet
    },
    /TypeError: longer/,
  ],
]

for (const [fault, decode, why] of CANARIES) {
  test(`the same inputs find a decoder that ${fault}`, () => {
    const failure = fuzz({ seed, runs: 200_000, corpus, decode })
    assert.ok(failure, `seed ${seed} finds nothing`)
    assert.match(failure.why, why)
  })
}

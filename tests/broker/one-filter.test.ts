/** A SUBSCRIBE of one filter takes a way of its own: its client sees nothing of that. Replay with MOZZIE_FILTER_SEED=n. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Packet, Version } from '../../src/codec/packets.ts'
import { seeded } from '../sim/world.ts'
import * as make from '../support/packets.ts'
import { createStage, type Actor } from './stage.ts'

const ROUNDS = 60
const STEPS = 14
const FILTERS = ['a', 'a/b', 'a/+', '#', '+', 'denied/a', '$share/g/a', 'a/#/b', '', '1/2/3/4/5']
/** So many of them may be had, or refused, without harm. */
const FOUND = 7
/** Beside another one, and changes nothing: it is refused. */
const BESIDE = 'denied/beside'
const limits = { subscriptionsPerSessionMax: 4, topicLevelsMax: 4, workPerTurn: 100 }

interface Wanted {
  readonly filter: string
  /** The byte behind it. */
  readonly options: number
}

interface Round {
  readonly version: Version
  readonly isLater: boolean
  readonly isKept: boolean
  readonly steps: readonly Wanted[]
}

function roundOf(random: () => number): Round {
  const below = (bound: number) => Math.floor(random() * bound)
  const version = ([3, 4, 5] as const)[below(3)]
  const lawful = () =>
    version === 5
      ? below(3) | (below(9) === 0 ? 4 : 0) | (below(2) << 3) | (below(3) << 4)
      : below(3)
  const steps = Array.from({ length: STEPS }, () => ({
    filter: FILTERS[below(below(6) > 0 ? FOUND : FILTERS.length)],
    options: below(30) === 0 ? below(256) : lawful(),
  }))
  return { version, isLater: below(3) === 0, isKept: below(2) === 0, steps }
}

/** A SUBSCRIBE, with options that may make no sense; they stand at the same place whatever comes behind. */
function subscribeBytes(client: Actor, packetId: number, wanted: Wanted, isAlone: boolean) {
  const filters = isAlone ? [wanted.filter] : [wanted.filter, BESIDE]
  const bytes = client.bytesOf(
    make.subscribe(
      packetId,
      filters.map((filter) => ({ filter })),
    ),
  )
  const headBytes = client.version === 5 ? 5 : 4
  bytes[headBytes + 2 + wanted.filter.length] = wanted.options
  return bytes
}

/** All that the client is sent, but what is said of the filter beside. */
function seenOf(client: Actor): unknown[] {
  return client.inbox.splice(0).map((packet: Packet) => {
    if (make.nameOf(packet) === 'suback' && 'codes' in packet)
      return { ...packet, codes: packet.codes.slice(0, 1) }
    return packet
  })
}

async function play({ version, isLater, isKept, steps }: Round, isAlone: boolean) {
  const stage = createStage(limits)
  const author = stage.connect('author', {}, 5)
  for (const topic of ['a', 'a/b', 'a/c', 'denied/a'])
    author.send(make.publish(topic, `kept ${topic}`, { qos: 1, packetId: 1, retain: true }))
  const session = { cleanStart: !isKept, properties: isKept ? { sessionExpirySeconds: 99 } : {} }
  const client = stage.connect('client', version === 5 ? session : { cleanStart: !isKept }, version)
  stage.node.auth.subscribe = (_who, filter) => {
    const verdict = !filter.startsWith('denied')
    return isLater ? Promise.resolve(verdict) : verdict
  }
  const seen: unknown[] = []
  for (const [index, wanted] of steps.entries()) {
    if (client.isClosed) break
    client.put(subscribeBytes(client, index + 10, wanted, isAlone))
    if (!client.isClosed) client.put(client.bytesOf(make.publish('a', 'own')))
    for (let turn = 0; turn < 4; turn++) {
      await new Promise(setImmediate)
      stage.pass(0)
    }
    author.send(make.publish('a/b', `${index}`, { qos: 1, packetId: index + 10 }))
    seen.push(seenOf(client))
  }
  return { seen, isClosed: client.isClosed, filters: stage.node.broker.filtersOf('client').sort() }
}

test('one filter alone is answered, and served, as it is beside another', async (t) => {
  const seed = Number(process.env['MOZZIE_FILTER_SEED'] ?? Date.now() % 1e9)
  t.diagnostic(`MOZZIE_FILTER_SEED=${seed}`)
  const random = seeded(seed)
  for (let round = 0; round < ROUNDS; round++) {
    const plan = roundOf(random)
    const [alone, beside] = [await play(plan, true), await play(plan, false)]
    assert.deepEqual(alone, beside, `MOZZIE_FILTER_SEED=${seed}, round ${round}`)
  }
})

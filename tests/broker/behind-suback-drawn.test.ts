/** Drawn scripts: a store that takes its time changes when a client gets what it gets, and nothing else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../src/codec/packets.ts'
import { seeded } from '../sim/world.ts'
import * as make from '../support/packets.ts'
import { SlowActor } from './slow-actor.ts'
import { createStage, type Actor, type Stage } from './stage.ts'

const SEEDS = 60
const STEPS = 60
const SIZES = [0, 0, 0, 0, 1000, 15_000, 20_000, 300_000]
const DELAYS_MS = [0, 1, 40, 40, 300, 5000]
const KEPT = {
  clientId: 'reader',
  cleanStart: false,
  properties: { sessionExpirySeconds: 3600, topicAliasMaximum: 2 },
}

interface Seen {
  /** By publisher, topic and QoS, in order. */
  readonly messages: Map<string, string[]>
  readonly retained: string[]
  readonly acks: string[]
  pings: number
  keptBytes: number
}

function play(seed: number, isFast: boolean): Seen {
  const draw = seeded(seed)
  const below = (count: number) => Math.floor(draw() * count)
  const stage = createStage({ outputBytesMax: 64_000_000 })
  const [left, right] = [stage.connect('left'), stage.connect('right')]
  const reader = new SlowActor(stage, 5)
  reader.send(make.connect(5, KEPT))
  stage.pass(0)
  const seen: Seen = { messages: new Map(), retained: [], acks: [], pings: 0, keptBytes: 0 }
  const aliases = new Map<number, string>()
  const cuts = below(2) === 0
  for (let step = 1; step <= STEPS; step++) {
    const [kind, topic, qos, size] = [
      below(12),
      `t/${below(4)}`,
      below(2) as 0 | 1,
      below(SIZES.length),
    ]
    const retain = below(6) === 0
    const delayMs = DELAYS_MS[below(DELAYS_MS.length)]
    const [ends, drains, waitMs] = [below(2) === 0, below(3) === 0, below(60)]
    if (kind < 3) reader.put(reader.bytesOf(make.subscribe(step, [{ filter: topic, qos }])))
    else if (kind < 7) {
      const payload = `${kind % 2}.${step}.${'x'.repeat(SIZES[size])}`
      const writer = kind % 2 === 0 ? left : right
      writer.put(writer.bytesOf(make.publish(topic, payload, { qos, packetId: step, retain })))
    } else if (kind === 7)
      reader.put(reader.bytesOf(make.publish('own', 'x', { qos: 1, packetId: step })))
    else if (kind === 8) reader.put(reader.bytesOf(make.pingreq))
    else if (kind === 9) reader.isStuck = !isFast
    else if (kind === 10) reader.isStuck = false
    else Object.assign(stage.node.options, { storeDelayMs: isFast ? 0 : delayMs })
    if (ends || isFast) stage.pass(isFast ? 0 : waitMs)
    if (!reader.isStuck || drains) reader.drain()
    look(reader, seen, aliases)
  }
  reader.isStuck = cuts && !isFast
  if (!cuts) settle(stage, reader, seen, aliases)
  reader.cut()
  Object.assign(stage.node.options, { storeDelayMs: 0 })
  stage.pass(10_000)
  const again = stage.connect('reader')
  again.send(make.disconnect())
  again.cut()
  stage.pass(10_000)
  seen.keptBytes = stage.node.broker.keptBytes
  assert.deepEqual(stage.node.errors, [])
  if (cuts) return { ...seen, messages: new Map(), retained: [], acks: [], pings: 0 }
  return seen
}

function settle(stage: Stage, reader: SlowActor, seen: Seen, aliases: Map<number, string>): void {
  for (let round = 0; round < 50; round++) {
    reader.drain()
    stage.pass(500)
    look(reader, seen, aliases)
  }
}

/** Reads what came, and acknowledges it. */
function look(reader: Actor, seen: Seen, aliases: Map<number, string>): void {
  for (const packet of reader.inbox.splice(0)) {
    if (packet.type === PacketType.pingresp) seen.pings++
    else if (packet.type === PacketType.puback || packet.type === PacketType.suback)
      seen.acks.push(`${packet.type} ${packet.packetId}`)
    else if (packet.type === PacketType.publish) {
      const { topicAlias } = packet.properties
      if (topicAlias !== undefined && packet.topic !== '') aliases.set(topicAlias, packet.topic)
      const topic = packet.topic === '' ? aliases.get(topicAlias ?? 0) : packet.topic
      const text = new TextDecoder().decode(packet.payload)
      const [writer, step, rest] = text.split('.')
      const said = `${topic} ${step} ${rest.length}`
      const lane = `${writer} ${topic} ${packet.qos}`
      if (packet.retain) seen.retained.push(said)
      else seen.messages.set(lane, [...(seen.messages.get(lane) ?? []), said])
      if (packet.qos === 1) reader.put(reader.bytesOf(make.ack('puback', packet.packetId)))
    }
  }
}

test('a slow store and a slow client: the same packets arrive, in order [MQTT-4.6.0-6]', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const [slow, fast] = [play(seed, false), play(seed, true)]
    for (const seen of [slow, fast]) seen.retained.sort()
    assert.deepEqual(slow, fast, `seed ${seed}`)
  }
})

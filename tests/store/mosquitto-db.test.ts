import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createMemoryStore, MemoryData } from '../../src/store/memory-store.ts'
import { MosquittoDbError } from '../../src/store/mosquitto/file-reader.ts'
import { importMosquittoDb, ImportError } from '../../src/store/mosquitto/import.ts'
import { parseMosquittoDb, type DbChunk } from '../../src/store/mosquitto/parse.ts'
import { databaseOfMosquitto, hasMosquitto } from './fill-mosquitto.ts'
import { messageOf, textOf } from './told.ts'

/** Written by Debian's mosquitto 2.0.11, filled as `fill-mosquitto.ts` does. */
const fixture = new Uint8Array(
  Buffer.from(
    readFileSync(join(process.cwd(), 'tests/corpus/mosquitto-6.hex'), 'utf8').replace(/\s/g, ''),
    'hex',
  ),
)
const fixtureMs = Date.UTC(2026, 10, 23)

function memory(data: MemoryData) {
  return createMemoryStore(data, { node: 'a', defer: queueMicrotask })
}

async function imported(bytes: Uint8Array, wallMs = fixtureMs) {
  const data = new MemoryData()
  const summary = await importMosquittoDb(parseMosquittoDb(bytes), memory(data), wallMs)
  return { data, summary }
}

function checkContent({ data, summary }: Awaited<ReturnType<typeof imported>>): void {
  const { leftOut, ...brought } = summary
  assert.deepEqual([...leftOut], [])
  assert.deepEqual(brought, { retained: 2, sessions: 3, subscriptions: 2, queued: 12, inbound: 1 })
  const old = data.sessions.get('old')!
  assert.deepEqual(
    [old.record.username, old.record.expirySeconds, old.record.version],
    ['user of old', 0xffffffff, 4],
  )
  assert.deepEqual(old.subscriptions.get('q/#'), {
    qos: 2,
    noLocal: false,
    retainAsPublished: false,
    subscriptionId: 0,
  })
  const queue = old.queue.read(0, Infinity)
  assert.deepEqual(
    queue.map(({ message, qos, released }) => [textOf(message), qos, released]),
    ['m1', 'm2', 'm3', 'm4', 'm5', 'm6'].map((text, index) => [text, 2 - (index % 2), index === 0]),
  )
  // The number is the packet identifier: mosquitto had sent 1, 2 and 3.
  assert.deepEqual(
    queue.slice(0, 3).map(({ sequence }) => sequence),
    [1, 2, 3],
  )
  const modern = data.sessions.get('new')!
  assert.deepEqual(modern.subscriptions.get('q/+'), {
    qos: 1,
    noLocal: true,
    retainAsPublished: true,
    subscriptionId: 77,
  })
  assert.equal(modern.record.expirySeconds, 0x7fff_0000)
  assert.ok(modern.queue.read(0, Infinity).every(({ subscriptionId }) => subscriptionId === 77))
  const held = data.sessions.get('publisher')!.inbound.get(4711)!
  assert.deepEqual([held.topicName, textOf(held)], ['q/1', 'half'])
  assert.equal(textOf(data.retained.get('kept/1')!), 'one')
  const second = data.retained.get('kept/2')!
  assert.ok(second.retain && second.expiresAtMs > fixtureMs && second.expiresAtMs < Infinity)
  assert.ok(second.propertiesEnd > second.propertiesStart)
}

test('sessions, queues, half-received and retained messages come over from version 6', async () => {
  checkContent(await imported(fixture))
})

test(
  'a database that mosquitto writes now comes over',
  { skip: hasMosquitto ? false : 'mosquitto is not installed' },
  async () => checkContent(await imported(await databaseOfMosquitto(), Date.now())),
)

test('what has expired, and an unreadable topic, stay behind and are counted', async () => {
  const bytes = fixture.slice()
  const at = Buffer.from(bytes).indexOf('kept/1')
  bytes[at] = 0xff
  const { summary } = await imported(bytes, fixtureMs + 40 * 365 * 86_400_000)
  assert.equal(summary.retained, 0)
  assert.deepEqual(Object.fromEntries(summary.leftOut), {
    'retained messages: their topic is not valid in MQTT': 1,
    'retained messages: expired': 1,
  })
})

test('a store that holds something is not imported into', async () => {
  const data = new MemoryData()
  data.retained.set('t', messageOf('t', 'mine'))
  await assert.rejects(
    importMosquittoDb(parseMosquittoDb(fixture), memory(data), fixtureMs),
    ImportError,
  )
  assert.deepEqual([...data.retained.keys()], ['t'])
})

test('versions 3 and 4 are read, whatever the lengths in their heads', () => {
  for (const version of [3, 4]) {
    const bytes = oldDatabase(version)
    const { chunks } = parseMosquittoDb(bytes)
    const kinds = ['message', 'client', 'delivery', 'subscription', 'retained']
    assert.deepEqual(
      chunks.map(({ kind }) => kind),
      kinds,
    )
    const [message, client, delivery, subscription] = chunks as Extract<DbChunk, object>[]
    assert.ok(message.kind === 'message' && message.id === 7n && message.topic === 'old/topic')
    assert.equal(message.publisherUser, version === 4 ? 'user' : '')
    assert.equal(new TextDecoder().decode(message.payload), 'payload')
    assert.ok(client.kind === 'client' && client.clientId === 'c' && client.expirySeconds > 1e9)
    assert.ok(delivery.kind === 'delivery' && delivery.outgoing && delivery.packetId === 258)
    assert.ok(delivery.retain && delivery.qos === 1 && delivery.state === 3)
    assert.ok(subscription.kind === 'subscription' && subscription.filter === 'old/#')
  }
})

test('version 5 has clients without a user', () => {
  const client = [...u32(6), ...u32(16 + 1), ...zeros(8), ...u32(60), ...u16(1), ...u16(1), 0x63]
  const { chunks } = parseMosquittoDb(new Uint8Array([...head(5), ...client]))
  assert.deepEqual(chunks, [
    { kind: 'client', clientId: 'c', username: '', expirySeconds: 60, expiresAtSeconds: 0 },
  ])
})

test('a chunk of a kind yet to come is stepped over and counted', async () => {
  const bytes = new Uint8Array([...fixture, ...u32(99), ...u32(3), 1, 2, 3])
  const { summary } = await imported(bytes)
  assert.deepEqual([...summary.leftOut], [['chunks of kind 99: unknown', 1]])
})

test('every database that was cut short is refused with the place', () => {
  let refused = 0
  for (const whole of [fixture, oldDatabase(3), oldDatabase(4)])
    for (let length = 0; length < whole.length; length++) {
      try {
        parseMosquittoDb(whole.slice(0, length))
      } catch (error) {
        assert.ok(error instanceof MosquittoDbError, String(error))
        assert.ok(error.offset <= length && /\(at byte \d+\)$/.test(error.message), error.message)
        refused++
      }
    }
  // Only cuts between two chunks make a whole file again.
  assert.ok(refused > fixture.length - 50, `${refused} of ${fixture.length}`)
})

test('bytes turned at random are refused with the place, or imported', async () => {
  let seed = Number(process.env['MOZZIE_FUZZ_SEED'] ?? Date.now() % 1e9)
  console.log(`# seed ${seed}`)
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  const counts = { refused: 0, imported: 0 }
  for (let round = 0; round < 2000; round++) {
    const bytes = [fixture, oldDatabase(3), oldDatabase(4)][round % 3].slice()
    for (let n = 1 + random(4); n > 0; n--) bytes[random(bytes.length)] = random(256)
    try {
      await imported(bytes)
      counts.imported++
    } catch (error) {
      assert.ok(error instanceof MosquittoDbError, `${String(error)} in round ${round}`)
      counts.refused++
    }
  }
  assert.ok(counts.refused > 100 && counts.imported > 100, JSON.stringify(counts))
})

// ── bytes of older versions, by hand ───────────────────────────────────────────────────────────────

const u16 = (value: number): number[] => [value >> 8, value & 0xff]
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value & 0xffff)]
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0)
const id = (value: number): number[] => [value, ...zeros(7)]
const bytesOf = (text: string): number[] => [...new TextEncoder().encode(text)]
const counted = (text: string): number[] => [...u16(text.length), ...bytesOf(text)]
const head = (version: number): number[] => [
  ...[0, 0xb5, 0, ...bytesOf('mosquitto db')],
  ...zeros(4),
  ...u32(version),
]

function oldDatabase(version: number): Uint8Array {
  const chunk = (kind: number, ...fields: number[][]): number[] => [
    ...u16(kind),
    ...u32(fields.flat().length),
    ...fields.flat(),
  ]
  const sender = version === 4 ? [...counted('user'), ...u16(1883)] : []
  const message = [id(7), counted('sender'), sender, u16(1), u16(1), counted('old/topic'), [1, 0]]
  const lying = chunk(6, counted('c'), u16(9), zeros(8))
  lying[5] = 200
  return new Uint8Array([
    ...head(version),
    ...chunk(1, [1, 8], id(9)),
    ...chunk(2, ...message, u32(7), bytesOf('payload')),
    ...lying,
    ...chunk(3, counted('c'), id(7), u16(258), [1, 1, 1, 3, 0]),
    ...chunk(5, counted('c'), counted('old/#'), [1]),
    ...chunk(4, id(7)),
  ])
}

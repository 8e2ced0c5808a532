import assert from 'node:assert/strict'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as make from '../support/packets.ts'
import { clientOf, mozzie, newPlace, refusalOn, startOn, type Place } from './durable-broker.ts'
import type { BrokerProcess } from '../support/broker-process.ts'
import { testMsMax } from '../support/patience.ts'
import { startMozzie } from '../server/run-mozzie.ts'
import { freePort } from '../support/free-port.ts'

const timeout = testMsMax
const text = new TextDecoder()

/** A retained message, and a session with a subscription and `count` queued messages. */
async function fill(broker: BrokerProcess, count: number): Promise<void> {
  const { client: reader } = await clientOf(broker, 'reader')
  await reader.subscribe({ filter: 'q/#', qos: 1 })
  await reader.disconnect()
  const { client: writer } = await clientOf(broker, 'writer', { cleanStart: true })
  await writer.publish('kept', 'retained', { qos: 1, retain: true })
  for (let n = 0; n < count; n++) await writer.publish('q/1', `m${n}`, { qos: 1 })
  await writer.disconnect()
}

async function readQueue(broker: BrokerProcess, count: number): Promise<string[]> {
  const { client, sessionPresent } = await clientOf(broker, 'reader')
  assert.ok(sessionPresent)
  const got: string[] = []
  while (got.length < count) got.push(text.decode((await client.receive({ topic: 'q/1' })).payload))
  return got
}

const names = (count: number) => Array.from({ length: count }, (_, n) => `m${n}`)

/** The store's newest log. */
function logOf({ store }: Place): string {
  const logs = readdirSync(store).filter((name) => name.endsWith('.log'))
  return join(store, logs.sort().at(-1)!)
}

test(
  'mozzie import-db makes a store in which a client of mosquitto finds its session',
  { timeout },
  async (t) => {
    const place = newPlace(t)
    const file = join(place.directory, 'mosquitto.db')
    const hex = readFileSync(join(process.cwd(), 'tests/corpus/mosquitto-6.hex'), 'utf8')
    writeFileSync(file, Buffer.from(hex.replace(/\s/g, ''), 'hex'))
    const { code, stdout, stderr } = await mozzie('import-db', file, '--into', place.store)
    assert.equal(code, 0, stderr)
    assert.match(
      stdout,
      /2 retained messages, 3 sessions, 2 subscriptions, 12 queued messages, 1 half/,
    )
    const broker = await startOn(t, place)
    const { client, sessionPresent } = await clientOf(broker, 'old', { username: 'user of old' })
    assert.ok(sessionPresent)
    // Message 1 was at PUBREL, under the identifier that mosquitto gave it.
    await client.expect('pubrel', { packetId: 1 })
    client.send(make.ack('pubcomp', 1))
    const got = []
    while (got.length < 5) {
      const { payload, packetId } = await client.receive({ topic: 'q/1' })
      got.push([text.decode(payload), packetId])
    }
    assert.deepEqual(got.slice(0, 2), [
      ['m2', 2],
      ['m3', 3],
    ])
    assert.deepEqual(
      got.map(([payload]) => payload),
      ['m2', 'm3', 'm4', 'm5', 'm6'],
    )
    await client.subscribe({ filter: 'kept/#', qos: 0 })
    const kept = [await client.expect('publish'), await client.expect('publish')]
    assert.deepEqual(kept.map(({ topic }) => topic).sort(), ['kept/1', 'kept/2'])
  },
)

test(
  'mozzie import-db run by root makes a store of the account that the broker runs as',
  { timeout, skip: process.getuid?.() === 0 ? false : 'only root gives files away' },
  async (t) => {
    const { directory } = newPlace(t)
    const file = join(directory, 'mosquitto.db')
    const hex = readFileSync(join(process.cwd(), 'tests/corpus/mosquitto-6.hex'), 'utf8')
    writeFileSync(file, Buffer.from(hex.replace(/\s/g, ''), 'hex'))
    const conf = join(directory, 'mosquitto.conf')
    const lines = ['user nobody', `listener ${await freePort()} 127.0.0.1`, 'persistence true']
    lines.push(`persistence_location ${directory}`, 'persistence_file mosquitto.db')
    writeFileSync(conf, `${lines.join('\n')}\n`)
    chmodSync(directory, 0o755)
    const { code, stderr } = await mozzie('import-db', file, '-c', conf)
    assert.equal(code, 0, stderr)
    const store = `${file}.mozzie`
    const { uid } = statSync(store)
    assert.notEqual(uid, 0)
    for (const name of readdirSync(store)) assert.equal(statSync(join(store, name)).uid, uid, name)
    await startMozzie(t, '-c', conf)
  },
)

test(
  'mozzie import-db refuses a store that is there, and a file that is none',
  { timeout },
  async (t) => {
    const place = newPlace(t)
    const file = join(place.directory, 'not.db')
    writeFileSync(file, 'something else altogether')
    const refused = await mozzie('import-db', file, '--into', place.store)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /not\.db: the head of the file: it is not a database of mosquitto/)
    assert.ok(!existsSync(place.store))
    const occupied = await mozzie('import-db', file, '--into', place.directory)
    assert.equal(occupied.code, 3)
    assert.match(occupied.stderr, /exists already/)
  },
)

test('mozzie db looks into the store of a running broker', { timeout }, async (t) => {
  const place = newPlace(t)
  const broker = await startOn(t, place)
  await fill(broker, 3)
  const stats = await mozzie('db', 'stats', place.store, '--json')
  assert.equal(stats.code, 0, stats.stderr)
  const { sessions, subscriptions, queued, retained, longest } = JSON.parse(stats.stdout) as Record<
    string,
    unknown
  >
  assert.deepEqual(
    { subscriptions, queued, retained },
    { subscriptions: 1, queued: 3, retained: 1 },
  )
  assert.ok(Number(sessions) >= 1)
  assert.deepEqual(longest, [{ clientId: 'reader', queued: 3, queuedBytes: 6 }])
  const dump = await mozzie('db', 'dump', place.store, '--json')
  const records = dump.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const queue = records.filter(({ kind }) => kind === 'queued')
  assert.deepEqual(
    queue.map(({ clientId, topic, payload }) => [
      clientId,
      topic,
      Buffer.from(String(payload), 'base64').toString(),
    ]),
    names(3).map((name) => ['reader', 'q/1', name]),
  )
  assert.deepEqual(
    records.filter(({ kind }) => kind === 'subscription').map(({ filter, qos }) => [filter, qos]),
    [['q/#', 1]],
  )
  // Nothing of the look is left, and the broker is as it was.
  assert.deepEqual(readdirSync(place.directory), ['store.mozzie'])
  assert.deepEqual(await readQueue(broker, 3), names(3))
})

test(
  'mozzie backup copies a running store with all that was acknowledged',
  { timeout },
  async (t) => {
    const place = newPlace(t)
    const broker = await startOn(t, place)
    await fill(broker, 20)
    const { client: writer } = await clientOf(broker, 'writer')
    // Tables come and go while copies are made: 1.5 MB a time overflow LevelDB's memory soon.
    const copying = new AbortController()
    const traffic = (async () => {
      for (let n = 0; !copying.signal.aborted; n++)
        await writer.publish(`large/${n % 20}`, 'x'.repeat(1_500_000), { qos: 1, retain: true })
    })()
    for (const name of ['copy1', 'copy2', 'copy3']) {
      const { code, stderr } = await mozzie(
        'backup',
        join(place.directory, name),
        '--from',
        place.store,
      )
      assert.equal(code, 0, stderr)
    }
    copying.abort()
    await traffic
    await broker.stop()
    for (const name of ['copy1', 'copy3']) {
      const copy = await startOn(t, { ...place, store: join(place.directory, name) })
      assert.deepEqual(await readQueue(copy, 20), names(20))
      await copy.stop()
    }
    assert.equal(statSync(join(place.directory, 'copy1')).mode & 0o777, 0o700)
    const modes = readdirSync(join(place.directory, 'copy2')).map(
      (name) => statSync(join(place.directory, 'copy2', name)).mode & 0o777,
    )
    assert.ok(
      modes.every((mode) => mode === 0o600),
      String(modes),
    )
    const again = await mozzie('backup', join(place.directory, 'copy1'), '--from', place.store)
    assert.equal(again.code, 1)
    assert.match(again.stderr, /exists already/)
  },
)

test(
  'a damaged store is refused, left as it is, and salvaged by the command it names',
  { timeout },
  async (t) => {
    const place = newPlace(t)
    const broker = await startOn(t, place)
    await fill(broker, 200)
    await broker.stop()
    const path = logOf(place)
    const bytes = readFileSync(path)
    const at = bytes.indexOf('m100')
    assert.ok(at > 0)
    bytes[at] ^= 1
    writeFileSync(path, bytes)
    const refusal = await refusalOn(place)
    assert.match(refusal, /the store in \S+ is damaged: \d+\.log: the record at byte \d+/)
    assert.match(refusal, /Nothing was changed/)
    assert.match(refusal, /mozzie db salvage \S+ NEW/)
    assert.deepEqual(readFileSync(path), bytes)
    const fresh = { ...place, store: join(place.directory, 'salvaged') }
    const { code, stdout, stderr } = await mozzie('db', 'salvage', place.store, fresh.store)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /1 subscriptions/)
    assert.deepEqual(readFileSync(path), bytes)
    const next = await startOn(t, fresh)
    const stats = JSON.parse((await mozzie('db', 'stats', fresh.store, '--json')).stdout) as {
      queued: number
    }
    assert.ok(stats.queued >= 99 && stats.queued < 200, `${stats.queued} of 200`)
    const got = await readQueue(next, stats.queued)
    assert.ok(!got.includes('m100'))
    assert.deepEqual(got.slice(0, 99), names(99))
  },
)

test('a wrong command line is answered with the right one', { timeout }, async () => {
  for (const words of [
    ['db', 'shake'],
    ['db', 'salvage', 'one'],
    ['backup'],
    ['import-db'],
    ['db', '--what'],
  ]) {
    const { code, stderr } = await mozzie(...words)
    assert.equal(code, 3, words.join(' '))
    assert.match(stderr, /^Error: .+\nUsage: mozzie/)
  }
})

test('a new store may be named with a slash at its end', { timeout }, async (t) => {
  const place = newPlace(t)
  const file = join(place.directory, 'mosquitto.db')
  const hex = readFileSync(join(process.cwd(), 'tests/corpus/mosquitto-6.hex'), 'utf8')
  writeFileSync(file, Buffer.from(hex.replace(/\s/g, ''), 'hex'))
  const [copy, saved] = ['copy', 'saved'].map((name) => join(place.directory, name))
  for (const words of [
    ['import-db', file, '--into', `${place.store}/`],
    ['backup', `${copy}/`, '--from', `${place.store}/`],
    ['db', 'salvage', `${place.store}/`, `${saved}/`],
    ['db', 'stats', `${saved}/`],
  ]) {
    const { code, stderr } = await mozzie(...words)
    assert.equal(code, 0, stderr)
  }
  for (const store of [place.store, copy, saved])
    assert.ok(existsSync(join(store, 'CURRENT')), store)
})

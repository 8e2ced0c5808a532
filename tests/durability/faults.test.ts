import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openDatabase, openLevel } from '../../src/store/level/database.ts'
import { Kind } from '../../src/store/level/keys.ts'
import { migrate, type Step } from '../../src/store/level/migrations.ts'
import { RecordReader, writeUint } from '../../src/store/level/records.ts'
import { beginRecord, endRecord, openRecord } from '../../src/store/level/sealed-record.ts'
import type { BrokerProcess } from '../support/broker-process.ts'
import * as make from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { clientOf, newPlace, refusalOn, startOn, type Place } from './durable-broker.ts'
import { mountSmallDisk, unmount } from '../support/small-disk.ts'
import { testMsMax, waitMsMax } from '../support/patience.ts'
import { until } from '../server/run-mozzie.ts'

const timeout = testMsMax
const QUOTA_EXCEEDED = 0x97
const META = new Uint8Array([Kind.meta])
const decoder = new TextDecoder()

async function addReader(broker: BrokerProcess): Promise<void> {
  const { client } = await clientOf(broker, 'reader')
  await client.subscribe({ filter: 'q/#', qos: 1 })
  await client.disconnect()
}

/** Publishes numbered messages until one is refused; how many were acknowledged, and how the refusal went. */
async function publishUntilRefused(
  broker: BrokerProcess,
  bytes: number,
  countMax: number,
): Promise<{ acknowledged: number; refusal: string }> {
  const { client } = await clientOf(broker, 'writer', {
    cleanStart: true,
    properties: { sessionExpirySeconds: 0 },
  })
  for (let n = 0; n < countMax; n++) {
    const packetId = client.nextPacketId()
    // Random: LevelDB compresses, and its tables would hold more than the disk has.
    const payload = new Uint8Array(Buffer.concat([Buffer.from(`${n} `), randomBytes(bytes)]))
    client.send(make.publish('q/1', payload, { qos: 1, packetId }))
    const answer = await client.next()
    if (answer === null) return { acknowledged: n, refusal: 'closed' }
    const reason = 'reason' in answer ? answer.reason : -1
    if (reason !== 0) return { acknowledged: n, refusal: `${make.nameOf(answer)} ${reason}` }
  }
  return { acknowledged: countMax, refusal: 'none' }
}

/** Numbers of the messages that wait for the reader, repetitions left out. */
async function readNumbers(broker: BrokerProcess, last: number): Promise<number[]> {
  const { client, sessionPresent } = await clientOf(broker, 'reader', {
    properties: { receiveMaximum: 20 },
  })
  assert.ok(sessionPresent)
  const seen = new Set<number>()
  while (!seen.has(last)) {
    const { payload } = await client.receive({ topic: 'q/1' })
    seen.add(Number(decoder.decode(payload).split(' ')[0]))
  }
  return [...seen]
}

/** Takes and acknowledges so many messages of the reader's queue, and leaves; their numbers. */
async function takeNumbers(broker: BrokerProcess, count: number): Promise<number[]> {
  const { client, sessionPresent } = await clientOf(broker, 'reader')
  assert.ok(sessionPresent)
  const numbers: number[] = []
  while (numbers.length < count) {
    const { payload } = await client.receive({ topic: 'q/1' })
    numbers.push(Number(decoder.decode(payload).split(' ')[0]))
  }
  await client.ping()
  await client.end()
  return numbers
}

const none = { cleanStart: true, properties: { sessionExpirySeconds: 0 } }

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

// ── disk full ──────────────────────────────────────────────────────────────────────────────────────

/** A file system of 64 MB with only part of it free; null where mounting is not possible. */
function smallDisk(context: TestContext): (Place & { ballast: string }) | null {
  // Hooks run in the order they were added: this one comes before the directory is removed.
  let disk = ''
  context.after(() => unmount(disk))
  disk = join(newPlace(context).directory, 'disk')
  if (!mountSmallDisk(disk)) return null
  const ballast = join(disk, 'ballast')
  writeFileSync(ballast, Buffer.alloc(36 << 20))
  return { directory: disk, store: join(disk, 'store.mozzie'), ballast }
}

test(
  'a full disk refuses, acknowledges nothing, and goes on by itself when there is space',
  { timeout },
  async (t) => {
    const place = smallDisk(t)
    if (place === null) return t.skip('mounting a small file system is not possible here')
    const limits = 'max_queued_messages 0\nmax_queued_bytes 0\nmemory_limit 0'
    const broker = await startOn(t, place, limits)
    await addReader(broker)
    const { client: plain } = await clientOf(broker, 'plain', {
      properties: { sessionExpirySeconds: 0 },
      cleanStart: true,
    })
    await plain.subscribe({ filter: 'free', qos: 0 })
    const { acknowledged, refusal } = await publishUntilRefused(broker, 100_000, 1000)
    assert.ok(acknowledged > 20 && acknowledged < 1000, `${acknowledged} acknowledged`)
    assert.match(refusal, new RegExp(`^(puback|disconnect) ${QUOTA_EXCEEDED}$`))
    await until(
      () => /Error: the store is full: .*No space left on device/.test(broker.log()),
      broker.log,
    )
    // Who comes later is refused as well: 5.0 is told why, 3.1.1 is closed.
    const again = await publishUntilRefused(broker, 100, 1)
    assert.equal(again.refusal, `puback ${QUOTA_EXCEEDED}`)
    const old = await RawClient.open(broker.port, 4)
    old.send(make.connect(4, { clientId: 'old writer' }))
    await old.expect('connack', { code: 0 })
    old.send(make.publish('q/1', 'x', { qos: 1, packetId: 1 }))
    await old.expectClosed()
    // What needs no disk goes on.
    await plain.publish('free', 'as air')
    await plain.expect('publish', { topic: 'free' })
    rmSync(place.ballast)
    let resumed = { acknowledged: 0, refusal: '' }
    for (const deadline = performance.now() + waitMsMax; resumed.acknowledged === 0;) {
      assert.ok(performance.now() < deadline, broker.log())
      await sleep(100)
      resumed = await publishUntilRefused(broker, 100, 1)
    }
    await until(() => broker.log().includes('The store has space again'), broker.log)
    broker.signal('SIGKILL')
    await broker.stop()
    const next = await startOn(t, place, limits)
    const numbers = await readNumbers(next, acknowledged - 1)
    assert.deepEqual(numbers.slice(0, acknowledged), upTo(acknowledged))
  },
)

test(
  'a start without space on the disk serves what needs none, refuses the rest, and finds everything once there is',
  { timeout },
  async (t) => {
    const place = smallDisk(t)
    if (place === null) return t.skip('mounting a small file system is not possible here')
    const before = await startOn(t, place)
    await addReader(before)
    const { acknowledged } = await publishUntilRefused(before, 1000, 20)
    assert.equal(acknowledged, 20)
    before.signal('SIGKILL')
    await before.stop()
    // Whatever is free now is not enough for what LevelDB makes when it opens.
    const filler = join(place.directory, 'filler')
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4096'])
    const broker = await startOn(t, place)
    assert.match(broker.log(), /Error: there is no space to open the store: .*No space left/)
    const { client: plain } = await clientOf(broker, 'plain', none)
    await plain.subscribe({ filter: 'free', qos: 1 })
    await plain.publish('free', 'as air')
    await plain.expect('publish', { topic: 'free' })
    assert.equal(await plain.publish('q/1', 'x', { qos: 1 }), QUOTA_EXCEEDED)
    for (const options of [{}, { ...none, cleanStart: false }, { ...none, will: { topic: 'w' } }]) {
      const client = await RawClient.open(broker.port, 5)
      const properties = { sessionExpirySeconds: 3600 }
      client.send(
        make.connect(5, { clientId: 'reader', cleanStart: false, properties, ...options }),
      )
      await client.expect('connack', { code: QUOTA_EXCEEDED })
    }
    rmSync(filler)
    // Who was served is asked to come again: only now is it known what it may have missed.
    await plain.expect('disconnect')
    assert.deepEqual(await readNumbers(broker, 19), upTo(20))
    await until(() => broker.log().includes('The store has space again'), broker.log)
    assert.equal((await publishUntilRefused(broker, 10, 1)).acknowledged, 1)
  },
)

test(
  'on a full disk who comes for what filled it gets it; acknowledgements wait for space, and none is needed twice',
  { timeout },
  async (t) => {
    const place = smallDisk(t)
    if (place === null) return t.skip('mounting a small file system is not possible here')
    const limits = 'max_queued_messages 0\nmax_queued_bytes 0\nmemory_limit 0'
    const broker = await startOn(t, place, limits)
    await addReader(broker)
    const { client: second } = await clientOf(broker, 'second')
    await second.subscribe({ filter: 'two', qos: 2 })
    await second.disconnect()
    const { client: plain } = await clientOf(broker, 'plain', none)
    for (let n = 0; n < 3; n++) await plain.publish('two', String(n), { qos: 2 })
    const { acknowledged } = await publishUntilRefused(broker, 100_000, 1000)
    assert.ok(acknowledged > 20 && acknowledged < 1000, `${acknowledged} acknowledged`)
    await until(() => broker.log().includes('the store is full'), broker.log)
    // Half of it is taken, the connection lost, the rest taken: nothing comes twice while the broker lives.
    const half = acknowledged >> 1
    assert.deepEqual(await takeNumbers(broker, half), upTo(half))
    const rest = await takeNumbers(broker, acknowledged - half)
    assert.deepEqual(rest, upTo(acknowledged).slice(half))
    // QoS 2: the PUBLISH comes, PUBREL only once its PUBREC is safe.
    const { client: exactly, sessionPresent } = await clientOf(broker, 'second')
    assert.ok(sessionPresent)
    const ids = []
    for (let n = 0; n < 3; n++)
      ids.push((await exactly.expect('publish', { topic: 'two', qos: 2 })).packetId)
    exactly.send(make.ack('pubrec', ids[0]))
    await exactly.expectNothing()
    // What is not known cannot be resumed, and a clean start would have to be stored.
    for (const options of [{ clientId: 'nobody' }, { clientId: 'reader', cleanStart: true }]) {
      const client = await RawClient.open(broker.port, 5)
      const properties = { sessionExpirySeconds: 3600 }
      client.send(make.connect(5, { cleanStart: false, properties, ...options }))
      await client.expect('connack', { code: QUOTA_EXCEEDED })
    }
    rmSync(place.ballast)
    await exactly.expect('pubrel', { packetId: ids[0] })
    exactly.send(make.ack('pubcomp', ids[0]))
    await until(() => broker.log().includes('The store has space again'), broker.log)
    assert.equal((await publishUntilRefused(broker, 10, 1)).acknowledged, 1)
    broker.signal('SIGKILL')
    await broker.stop()
    const next = await startOn(t, place, limits)
    // The one that was refused may have been written all the same, none that was acknowledged comes again.
    const left = await readNumbers(next, 0)
    assert.deepEqual(
      left.filter((n) => n !== acknowledged),
      [0],
    )
    const { client: again } = await clientOf(next, 'second')
    assert.deepEqual(
      [(await again.expect('publish')).packetId, (await again.expect('publish')).packetId],
      ids.slice(1),
    )
  },
)

test(
  'a broker that dies while the disk is full sends again what was acknowledged meanwhile, and loses nothing',
  { timeout },
  async (t) => {
    const place = smallDisk(t)
    if (place === null) return t.skip('mounting a small file system is not possible here')
    const limits = 'max_queued_messages 0\nmax_queued_bytes 0\nmemory_limit 0'
    const broker = await startOn(t, place, limits)
    await addReader(broker)
    const { acknowledged } = await publishUntilRefused(broker, 100_000, 1000)
    await until(() => broker.log().includes('the store is full'), broker.log)
    assert.deepEqual(await takeNumbers(broker, 10), upTo(10))
    broker.signal('SIGKILL')
    await broker.stop()
    rmSync(place.ballast)
    const next = await startOn(t, place, limits)
    const numbers = await readNumbers(next, acknowledged - 1)
    assert.deepEqual(numbers.slice(0, acknowledged), upTo(acknowledged))
  },
)

// ── writes that fail, writes that take long ────────────────────────────────────────────────────────

const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0

test(
  'a write that fails ends the broker: no acknowledgement, an error that names the store, nothing lost',
  { timeout, skip: hasPrlimit ? false : 'prlimit (util-linux) is not installed' },
  async (t) => {
    const place = newPlace(t)
    const broker = await startOn(t, place)
    await addReader(broker)
    // Files may not grow beyond 1 MB from now on: the log of the store will want to.
    execFileSync('prlimit', ['--fsize=1048576', '--pid', String(broker.pid)])
    const { acknowledged, refusal } = await publishUntilRefused(broker, 50_000, 100)
    assert.ok(acknowledged > 5 && acknowledged < 100, `${acknowledged} acknowledged`)
    assert.notEqual(refusal, 'none')
    assert.equal(await broker.stop(), 1)
    assert.match(
      broker.log(),
      /Error: unable to write to the store in \S+store\.mozzie: .*File too large/,
    )
    const next = await startOn(t, place)
    assert.deepEqual(
      (await readNumbers(next, acknowledged - 1)).slice(0, acknowledged),
      upTo(acknowledged),
    )
  },
)

test('a slow disk delays what it keeps, and nothing else', { timeout }, async (t) => {
  const place = newPlace(t)
  const slow = fileURLToPath(new URL('./slow-writes.js', import.meta.url))
  const [hold, begun] = ['hold', 'begun'].map((name) => join(place.directory, name))
  const broker = await startOn(t, place, '', {
    NODE_OPTIONS: `--import ${slow}`,
    MOZZIE_TEST_WRITES: place.directory,
  })
  await addReader(broker)
  const { client: plain } = await clientOf(broker, 'plain', none)
  await plain.subscribe({ filter: 'free', qos: 1 })
  const writers = await Promise.all(
    upTo(20).map(async (n) => (await clientOf(broker, `writer ${n}`, none)).client),
  )
  writeFileSync(hold, '')
  const before = statSync(begun).size
  for (const writer of writers) {
    writer.send(make.publish('q/1', 'kept', { qos: 1, packetId: 1 }))
    await writer.ping()
  }
  assert.equal(await plain.publish('free', 'at once', { qos: 1 }), 0)
  await plain.receive({ topic: 'free', qos: 1 })
  for (const writer of writers)
    assert.equal(writer.inbox.length, 0, 'what is to be kept was acknowledged before it was')
  rmSync(hold)
  for (const writer of writers) await writer.expect('puback', { packetId: 1, reason: 0 })
  // One write is under way when they come, the next one takes all of them; one each would be 20.
  const writes = statSync(begun).size - before
  assert.ok(writes >= 1 && writes < 10, `20 publishers took ${writes} writes`)
})

// ── refusals ───────────────────────────────────────────────────────────────────────────────────────

test('a second broker on a store is refused', { timeout }, async (t) => {
  const place = newPlace(t)
  const broker = await startOn(t, place)
  assert.match(await refusalOn(place), /the store in \S+store\.mozzie is in use by another broker/)
  await addReader(broker)
})

test('a store is for its owner alone', { timeout }, async (t) => {
  const place = newPlace(t)
  const broker = await startOn(t, place)
  await addReader(broker)
  assert.equal(statSync(place.store).mode & 0o777, 0o700)
  const open = readdirSync(place.store).filter(
    (name) => (statSync(join(place.store, name)).mode & 0o077) !== 0,
  )
  assert.deepEqual(open, [])
})

async function setFormat(location: string, format: number): Promise<void> {
  const database = await openLevel(location)
  const batch = database.batch()
  writeUint(beginRecord(META), format)
  endRecord(batch, META)
  await batch.write({ sync: true })
  await database.close()
}

test('a store of a newer format is refused and left as it is', { timeout }, async (t) => {
  const place = newPlace(t)
  await (await openDatabase(place.store)).close()
  await setFormat(place.store, 99)
  assert.match(
    await refusalOn(place),
    /has format 99, written by a newer mozzie; this one knows \d+/,
  )
  await setFormat(place.store, 1)
  const broker = await startOn(t, place)
  await addReader(broker)
})

test('older formats are migrated step by step in one batch, or not at all', async (t) => {
  const { store } = newPlace(t)
  const database = await openDatabase(store)
  t.after(() => database.close())
  const key = (n: number) => Uint8Array.of(1, n)
  const step =
    (n: number): Step =>
    async (_database, batch) =>
      void batch.put(key(n), key(n))
  const fails: Step = async () => {
    throw new Error('the third step fails')
  }
  const format = async () => new RecordReader(openRecord(META, (await database.get(META))!)).uint()
  await migrate(
    database,
    5,
    new Map([
      [5, step(5)],
      [6, step(6)],
    ]),
  )
  assert.equal(await format(), 7)
  assert.deepEqual(
    (await database.getMany([key(5), key(6)])).map((value) => value?.[1]),
    [5, 6],
  )
  await assert.rejects(
    migrate(
      database,
      7,
      new Map([
        [7, step(7)],
        [8, fails],
      ]),
    ),
    /third step/,
  )
  assert.equal(await format(), 7)
  assert.equal(await database.get(key(7)), undefined)
})

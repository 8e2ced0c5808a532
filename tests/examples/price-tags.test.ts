/** The price tags example, small: broker, service and shops as processes, with trouble, on both databases. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { writeBrokerFiles, startBroker } from '../../examples/price-tags/broker.ts'
import { articleOf, csvOf, offerOf } from '../../examples/price-tags/model/articles.ts'
import { flash, get, post } from '../../examples/price-tags/flash.ts'
import { readOptions, type Options } from '../../examples/price-tags/options.ts'
import { startWorld, type World } from '../../examples/price-tags/world.ts'
import { readPasswords } from '../../examples/price-tags/model/passwords.ts'
import { connect, type MqttClient } from '../../src/client/node.ts'
import { endWithUs } from '../support/children.ts'
import { freePort } from '../support/free-port.ts'
import { testMsMax } from '../support/patience.ts'
import { acceptedOnce } from './events.ts'
import { noPostgres, startPostgres } from './postgres.ts'

const timeout = testMsMax

async function start(context: TestContext, ...args: string[]): Promise<[World, Options]> {
  const small = '--stores 2 --aps 2 --tags 12 --speed 50 --bad 0 --port 0'.split(' ')
  const options = readOptions([...small, ...args]) as Options
  const world = await startWorld(options)
  context.after(() => world.stop())
  return [world, options]
}

interface Change {
  readonly id: number
  readonly state: string
  readonly tasks: number
  readonly open: number
  readonly shown: number
  readonly failed: number
  readonly expired: number
}

async function changeOf(world: World, id: number): Promise<Change> {
  const changes = (await get(world, '/api/changes')) as Change[]
  return changes.find((change) => change.id === id) as Change
}

/** Waits until all of its tasks have ended. */
async function ended(world: World, id: number): Promise<Change> {
  for (;;) {
    const change = await changeOf(world, id)
    if (change.state === 'ordered' && change.open === 0) return change
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function order(world: World, csv: string, query = ''): Promise<Change> {
  const { change } = (await post(world, `/api/changes${query}`, csv)) as { change: number }
  return ended(world, change)
}

const listOf = (from: number, to: number, of = articleOf): string =>
  csvOf(Array.from({ length: to - from + 1 }, (_, at) => of(from + at)))

test(
  'every task ends shown or named while APs drop and the broker is killed',
  { timeout },
  async (context) => {
    const [world, options] = await start(context, '--flash', '--changed', '12', '--bad', '20')
    const trouble = { drop: 0.5, downMs: 200, killAfterMs: 50 }
    const { tasks, shown, named } = await flash(world, options, 20, trouble)
    assert.equal(tasks, 24)
    const failed = Object.values(named).reduce((sum, count) => sum + count, 0)
    assert.equal(shown + failed, tasks)
    const { connected } = await world.simulator()
    assert.equal(connected, 4)
  },
)

async function life(world: World): Promise<void> {
  const first = await order(world, listOf(1, 24))
  assert.deepEqual([first.tasks, first.shown], [48, 48])
  const same = await order(world, listOf(1, 24))
  assert.equal(same.tasks, 0, 'what is shown already costs nothing')
  const at = new Date(Date.now() + 10_000).toISOString()
  const csv = listOf(1, 3, (sku) => offerOf(sku, 25))
  const { change } = (await post(world, `/api/changes?at=${at}`, csv)) as { change: number }
  assert.equal((await changeOf(world, change)).state, 'scheduled')
  assert.equal((await ended(world, change)).shown, 6)
  const { tags } = (await get(world, '/api/wall?store=1')) as {
    tags: { id: string; ordered: string; shown: string; sku: number }[]
  }
  assert.equal(tags.length, 24)
  assert.ok(tags.every(({ ordered, shown }) => ordered === shown && shown !== ''))
  const { task } = (await get(world, '/api/tags/1-1-1')) as { task: number }
  const { events } = (await get(world, `/api/tasks/${task}`)) as { events: { event: string }[] }
  // The broker's word to the service and the AP's may cross.
  assert.deepEqual(acceptedOnce(events.map(({ event }) => event)), [
    'accepted',
    'created',
    'sent',
    'shown',
  ])
  assert.equal(events.at(-1)?.event, 'shown')
  const back = (await post(world, `/api/changes/${change}/rollback`)) as { change: number }
  assert.equal((await ended(world, back.change)).shown, 6)
  const wall = (await get(world, '/api/wall?store=1')) as { tags: { sku: number; shown: string }[] }
  const before = await order(world, listOf(1, 24))
  assert.equal(before.tasks, 0, 'all is as it was')
  assert.equal(wall.tags.length, 24)
}

/** Changes ordered at once: every tag ends as the last one wants it. */
async function atOnce(world: World): Promise<void> {
  await order(world, listOf(1, 24))
  const lists = [10, 20, 30, 40].map((percent) => listOf(1, 24, (sku) => offerOf(sku, percent)))
  const answers = await Promise.all(lists.map((csv) => post(world, '/api/changes', csv)))
  for (const { change } of answers as { change: number }[]) {
    const { tasks, shown, failed, expired } = await ended(world, change)
    assert.equal(shown + failed + expired, tasks)
  }
  const { tags } = (await get(world, '/api/wall')) as {
    tags: { ordered: string; shown: string }[]
  }
  for (const { ordered, shown } of tags) assert.equal(shown, ordered)
}

test('a price list, again, later, and rolled back', { timeout }, async (context) => {
  const [world] = await start(context)
  assert.equal(world.database, 'PGlite')
  await refusals(world)
  await life(world)
  await atOnce(world)
})

test('the same on a PostgreSQL server', { timeout, skip: noPostgres }, async (context) => {
  const { url, stop } = startPostgres()
  process.env.DATABASE_URL = url
  const [world] = await start(context).finally(() => delete process.env.DATABASE_URL)
  context.after(stop)
  assert.equal(world.database, 'PostgreSQL')
  await life(world)
  await atOnce(world)
})

test('what failed is named, and a retry brings it', { timeout }, async (context) => {
  const [world] = await start(context, '--bad', '60')
  let change = await order(world, listOf(1, 24))
  assert.ok(change.failed > 0)
  const failures = (await get(world, `/api/changes/${change.id}/failures`)) as { reason: string }[]
  assert.deepEqual(
    failures.map(({ reason }) => reason),
    ['the display did not redraw'],
  )
  while (change.failed > 0) {
    await post(world, `/api/changes/${change.id}/retry`)
    change = await ended(world, change.id)
  }
  assert.equal(change.shown, 48)
})

/** One AP with the broker's own files: what it may do, and that nothing of another's reaches it. */
test('an AP uses its own topics and no other', { timeout }, async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-price-tags-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  const fleet = { stores: 1, apsPerStore: 2, tagsPerAp: 1 }
  const files = writeBrokerFiles(directory, await freePort(), fleet)
  const broker = endWithUs(await startBroker(files))
  context.after(() => broker.kill())
  const passwords = readPasswords(files.passwordFile)
  // Two subscriptions of one client may bring two copies.
  const got = new Set<string>()
  const as = (name: string, clientId = name): Promise<MqttClient> =>
    connect(files.url, {
      tls: { ca: readFileSync(files.caFile, 'utf8') },
      clientId,
      reconnect: false,
      username: name,
      password: passwords.get(name) ?? '',
      onMessage: ({ topic }) => void got.add(`${name} ${topic}`),
    })
  const [one, two, service] = [await as('ap-1-1'), await as('ap-1-2'), await as('service-1')]
  context.after(() => Promise.all([one, two, service].map((client) => client.end())))
  for (const topic of ['esl/1/ap/ap-1-2/result', 'esl/1/fields/p2p/ap-1-2', 'esl/ap-1-2/cmd'])
    await assert.rejects(one.publish(topic, 'x', { qos: 1 }), { reason: 0x87 })
  await one.publish('esl/1/ap/ap-1-1/result', '[]', { qos: 1 })
  // To read what it may not is granted in silence, and brings nothing.
  await one.subscribe('esl/#', { qos: 1, onMessage: ({ topic }) => void got.add(`spy ${topic}`) })
  await service.publish('esl/1/fields/p2p/ap-1-2', 'x', { qos: 1 })
  await service.publish('esl/ap-1-2/cmd', 'x', { qos: 1 })
  await service.publish('esl/ap-1-1/cmd', 'x', { qos: 1 })
  while (got.size < 3) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.deepEqual([...got].toSorted(), [
    'ap-1-2 esl/1/fields/p2p/ap-1-2',
    'ap-1-2 esl/ap-1-2/cmd',
    'spy esl/ap-1-1/cmd',
  ])
  // Another's name as the client id takes nobody's place.
  const posing = await as('ap-1-1', 'ap-1-2')
  context.after(() => posing.end())
  await assert.rejects(posing.publish('esl/1/ap/ap-1-2/result', 'x', { qos: 1 }), { reason: 0x87 })
  assert.equal(two.state, 'connected')
})

test(
  'what is kept goes on where the service was killed, and after a new start',
  { timeout },
  async (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'mozzie-price-tags-'))
    context.after(() => rmSync(directory, { recursive: true, force: true }))
    const [world] = await start(context, '--dir', directory)
    const { change } = (await post(world, '/api/changes', listOf(1, 24))) as { change: number }
    await world.killService()
    assert.equal((await ended(world, change)).shown, 48)
    await world.stop()
    const [again] = await start(context, '--dir', directory)
    assert.equal((await ended(again, change)).shown, 48)
    const offer = await order(
      again,
      listOf(1, 3, (sku) => offerOf(sku, 25)),
    )
    assert.deepEqual([offer.tasks, offer.shown], [6, 6])
  },
)

/** A list that is wrong changes nothing, and other pages may not order. */
async function refusals(world: World): Promise<void> {
  await assert.rejects(post(world, '/api/changes', 'sku,name\n1,x\n'), /no column price/)
  assert.deepEqual(await get(world, '/api/changes'), [])
  for (const origin of ['http://shop.example', 'null', world.address.replace('http', 'https')]) {
    const foreign = { method: 'POST', headers: { origin } }
    const { status } = await fetch(`${world.address}/api/wake`, foreign)
    assert.equal(status, 403, origin)
  }
  const list = 'sku,name,price\n1,Milk,1\n'
  for (const at of ['2026-12-31T23:59:60Z', new Date(Date.now() + 50 * 86_400_000).toISOString()])
    await assert.rejects(
      post(world, `/api/changes?at=${at}`, list),
      /is no time of the next 49 days/,
    )
  await assert.rejects(post(world, '/api/changes?label=%00', list), /label/)
  for (const [path, expected] of [
    ['/api/tags/%00', 400],
    ['/api/content/%00.png', 400],
    ['/..%2fservice%2fapi.ts', 404],
  ] as const)
    assert.equal((await fetch(world.address + path)).status, expected, path)
  const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
  assert.equal((await fetch(`${world.address}/api/changes`, json)).status, 415)
  assert.deepEqual(await get(world, '/api/changes'), [])
}

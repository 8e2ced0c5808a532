/** Parts of the price tags example that need no broker: the shelf's physics, the audit log. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readResults } from '../../examples/price-tags/model/messages.ts'
import { TAG_TYPES } from '../../examples/price-tags/model/tags.ts'
import { Shelf, type Ending, type Job } from '../../examples/price-tags/simulator/shelf.ts'
import { writeAudit } from '../../examples/price-tags/service/audit.ts'
import { openDatabase, type Database } from '../../examples/price-tags/service/database.ts'
import { ResultWriter } from '../../examples/price-tags/service/results.ts'
import { prepare } from '../../examples/price-tags/service/schema.ts'

const FLEET = { stores: 2, apsPerStore: 2, tagsPerAp: 5 }
const job = (task: number, hash: string): Job => ({
  task,
  tag: '1-1-1',
  hash,
  index: 0,
  type: 0,
  bytes: 100,
})

function shelf(change: Partial<ConstructorParameters<typeof Shelf>[1]> = {}) {
  const endings: Ending[] = []
  let wake = (): void => {}
  const options = {
    checkInMs: 1000,
    awakeMs: 1000,
    radioBytesPerSecond: 1e6,
    loss: 0,
    badRedraws: 0,
    speed: 100,
    random: () => 0.5,
    ...change,
  }
  const made = new Shelf(5, options, (ending) => {
    endings.push(ending)
    wake()
  })
  const ended = async (count: number): Promise<string[]> => {
    while (endings.length < count) await new Promise<void>((resolve) => (wake = resolve))
    return endings.map(({ job: { task }, reason }) => `${task} ${reason}`.trimEnd())
  }
  return { made, ended }
}

test('an order that is shown already ends at once, a second one of the same task is none', async () => {
  const { made, ended } = shelf()
  assert.equal(made.add(job(1, 'a'), performance.now()), true)
  assert.equal(made.add(job(1, 'a'), performance.now()), false)
  assert.deepEqual(await ended(1), ['1'])
  made.add(job(2, 'a'), performance.now())
  assert.deepEqual(await ended(2), ['1', '2'])
})

test('the newer of two orders is shown, whichever meets the tag first', async () => {
  const { made, ended } = shelf()
  made.add(job(1, 'a'), performance.now())
  made.add(job(2, 'b'), performance.now())
  assert.deepEqual((await ended(2)).sort(), ['1 replaced by a newer order', '2'])
  assert.equal(made.shown[0], 'b')
})

test('an order that was overtaken by a newer one is not shown', async () => {
  const { made, ended } = shelf()
  made.add(job(2, 'b'), performance.now())
  assert.deepEqual(await ended(1), ['2'])
  made.add(job(1, 'a'), performance.now())
  assert.deepEqual(await ended(2), ['2', '1 replaced by a newer order'])
  assert.equal(made.shown[0], 'b')
})

test('a redraw that has to be tried again does not undo a newer one', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const pass = (ms: number): void => context.mock.timers.tick(ms)
  // Of the one block on the air, and of the first redraw, which fails.
  const draws = [0.9, 0.1]
  const { made, ended } = shelf({
    badRedraws: 0.2,
    checkInMs: 1,
    speed: 1,
    random: () => draws.shift() ?? 0.9,
  })
  draws.splice(0, draws.length, 0.9, 0.1)
  const [{ redrawMs }] = TAG_TYPES
  made.add(job(1, 'a'), 0)
  // It checks in, and is on the air for less than a millisecond.
  pass(1)
  pass(1)
  pass(redrawMs)
  assert.deepEqual([draws, made.shown[0]], [[], ''], 'it has failed once')
  made.add(job(2, 'b'), 0)
  pass(1)
  pass(1)
  pass(redrawMs)
  assert.deepEqual((await ended(2)).sort(), ['1 replaced by a newer order', '2'])
  assert.equal(made.shown[0], 'b')
})

for (const [what, change, reason] of [
  ['that hears nothing', { loss: 1 }, 'no answer: 6 blocks lost'],
  ['whose display is broken', { badRedraws: 1 }, 'the display did not redraw'],
] as const)
  test(`a tag ${what} fails by name`, async () => {
    const { made, ended } = shelf(change)
    made.add(job(1, 'a'), performance.now())
    assert.deepEqual(await ended(1), [`1 ${reason}`])
  })

test('a tag without battery fails by name', async () => {
  const { made, ended } = shelf()
  made.drain(0)
  made.add(job(1, 'a'), performance.now())
  assert.deepEqual(await ended(1), ['1 no answer: battery empty'])
})

let database: Database
before(async () => void (database = await openDatabase(undefined, null)))
after(() => database.close())

/** As it is made, with nothing of the test before: another database takes seconds to start. */
async function openPrepared(): Promise<Database> {
  await database.script('drop schema public cascade; create schema public')
  await prepare(database, FLEET)
  return database
}

test('the audit log takes no change', async () => {
  const db = await openPrepared()
  await writeAudit(db.query, [{ event: 'sent', ap: 'ap-1-1', tasks: [1, 2], detail: "it's" }])
  for (const statement of ["update audit set event = 'x'", 'delete from audit', 'truncate audit'])
    await assert.rejects(db.query(statement), /append-only/)
  const rows = await db.query('select event, ap, tasks, detail from audit')
  assert.deepEqual(rows, [{ event: 'sent', ap: 'ap-1-1', tasks: [1, 2], detail: "it's" }])
})

/** Two tasks of one tag: the first was given up for the second. */
async function openWithTasks(): Promise<Database> {
  const db = await openPrepared()
  await db.query(
    `insert into task (change, tag, ap, store, hash, before, state, ended_ms, created_ms, deadline_ms)
     values (1, '1-1-1', 'ap-1-1', 1, 'old', '', 'expired', 1, 0, 0),
       (2, '1-1-1', 'ap-1-1', 1, 'new', '', 'sent', null, 0, 0)`,
  )
  return db
}

const shownBy = async ({ query }: Database): Promise<unknown> =>
  (await query<{ shown: string }>(`select shown from tag where id = '1-1-1'`))[0].shown
const statesOf = async ({ query }: Database): Promise<unknown[]> =>
  (await query<{ state: string }>('select state from task order by id')).map(({ state }) => state)

test('of two results of a tag in one go the newer task is what it shows', async () => {
  for (const [first, second] of [
    [1, 2],
    [2, 1],
  ]) {
    const db = await openWithTasks()
    const writer = new ResultWriter(db, () => {})
    const say = (task: number, outcome: 'shown' | 'failed') =>
      writer.take('ap-1-1', [[task, outcome, '', 2900, -50]])
    await Promise.all([say(first, 'shown'), say(second, 'shown')])
    assert.equal(await shownBy(db), 'new')
    assert.deepEqual(await statesOf(db), ['expired', 'shown'])
  }
})

test('a word that comes late does not undo a newer one', async () => {
  const db = await openWithTasks()
  const writer = new ResultWriter(db, () => {})
  for (const task of [2, 1]) await writer.take('ap-1-1', [[task, 'shown', '', 2900, -50]])
  assert.equal(await shownBy(db), 'new')
})

test('a failure in the same go does not hide what is shown', async () => {
  const db = await openWithTasks()
  const writer = new ResultWriter(db, () => {})
  await writer.take('ap-1-1', [
    [2, 'shown', '', 2900, -50],
    [1, 'failed', 'replaced by a newer order', 2900, -50],
  ])
  assert.equal(await shownBy(db), 'new')
})

test('a task that had failed, or had no time left, is shown when its tag shows it after all', async () => {
  for (const state of ['failed', 'expired']) {
    const db = await openWithTasks()
    await db.query('update task set state = $1, reason = $1, ended_ms = 2 where id = 2', [state])
    await new ResultWriter(db, () => {}).take('ap-1-1', [[2, 'shown', '', 2900, -50]])
    assert.equal(await shownBy(db), 'new')
    assert.deepEqual(await statesOf(db), ['expired', 'shown'])
  }
})

test('an AP says nothing of the tasks of another', async () => {
  const db = await openWithTasks()
  const writer = new ResultWriter(db, () => {})
  await writer.take('ap-1-2', [[2, 'accepted', '', 0, 0]])
  await writer.take('ap-1-2', [[2, 'shown', '', 1, 1]])
  assert.deepEqual(await statesOf(db), ['expired', 'sent'])
  assert.equal(await shownBy(db), '')
})

test('results that are none are refused before they meet those of others', () => {
  const good: readonly unknown[] = [1, 'shown', '', 2900, -50]
  assert.deepEqual(readResults(JSON.stringify([good])), [good])
  for (const bad of [
    '',
    '{}',
    'null',
    '[1]',
    '[[1]]',
    '[["1","shown","",1,1]]',
    '[[1e99,"shown","",1,1]]',
  ])
    assert.throws(() => readResults(bad))
  for (const [at, value] of [
    [1, 'lost'],
    [2, 'a\u0000b'],
    [2, 'x'.repeat(1000)],
    [3, 1e12],
    [4, null],
  ] as const)
    assert.throws(() => readResults(JSON.stringify([good.with(at, value)])), /no results/)
})

test('a database of another fleet is refused', async () => {
  const db = await openPrepared()
  await prepare(db, FLEET)
  await assert.rejects(prepare(db, { ...FLEET, stores: 3 }), /of another fleet/)
})

/** Parts of the price tags example that need no broker: the shelf's physics, the audit log. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { readResults } from '../../examples/price-tags/model/messages.ts'
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

test('a redraw that has to be tried again does not undo a newer one', async () => {
  const draws = [0.5, 0.5, 0.1, 0.9, 0.9]
  const random = (): number => draws.shift() ?? 0.9
  const { made, ended } = shelf({ badRedraws: 0.2, speed: 1, checkInMs: 1, random })
  draws.splice(0, draws.length, 0.9, 0.1)
  made.add(job(1, 'a'), performance.now())
  await new Promise((resolve) => setTimeout(resolve, 100))
  made.add(job(2, 'b'), performance.now())
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

async function openPrepared(context: TestContext): Promise<Database> {
  const db = await openDatabase(undefined, null)
  context.after(() => db.close())
  await prepare(db, FLEET)
  return db
}

test('the audit log takes no change', async (context) => {
  const db = await openPrepared(context)
  await writeAudit(db.query, [{ event: 'sent', ap: 'ap-1-1', tasks: [1, 2], detail: "it's" }])
  for (const statement of ["update audit set event = 'x'", 'delete from audit', 'truncate audit'])
    await assert.rejects(db.query(statement), /append-only/)
  const rows = await db.query('select event, ap, tasks, detail from audit')
  assert.deepEqual(rows, [{ event: 'sent', ap: 'ap-1-1', tasks: [1, 2], detail: "it's" }])
})

/** Two tasks of one tag: the first was given up for the second. */
async function openWithTasks(context: TestContext): Promise<Database> {
  const db = await openPrepared(context)
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

test('of two results of a tag in one go the newer task is what it shows', async (context) => {
  for (const [first, second] of [
    [1, 2],
    [2, 1],
  ]) {
    const db = await openWithTasks(context)
    const writer = new ResultWriter(db, () => {})
    const say = (task: number, outcome: 'shown' | 'failed') =>
      writer.take('ap-1-1', [[task, outcome, '', 2900, -50]])
    await Promise.all([say(first, 'shown'), say(second, 'shown')])
    assert.equal(await shownBy(db), 'new')
    assert.deepEqual(await statesOf(db), ['expired', 'shown'])
  }
})

test('a word that comes late does not undo a newer one', async (context) => {
  const db = await openWithTasks(context)
  const writer = new ResultWriter(db, () => {})
  for (const task of [2, 1]) await writer.take('ap-1-1', [[task, 'shown', '', 2900, -50]])
  assert.equal(await shownBy(db), 'new')
})

test('a failure in the same go does not hide what is shown', async (context) => {
  const db = await openWithTasks(context)
  const writer = new ResultWriter(db, () => {})
  await writer.take('ap-1-1', [
    [2, 'shown', '', 2900, -50],
    [1, 'failed', 'replaced by a newer order', 2900, -50],
  ])
  assert.equal(await shownBy(db), 'new')
})

test('an AP says nothing of the tasks of another', async (context) => {
  const db = await openWithTasks(context)
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

test('a database of another fleet is refused', async (context) => {
  const db = await openPrepared(context)
  await prepare(db, FLEET)
  await assert.rejects(prepare(db, { ...FLEET, stores: 3 }), /of another fleet/)
})

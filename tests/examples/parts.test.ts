/** Parts of the price tags example that need no broker: the shelf's physics, the audit log. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Shelf, type Ending, type Job } from '../../examples/price-tags/simulator/shelf.ts'
import { writeAudit } from '../../examples/price-tags/service/audit.ts'
import { openDatabase, type Database } from '../../examples/price-tags/service/database.ts'
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

test('a database of another fleet is refused', async (context) => {
  const db = await openPrepared(context)
  await prepare(db, FLEET)
  await assert.rejects(prepare(db, { ...FLEET, stores: 3 }), /of another fleet/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase, type Query } from '../../examples/price-tags/service/database.ts'
import { processMsMax } from '../support/patience.ts'
import { noPostgres, startPostgres } from './postgres.ts'

test(
  'of two transactions that wait for each other the one that is undone is done again',
  { skip: noPostgres, timeout: processMsMax },
  async (context) => {
    const { url, stop } = startPostgres()
    context.after(stop)
    const db = await openDatabase(url, null)
    context.after(() => db.close())
    await db.script(
      'create table shelf (id int primary key, n int); insert into shelf values (1, 0), (2, 0)',
    )
    let begun = 0
    const waiting: (() => void)[] = []
    const both = new Promise<void>((resolve) => waiting.push(resolve))
    const add = (query: Query, id: number) =>
      query('update shelf set n = n + 1 where id = $1', [id])
    const inOrder = (first: number, second: number) =>
      db.transaction(async (query) => {
        await add(query, first)
        if (++begun === 2) waiting[0]()
        await both
        await add(query, second)
      })
    await Promise.all([inOrder(1, 2), inOrder(2, 1)])
    assert.equal(begun, 3, 'one was begun twice')
    assert.deepEqual(await db.query('select n from shelf order by id'), [{ n: 2 }, { n: 2 }])
  },
)

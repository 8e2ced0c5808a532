/** PostgreSQL: embedded (PGlite) unless `DATABASE_URL` names a server. Both speak the same SQL. */
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'

export type Row = Readonly<Record<string, unknown>>

/** One statement. Lists and objects go in as JSON text, and are taken apart there (`jsonb_to_recordset`). */
export type Query = <T = Row>(sql: string, params?: readonly unknown[]) => Promise<T[]>

export interface Database {
  readonly kind: string
  readonly query: Query
  /** Several statements, without parameters. */
  script(sql: string): Promise<void>
  /** All of it, or nothing; `run` may be called again where a deadlock has undone it. */
  transaction<T>(run: (query: Query) => Promise<T>): Promise<T>
  close(): Promise<void>
}

const INT8 = 20

/** Two that each waited for rows of the other: PostgreSQL has undone one of them, which may be done again. */
const DEADLOCK = '40P01'
const ATTEMPTS_MAX = 10

/** @param directory Where PGlite keeps its files; null: in memory. */
export async function openDatabase(
  url: string | undefined,
  directory: string | null,
): Promise<Database> {
  return url === undefined ? openEmbedded(directory) : openServer(url)
}

async function openEmbedded(directory: string | null): Promise<Database> {
  const parsers = { [INT8]: Number }
  const db = await PGlite.create(directory ?? 'memory://', { parsers, relaxedDurability: false })
  const query: Query = async <T>(sql: string, params: readonly unknown[] = []) =>
    (await db.query<T>(sql, [...params])).rows
  return {
    kind: 'PGlite',
    query,
    script: async (sql) => void (await db.exec(sql)),
    transaction: (run) =>
      db.transaction((inner) =>
        run(
          async <T>(sql: string, params: readonly unknown[] = []) =>
            (await inner.query<T>(sql, [...params])).rows,
        ),
      ),
    close: () => db.close(),
  }
}

async function openServer(url: string): Promise<Database> {
  pg.types.setTypeParser(pg.types.builtins.INT8, Number)
  const pool = new pg.Pool({ connectionString: url, max: 4 })
  // A server that restarts must not end the service: the next query connects again.
  pool.on('error', () => {})
  const queryOn =
    (client: pg.Pool | pg.PoolClient): Query =>
    async <T>(sql: string, params: readonly unknown[] = []) =>
      (await client.query(sql, [...params])).rows as T[]
  const query = queryOn(pool)
  return {
    kind: 'PostgreSQL',
    query: (sql, params) => untilDone(() => query(sql, params)),
    script: async (sql) => void (await pool.query(sql)),
    transaction: (run) => untilDone(() => transactionOf(pool, (client) => run(queryOn(client)))),
    close: () => pool.end(),
  }
}

async function transactionOf<T>(
  pool: pg.Pool,
  run: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const result = await run(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  } finally {
    client.release()
  }
}

/** Does again what a deadlock has undone. */
async function untilDone<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      const isDeadlock = (error as { code?: unknown }).code === DEADLOCK
      if (!isDeadlock || attempt === ATTEMPTS_MAX) throw error
    }
  }
}

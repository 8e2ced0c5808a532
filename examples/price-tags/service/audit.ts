/** The audit log: one row for each message and each thing that somebody did. Append-only, the database sees to it. */
import type { Query } from './database.ts'

export interface AuditRow {
  readonly event: string
  /** Wall clock; absent: now. */
  readonly atMs?: number
  readonly change?: number
  readonly ap?: string
  readonly tasks?: readonly number[]
  readonly detail?: string
}

export async function writeAudit(query: Query, rows: readonly AuditRow[]): Promise<void> {
  if (rows.length === 0) return
  const atMs = Date.now()
  await query(
    `insert into audit (at_ms, event, change, ap, tasks, detail)
     select coalesce("atMs", $2::bigint), event, change, ap,
       coalesce((select array_agg(value::bigint) from jsonb_array_elements_text(tasks)), '{}'), coalesce(detail, '')
     from jsonb_to_recordset($1::jsonb) as r("atMs" bigint, event text, change int, ap text, tasks jsonb, detail text)`,
    [JSON.stringify(rows.map((row) => ({ tasks: [], ...row }))), atMs],
  )
}

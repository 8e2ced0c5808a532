/**
 * What APs report, gathered for a moment and written in one go: an AP's message is acknowledged when its results are in
 * the database, so none is lost with this process. Said twice is said once.
 */
import type { Result } from '../model/messages.ts'
import { writeAudit, type AuditRow } from './audit.ts'
import type { Database, Query } from './database.ts'
import { grouped } from './grouped.ts'

interface Report {
  readonly ap: string
  readonly results: readonly Result[]
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

const GATHER_MS = 30

/** Tasks whose state changed, and their tags. */
export type Told = (changed: readonly { id: number; tag: string; state: string }[]) => void

export class ResultWriter {
  private readonly db: Database
  private readonly told: Told
  private waiting: Report[] = []
  private busy = false

  constructor(db: Database, told: Told) {
    this.db = db
    this.told = told
  }

  /** Resolves when the results are in the database. */
  take(ap: string, results: readonly Result[]): Promise<void> {
    if (!this.busy) {
      this.busy = true
      setTimeout(() => void this.write(), GATHER_MS)
    }
    return new Promise((done, failed) => this.waiting.push({ ap, results, done, failed }))
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) {
      const reports = this.waiting.splice(0)
      try {
        const changed = await this.db.transaction((query) => writeReports(query, reports))
        for (const { done } of reports) done()
        this.told(changed)
      } catch (error) {
        for (const { failed } of reports) failed(error)
      }
    }
    this.busy = false
  }
}

type Changed = { id: number; tag: string; state: string }

async function writeReports(query: Query, reports: readonly Report[]): Promise<Changed[]> {
  const nowMs = Date.now()
  const rows = reports.flatMap(({ ap, results }) => results.map((result) => rowOf(ap, result)))
  const accepts = rows.filter(({ state }) => state === 'accepted')
  const accepted = await query<Changed>(
    `update task set state = 'accepted', accepted_ms = $3::bigint
     from unnest($1::bigint[], $2::text[]) said(id, ap)
     where task.id = said.id and task.ap = said.ap and state in ('created', 'sent')
     returning task.id, tag, state`,
    [accepts.map(({ id }) => id), accepts.map(({ ap }) => ap), nowMs],
  )
  const ends = rows.filter(({ state }) => state !== 'accepted')
  const ended = await query<Changed>(END_TASKS, [JSON.stringify(ends), nowMs])
  await writeAudit(query, reports.flatMap(auditOf))
  return [...accepted, ...ended]
}

function rowOf(ap: string, [id, state, reason, battery, rssi]: Result) {
  return { ap, id, state, reason, battery, rssi }
}

/**
 * An AP speaks of its own tasks. A tag shows what it shows, also when the task was given up meanwhile; of several that it
 * has shown that is the newest, in whichever order they are told.
 */
const END_TASKS = `
with said as (
  select distinct on (id) r.*, tag, hash from jsonb_to_recordset($1::jsonb)
    as r(id bigint, ap text, state text, reason text, battery int, rssi int)
    join task using (id, ap) order by id, r.state desc
), last as (
  select distinct on (tag) * from said order by tag, state desc, id desc
), ended as (
  update task set state = said.state, reason = said.reason, ended_ms = $2::bigint
  from said where task.id = said.id and (task.ended_ms is null
    -- An order that was sent again may fail first and be shown then.
    or said.state = 'shown' and task.state <> 'shown' and not exists (
      select 1 from task later where later.tag = task.tag and later.id > task.id))
  returning task.id, task.tag, task.state
), seen as (
  update tag set battery_mv = last.battery, rssi = last.rssi,
    shown = case when last.state = 'shown' and not exists (
        select 1 from task later where later.tag = last.tag and later.id > last.id and later.state = 'shown')
      then last.hash else tag.shown end
  from last where tag.id = last.tag
)
select * from ended`

function auditOf({ ap, results }: Report): AuditRow[] {
  const groups = grouped(results, ([, outcome, reason]) => `${outcome}\n${reason}`)
  return groups.map((some) => {
    const [[, event, detail]] = some
    return { event, ap, detail, tasks: some.map(([task]) => task) }
  })
}

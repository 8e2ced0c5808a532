/**
 * What APs report, gathered for a moment and written in one go: an AP's message is acknowledged when its results are in
 * the database, so none is lost with this process. Said twice is said once.
 */
import type { Outcome, Result } from '../model/messages.ts'
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
  const all = reports.flatMap(({ results }) => results)
  const of = (wanted: Outcome): readonly Result[] => all.filter(([, outcome]) => outcome === wanted)
  const accepted = await query<Changed>(
    `update task set state = 'accepted', accepted_ms = $2::bigint
     where id = any($1::bigint[]) and state in ('created', 'sent') returning id, tag, state`,
    [of('accepted').map(([task]) => task), nowMs],
  )
  const ended = await query<Changed>(END_TASKS, [
    JSON.stringify([...of('shown'), ...of('failed')].map(rowOf)),
    nowMs,
  ])
  await writeAudit(query, reports.flatMap(auditOf))
  return [...accepted, ...ended]
}

function rowOf([id, state, reason, battery, rssi]: Result) {
  return { id, state, reason, battery, rssi }
}

/** A tag shows what it shows, also when the task was given up meanwhile. */
const END_TASKS = `
with said as (
  select distinct on (id) * from jsonb_to_recordset($1::jsonb)
    as r(id bigint, state text, reason text, battery int, rssi int) order by id, state desc
), ended as (
  update task set state = said.state, reason = said.reason, ended_ms = $2::bigint
  from said where task.id = said.id and task.ended_ms is null
  returning task.id, task.tag, task.state
), seen as (
  update tag set battery_mv = said.battery, rssi = said.rssi,
    shown = case when said.state = 'shown' then task.hash else tag.shown end
  from said join task on task.id = said.id where tag.id = task.tag
)
select * from ended`

function auditOf({ ap, results }: Report): AuditRow[] {
  const groups = grouped(results, ([, outcome, reason]) => `${outcome}\n${reason}`)
  return groups.map((some) => {
    const [[, event, detail]] = some
    return { event, ap, detail, tasks: some.map(([task]) => task) }
  })
}

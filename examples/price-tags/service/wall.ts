/** What the page asks for: shelves, changes with how far they are, and the life of one task. */
import { TAG_TYPES, type Article } from '../model/tags.ts'
import type { Query } from './database.ts'
import type { Place } from './feed.ts'

export interface WallTag {
  readonly id: string
  readonly ap: string
  readonly aisle: number
  readonly sku: number
  readonly name: string | null
  readonly type: number
  readonly ordered: string
  readonly shown: string
  /** Of its newest task. */
  readonly task: number | null
  readonly state: string | null
  readonly reason: string | null
}

const SHOWN_MAX = 600

export async function readWall(query: Query, { store, ap, aisle }: Place) {
  const tags = await query<WallTag>(
    `select tag.id, tag.ap, aisle, tag.sku, article.name, tag.type, ordered, shown, last.id as task, last.state, last.reason
     from tag left join article using (sku)
       left join lateral (select * from task where task.tag = tag.id and task.hash = tag.ordered
         order by task.id desc limit 1) last on ordered <> shown
     where ($1 = 0 or tag.store = $1) and ($2 = 0 or tag.ap = 'ap-' || $1 || '-' || $2)
       and ($3 = 0 or aisle = $3)
     order by aisle, sku limit ${SHOWN_MAX}`,
    [store, ap, aisle],
  )
  return { tags, types: TAG_TYPES }
}

/** The newest first. `open`: tasks that have not ended. */
export function readChanges(query: Query) {
  return query(
    `select c.id, label, c.state, c.created_ms as "createdMs", due_ms as "dueMs", rolls_back as "rollsBack",
       count(task.id) as tasks,
       count(*) filter (where task.state in ('created', 'sent', 'accepted')) as open,
       count(*) filter (where task.state = 'shown') as shown,
       count(*) filter (where task.state = 'failed') as failed,
       count(*) filter (where task.state = 'expired') as expired,
       max(ended_ms) - min(task.created_ms) as "tookMs"
     from (select * from price_change order by id desc limit 20) c left join task on task.change = c.id
     group by c.id, label, c.state, c.created_ms, due_ms, rolls_back order by c.id desc`,
  )
}

/** The messages of a task in their order; null: there is no such task. */
export async function readTimeline(query: Query, id: number) {
  const [task] = await query(
    `select task.*, label from task join price_change on price_change.id = change where task.id = $1`,
    [id],
  )
  if (task === undefined) return null
  const events = await query(
    `select at_ms as "atMs", event, detail from audit
     where ap = $2 and $1::bigint = any(tasks) and at_ms >= $3 order by at_ms, seq limit 200`,
    [id, task.ap, task.created_ms],
  )
  const created = {
    atMs: task.created_ms,
    event: 'created',
    detail: `change ${String(task.change)}`,
  }
  return { task, events: [created, ...events] }
}

/** How many tasks of a change have not ended. */
export async function readOpen(query: Query, change: number) {
  const [row] = await query(
    `select count(task.id) as open, max(c.ordered_ms) as "orderedMs" from price_change c
       left join task on task.change = c.id and ended_ms is null where c.id = $1`,
    [change],
  )
  return row
}

/** How many of these articles no tag shows. */
export async function countUnknown(query: Query, articles: readonly Article[]): Promise<number> {
  const [row] = await query<{ count: number }>(
    `select count(*) as count from unnest($1::int[]) s(sku)
     where not exists (select 1 from tag where tag.sku = s.sku)`,
    [articles.map(({ sku }) => sku)],
  )
  return row.count
}

/** Why tasks of a change did not end well, and how many did so. */
export function readFailures(query: Query, change: number) {
  return query(
    `select state, reason, count(*) as count from task
     where change = $1 and state in ('failed', 'expired') group by state, reason order by count desc`,
    [change],
  )
}

/**
 * From a change of prices to messages: a task for every tag that shows something else, and one message an AP with all
 * that its tags are to show. What shows it already costs nothing.
 */
import { topics, type FieldsOrder } from '../model/messages.ts'
import { TAG_TYPES, type Article } from '../model/tags.ts'
import type { MqttClient } from 'mozzie/client'
import { writeAudit } from './audit.ts'
import { contentTypeOf } from '../render/render.ts'
import { saveContents, type Content, type Contents } from './contents.ts'
import type { Query } from './database.ts'
import { grouped } from './grouped.ts'

export interface TaskRow {
  readonly id: number
  readonly change: number
  readonly tag: string
  readonly ap: string
  readonly store: number
  readonly hash: string
}

/** `fields`: tags draw themselves; `image`: they are sent bitmaps. */
export type ContentKind = 'fields' | 'image'

export interface OrderOptions {
  readonly content: ContentKind
  /** A task that is not done by then is `expired`. */
  readonly deadlineMs: number
}

/** Orders in one message of fields. */
const FIELDS_MAX = 100
/** APs that are written to at a time. */
const SENDING_MAX = 64

/** Makes the tasks of a change; returns them. Within a transaction. */
export async function makeTasks(
  query: Query,
  change: number,
  articles: readonly Article[],
  options: OrderOptions,
): Promise<TaskRow[]> {
  const kinds = await query<{ sku: number; type: number }>(
    'select distinct sku, type from tag where sku = any($1::int[])',
    [articles.map(({ sku }) => sku)],
  )
  const bySku = new Map(articles.map((article) => [article.sku, article]))
  const pairs = kinds.map(({ sku, type }) => ({ type, article: bySku.get(sku) as Article }))
  const contents = await saveContents(query, pairs)
  const wanted = contents.map(({ hash, type, article: { sku } }) => ({ hash, type, sku }))
  const nowMs = Date.now()
  const params = [JSON.stringify(wanted), change, nowMs, nowMs + options.deadlineMs]
  const tasks = await query<TaskRow>(MAKE_TASKS, params)
  await query(`update price_change set state = 'ordered', ordered_ms = $2 where id = $1`, [
    change,
    nowMs,
  ])
  await writeAudit(query, [{ event: 'ordered', change, detail: `${tasks.length} tasks` }])
  return tasks
}

const MAKE_TASKS = `
with wanted as (
  select * from jsonb_to_recordset($1::jsonb) as w(sku int, type int, hash text)
), hit as (
  select tag.id, tag.ap, tag.store, tag.shown, wanted.hash from tag join wanted using (sku, type)
  where tag.ordered <> wanted.hash or tag.shown <> wanted.hash
), older as (
  update task set state = 'expired', reason = 'replaced by a newer change', ended_ms = $3::bigint
  where ended_ms is null and tag in (select id from hit)
  returning id, change, ap
), noted as (
  insert into audit (at_ms, event, change, ap, tasks, detail)
  select $3::bigint, 'expired', change, ap, array_agg(id), 'replaced by a newer change' from older
  group by change, ap
), ordered as (
  update tag set ordered = hit.hash from hit where tag.id = hit.id
)
insert into task (change, tag, ap, store, hash, before, state, created_ms, deadline_ms)
select $2::int, id, ap, store, hash, shown, 'created', $3::bigint, $4::bigint from hit
returning id, change, tag, ap, store, hash`

/** Sends tasks to their APs, and notes what the broker has; what it has not stays `created`, to be sent again. */
export async function sendTasks(
  query: Query,
  client: MqttClient,
  contents: Contents,
  tasks: readonly TaskRow[],
  kind: ContentKind,
): Promise<void> {
  const known = await contentsOf(query, tasks)
  const byAp = grouped(tasks, ({ ap }) => ap).values()
  const sent: Sent[] = []
  const refused: unknown[] = []
  const sendSome = async (): Promise<void> => {
    for (const group of byAp)
      for (const message of messagesOf(group, known, contents, kind)) {
        try {
          const { reason } = await client.publish(message.topic, message.payload, {
            qos: 1,
            properties: message.properties,
          })
          sent.push({ tasks: message.tasks, reason, atMs: Date.now() })
        } catch (error) {
          refused.push(error)
        }
      }
  }
  try {
    await Promise.all(Array.from({ length: SENDING_MAX }, sendSome))
  } finally {
    await noteSent(query, sent)
  }
  if (refused.length > 0) throw refused[0]
}

/** No session of that client id: the AP has never been here. */
const NO_SUBSCRIBERS = 0x10

/** A message that the broker has. */
interface Sent {
  readonly tasks: readonly TaskRow[]
  /** Of PUBACK. */
  readonly reason: number
  readonly atMs: number
}

async function noteSent(query: Query, sent: readonly Sent[]): Promise<void> {
  const ids = sent.flatMap(({ tasks }) => tasks.map(({ id }) => id))
  await query(
    `update task set attempts = attempts + 1, sent_ms = $2::bigint,
       state = case when state = 'created' then 'sent' else state end
     where id = any($1::bigint[]) and ended_ms is null`,
    [ids, Date.now()],
  )
  await writeAudit(
    query,
    sent.map(({ tasks, reason, atMs }) => ({
      event: 'sent',
      atMs,
      change: tasks[0].change,
      ap: tasks[0].ap,
      tasks: tasks.map(({ id }) => id),
      detail: reason === NO_SUBSCRIBERS ? 'the broker knows no such AP' : 'the broker has it',
    })),
  )
}

async function contentsOf(
  query: Query,
  tasks: readonly TaskRow[],
): Promise<ReadonlyMap<string, Content>> {
  const hashes = [...new Set(tasks.map(({ hash }) => hash))]
  const rows = await query<Content>('select * from content where hash = any($1::text[])', [hashes])
  return new Map(rows.map((content) => [content.hash, content]))
}

interface Outgoing {
  readonly topic: string
  readonly payload: string | Uint8Array
  readonly properties: { contentType: string; userProperties?: [string, string][] }
  readonly tasks: TaskRow[]
}

function* messagesOf(
  tasks: readonly TaskRow[],
  known: ReadonlyMap<string, Content>,
  contents: Contents,
  kind: ContentKind,
): Generator<Outgoing> {
  const [{ store, ap }] = tasks
  if (kind === 'fields') {
    for (let at = 0; at < tasks.length; at += FIELDS_MAX) {
      const some = tasks.slice(at, at + FIELDS_MAX)
      const orders: FieldsOrder[] = some.map(({ id, tag, hash }) => ({
        task: id,
        tag,
        hash,
        fields: (known.get(hash) as Content).article,
      }))
      yield {
        topic: topics.fields(store, ap),
        payload: JSON.stringify(orders),
        properties: { contentType: 'application/json' },
        tasks: some,
      }
    }
    return
  }
  for (const task of tasks) {
    const userProperties: [string, string][] = [
      ['task', String(task.id)],
      ['tag', task.tag],
      ['hash', task.hash],
    ]
    const content = known.get(task.hash) as Content
    yield {
      topic: topics.image(store, ap),
      payload: contents.bitmap(content),
      properties: { contentType: contentTypeOf(TAG_TYPES[content.type]), userProperties },
      tasks: [task],
    }
  }
}

/**
 * The tag management service: takes price lists, turns them into tasks, and follows each to its end.
 *
 *     import ─▶ now, or `$delayed/<second>/esl/service/due` ─▶ a worker ─▶ tasks ─▶ messages to APs
 *     results of APs ─▶ `$share/workers/…` ─▶ tasks shown or failed;   no word for long ─▶ sent again, then expired
 */
import { connect, type Message, type MqttClient } from 'mozzie/client'
import type { Fleet } from '../model/fleet.ts'
import { readResults, topics } from '../model/messages.ts'
import { WORKERS, workerName } from '../model/passwords.ts'
import type { Article } from '../model/tags.ts'
import { writeAudit } from './audit.ts'
import { Contents } from './contents.ts'
import type { Database } from './database.ts'
import { Feed } from './feed.ts'
import { grouped } from './grouped.ts'
import { makeTasks, sendTasks, type ContentKind, type TaskRow } from './orders.ts'
import { ResultWriter } from './results.ts'

export interface ServiceOptions {
  readonly url: string
  readonly ca: string
  readonly passwords: ReadonlyMap<string, string>
  readonly fleet: Fleet
  readonly content: ContentKind
  /** An order that nothing was heard of is sent again after so long. */
  readonly retryMs: number
  /** A task that is not done by then is `expired`. */
  readonly deadlineMs: number
}

const say = (error: Error): void => console.error(`service: ${error.message}`)

const RETRIED_MAX = 5000
/** Longer than any pause of this process: what APs say meanwhile waits in the broker. */
const SESSION_SECONDS = 86_400

export class Service {
  readonly db: Database
  readonly contents: Contents
  readonly feed = new Feed()
  /** What the last message of each AP's presence said. */
  readonly presence = new Map<string, string>()
  readonly options: ServiceOptions
  private readonly clients: MqttClient[] = []
  private readonly results: ResultWriter
  private timer: NodeJS.Timeout | null = null

  constructor(db: Database, options: ServiceOptions) {
    this.db = db
    this.options = options
    this.contents = new Contents(db.query)
    this.results = new ResultWriter(db, (changed) => this.feed.tell(changed))
  }

  /** Connects the workers, and sees to what an earlier run left. */
  async start(): Promise<void> {
    for (let number = 1; number <= WORKERS; number++) this.clients.push(await this.work(number))
    await this.client.subscribe('esl/+/ap/+/status', {
      qos: 1,
      onMessage: (message) => this.takeStatus(message),
    })
    this.scheduleRetry()
  }

  async stop(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer)
    await Promise.all(this.clients.map((client) => client.end()))
    await this.db.close()
  }

  get client(): MqttClient {
    return this.clients[0]
  }

  /** A change of prices: kept, then ordered now, or by the broker's clock when it is due. Returns its number. */
  async plan(
    label: string,
    articles: readonly Article[],
    dueMs: number,
    rollsBack: number | null = null,
  ): Promise<number> {
    const nowMs = Date.now()
    const isLater = dueMs > nowMs + 1000
    const id = await this.db.transaction(async (query) => {
      const [change] = await query<{ id: number }>(
        `insert into price_change (label, state, created_ms, due_ms, rolls_back)
         values ($1, $2, $3, $4, $5) returning id`,
        [label, isLater ? 'scheduled' : 'new', nowMs, isLater ? dueMs : nowMs, rollsBack],
      )
      await query(
        `insert into price (change, sku, article)
         select $1::int, (a->>'sku')::int, a from jsonb_array_elements($2::jsonb) a`,
        [change.id, JSON.stringify(articles)],
      )
      const detail = new Date(dueMs).toISOString()
      if (isLater) await writeAudit(query, [{ event: 'scheduled', change: change.id, detail }])
      return change.id
    })
    if (isLater) await this.schedule(id, dueMs)
    else await this.order(id)
    return id
  }

  /** A change that the broker does not take is put into force a little late, by {@link lookAfter}. */
  private async schedule(change: number, dueMs: number): Promise<void> {
    const topic = `$delayed/${Math.ceil(dueMs / 1000)}/${topics.due}`
    await this.client.publish(topic, String(change), { qos: 1 }).catch(say)
  }

  /** Puts a change into force, once: prices, tasks, messages. */
  async order(change: number): Promise<void> {
    const tasks = await this.db.transaction(async (query) => {
      // One change at a time: of two at once neither would see the other's tasks.
      await query('select pg_advisory_xact_lock(1)')
      const rows = await query<{ article: Article }>(PUT_IN_FORCE, [change])
      const articles = rows.map(({ article }) => article)
      return articles.length === 0 ? [] : makeTasks(query, change, articles, this.options)
    })
    this.feed.tell(tasks.map(({ id, tag }) => ({ id, tag, state: 'created' })))
    await this.send(tasks)
  }

  /** Failed and expired tasks of a change once more; returns how many. */
  async retry(change: number): Promise<number> {
    const nowMs = Date.now()
    const tasks = await this.db.query<TaskRow>(
      `update task set state = 'created', reason = '', ended_ms = null, deadline_ms = $2::bigint
       from tag where change = $1 and state in ('failed', 'expired') and tag.id = task.tag
         and tag.ordered = task.hash and tag.shown <> task.hash
         and not exists (select 1 from task newer where newer.tag = tag.id and newer.id > task.id)
       returning task.id, change, task.tag, task.ap, task.store, hash`,
      [change, nowMs + this.options.deadlineMs],
    )
    await writeAudit(
      this.db.query,
      grouped(tasks, ({ ap }) => ap).map((some) => ({
        event: 'retried',
        change,
        ap: some[0].ap,
        tasks: some.map(({ id }) => id),
      })),
    )
    this.feed.tell(tasks.map(({ id, tag }) => ({ id, tag, state: 'created' })))
    await this.send(tasks)
    return tasks.length
  }

  /** A change that makes everything as it was before `change`; 0: there was nothing before. */
  async rollBack(change: number): Promise<number> {
    const before = await this.db.query<{ before: Article }>(
      'select before from price where change = $1 and before is not null',
      [change],
    )
    if (before.length === 0) return 0
    const articles = before.map(({ before: article }) => article)
    return this.plan(`roll back change ${change}`, articles, 0, change)
  }

  /** Every tag listens for a while: orders need not wait for its check-in. */
  async wake(): Promise<void> {
    const aps = await this.db.query<{ ap: string }>('select distinct ap from tag')
    await Promise.all(
      aps.map(({ ap }) => this.client.publish(topics.command(ap), 'wake', { qos: 1 })),
    )
  }

  /** What the broker does not take is sent again later. */
  private async send(tasks: readonly TaskRow[]): Promise<void> {
    const { contents, db, client } = this
    await sendTasks(db.query, client, contents, tasks, this.options.content).catch(say)
  }

  private async work(number: number): Promise<MqttClient> {
    const { url, ca, passwords } = this.options
    const name = workerName(number)
    const client = await connect(url, {
      tls: { ca },
      clientId: name,
      username: name,
      password: passwords.get(name) ?? '',
      cleanStart: false,
      sessionExpirySeconds: SESSION_SECONDS,
      reconnect: { minMs: 200, maxMs: 2000, first: true },
    })
    client.on('error', say)
    await client.subscribe('$share/workers/esl/+/ap/+/result', {
      qos: 1,
      onMessage: (message) => this.takeResults(message),
    })
    await client.subscribe(`$share/workers/${topics.due}`, {
      qos: 1,
      onMessage: (message) => this.order(Number(message.text())),
    })
    return client
  }

  private takeResults(message: Message): Promise<void> {
    const [, , , ap] = message.topic.split('/')
    return this.results.take(ap, readResults(message.text()))
  }

  private async takeStatus(message: Message): Promise<void> {
    const [, , , ap] = message.topic.split('/')
    const status = message.text()
    if (status !== 'online' && status !== 'offline') return
    if (this.presence.get(ap) === status) return
    this.presence.set(ap, status)
    if (!message.retain) await writeAudit(this.db.query, [{ event: status, ap }])
  }

  private scheduleRetry(): void {
    this.timer = setTimeout(() => {
      this.lookAfter()
        .catch(say)
        .finally(() => this.scheduleRetry())
    }, this.options.retryMs / 4)
  }

  /** Nothing is forgotten: what nobody spoke of is sent again, and what has no time left is said to have expired. */
  private async lookAfter(): Promise<void> {
    const { query } = this.db
    const nowMs = Date.now()
    const silentSince = nowMs - this.options.retryMs
    const expired = await query<TaskRow>(EXPIRE, [nowMs])
    await writeAudit(
      query,
      expired.map(({ id, change, ap }) => ({ event: 'expired', change, ap, tasks: [id] })),
    )
    this.feed.tell(expired.map(({ id, tag }) => ({ id, tag, state: 'expired' })))
    const silent = await query<TaskRow>(
      `select id, change, tag, ap, store, hash from task
       where ended_ms is null and created_ms < $1 and coalesce(sent_ms, 0) < $1
         and coalesce(accepted_ms, 0) < $1
       order by id limit ${RETRIED_MAX}`,
      [silentSince],
    )
    if (silent.length > 0) await this.send(silent)
    const due = await query<{ id: number }>(
      `select id from price_change where state in ('new', 'scheduled') and due_ms < $1`,
      [silentSince],
    )
    for (const { id } of due) await this.order(id)
  }
}

/** The change's articles replace those before, which the change remembers. Nothing the second time. */
const PUT_IN_FORCE = `
with begun as (
  update price_change set state = 'ordering' where id = $1::int and state in ('new', 'scheduled') returning id
), old as (
  update price set before = to_jsonb(article.*)
    - 'was_cents' || jsonb_build_object('wasCents', article.was_cents)
  from begun, article where price.change = begun.id and article.sku = price.sku
), new as (
  select price.article as a from price join begun on price.change = begun.id
), put as (
  insert into article (sku, name, cents, was_cents, unit, ean)
  select (a->>'sku')::int, a->>'name', (a->>'cents')::int, (a->>'wasCents')::int, a->>'unit', a->>'ean' from new
  on conflict (sku) do update set name = excluded.name, cents = excluded.cents,
    was_cents = excluded.was_cents, unit = excluded.unit, ean = excluded.ean
)
select a as article from new`

const EXPIRE = `
update task set state = 'expired', ended_ms = $1::bigint,
  reason = case state when 'accepted' then 'the tag did not answer in time' else 'the AP did not answer in time' end
where ended_ms is null and deadline_ms < $1::bigint
returning id, change, tag, ap, store, hash`

/**
 * What the service keeps. Times are wall clock, ms. Rows have room beside them and states are in no index, so that most of what
 * happens to a task costs one write.
 *
 *     price_change ── price (what it makes of an article, and what that was before)
 *          └── task, one a tag: created ▶ sent ▶ accepted ▶ shown | failed | expired
 *     audit: what happened, one row a message; nobody changes or removes one
 */
import type { Fleet } from '../model/fleet.ts'
import { AISLES } from '../model/fleet.ts'
import type { Database } from './database.ts'

const TABLES = `
create table if not exists article (
  sku int primary key, name text not null, cents int not null, was_cents int not null,
  unit text not null, ean text not null);
create table if not exists tag (
  id text primary key, store int not null, ap text not null, aisle int not null, sku int not null,
  type int not null, ordered text not null default '', shown text not null default '',
  battery_mv int not null default 0, rssi int not null default 0) with (fillfactor = 70);
create table if not exists content (
  hash text primary key, type int not null, article jsonb not null);
create table if not exists price_change (
  id serial primary key, label text not null, state text not null, created_ms bigint not null,
  due_ms bigint not null, ordered_ms bigint, rolls_back int);
create table if not exists price (
  change int not null references price_change, sku int not null, article jsonb not null, before jsonb,
  primary key (change, sku));
create table if not exists task (
  id bigserial primary key, change int not null, tag text not null,
  ap text not null, store int not null, hash text not null, before text not null,
  state text not null, reason text not null default '', attempts int not null default 0,
  created_ms bigint not null, sent_ms bigint, accepted_ms bigint, ended_ms bigint,
  deadline_ms bigint not null) with (fillfactor = 50);
create index if not exists task_tag on task (tag, id);
create index if not exists task_open on task (change) where ended_ms is null;
create table if not exists audit (
  seq bigserial primary key, at_ms bigint not null, event text not null, change int, ap text,
  tasks bigint[] not null default '{}', detail text not null default '');
create index if not exists audit_ap on audit (ap, seq);
create or replace function audit_is_kept() returns trigger language plpgsql as
  $$ begin raise exception 'the audit log is append-only'; end $$;
drop trigger if exists audit_append_only on audit;
create trigger audit_append_only before update or delete or truncate on audit
  for each statement execute function audit_is_kept();
`

/** Makes the tables, and a row a tag where there is none. */
export async function prepare(db: Database, fleet: Fleet): Promise<void> {
  await db.script(TABLES)
  const [{ count }] = await db.query<{ count: number }>('select count(*) as count from tag')
  const { stores, apsPerStore, tagsPerAp } = fleet
  if (count === stores * apsPerStore * tagsPerAp) return
  if (count > 0) throw new Error(`the database has ${count} tags: it is of another fleet`)
  await db.query(
    `insert into tag (id, store, ap, aisle, sku, type)
     select s || '-' || a || '-' || k, s, 'ap-' || s || '-' || a, sku % ${AISLES} + 1, sku,
       case when sku % 24 = 0 then 3 when sku % 12 = 0 then 2 when sku % 3 = 0 then 1 else 0 end
     from generate_series(1, $1::int) s, generate_series(1, $2::int) a, generate_series(1, $3::int) k,
       lateral (select (a - 1) * $3::int + k as sku) place`,
    [stores, apsPerStore, tagsPerAp],
  )
  await db.script('create index if not exists tag_sku on tag (sku)')
  await db.script('create index if not exists tag_ap on tag (ap)')
  // Nobody else does it in an embedded database.
  await db.script('analyze tag')
}

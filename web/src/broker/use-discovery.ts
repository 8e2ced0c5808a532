/** Asks the broker for what devices announce to Home Assistant, and for the last values of their topics. */
import { asText, fromBase64 } from '../decode/bytes.ts'
import { ApiError, call, type RetainedRow } from './api.ts'
import {
  DISCOVERY_FILTER,
  readAnnouncement,
  type Announcement,
  type Surroundings,
} from './discovery.ts'
import { useLoaded, type Loaded } from './use-api.ts'

const PAGE_SIZE = 500
const ANNOUNCEMENTS_MAX = 2000
/** Of a payload in a list. */
const PREVIEW_BYTES = 256
/** Values that are asked for: beyond them a page helps nobody. */
const TOPICS_MAX = 1000
const AT_ONCE = 6

export interface Discovery extends Surroundings {
  readonly announcements: readonly Announcement[]
}

export function useDiscovery(): Loaded<Discovery> {
  return useLoaded('discovery', load)
}

async function load(): Promise<Discovery> {
  const rows = await allRows()
  const read = await inTurns(rows, async (row) =>
    readAnnouncement(row.topic, await payloadOf(row), row.publisher),
  )
  const announcements = read.filter((one) => one !== null)
  const topics = announcements.flatMap(({ stateTopics, availabilityTopics }) => [
    ...stateTopics,
    ...availabilityTopics,
  ])
  const wanted = [...new Set(topics)].slice(0, TOPICS_MAX)
  const found = await inTurns(wanted, async (topic) => ({ topic, text: await valueOf(topic) }))
  const publishers = new Set(announcements.flatMap(({ publisher }) => publisher ?? []))
  const states = await inTurns([...publishers], async (id) => ({ id, here: await isHere(id) }))
  return {
    announcements,
    values: new Map(found.map(({ topic, text }) => [topic, text])),
    connected: new Set(states.filter(({ here }) => here).map(({ id }) => id)),
  }
}

async function allRows(): Promise<RetainedRow[]> {
  const rows: RetainedRow[] = []
  for (let page = 1; rows.length < ANNOUNCEMENTS_MAX; page++) {
    const query = { filter: DISCOVERY_FILTER, page, pageSize: PAGE_SIZE }
    const { items, total } = await call('retained', { query })
    rows.push(...items)
    if (items.length === 0 || rows.length >= total) break
  }
  return rows
}

async function payloadOf({ topic, payloadBytes, preview }: RetainedRow): Promise<string> {
  if (payloadBytes <= PREVIEW_BYTES) return textOf(preview)
  return (await valueOf(topic)) ?? ''
}

/** null: there is no retained message. */
async function valueOf(topic: string): Promise<string | null> {
  const message = await unlessMissing(call('retainedMessage', { query: { topic } }))
  return message === null ? null : textOf(message.payload)
}

async function isHere(id: string): Promise<boolean> {
  return (await unlessMissing(call('client', { query: { clientId: id } })))?.connected ?? false
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null
    throw error
  }
}

function textOf(base64: string): string {
  const bytes = fromBase64(base64) ?? new Uint8Array()
  return asText(bytes) ?? ''
}

/** A few at a time. */
async function inTurns<T, R>(list: readonly T[], act: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let from = 0; from < list.length; from += AT_ONCE)
    results.push(...(await Promise.all(list.slice(from, from + AT_ONCE).map(act))))
  return results
}

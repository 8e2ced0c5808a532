/** Answers to the page's questions. */
import { importRecords } from '../capture/import.ts'
import { commonPaths, pivotCsv } from '../capture/pivot.ts'
import { exportParts } from '../capture/records.ts'
import type { Arrival } from '../capture/capture.ts'
import { decode, type DecodeResult } from '../decode/decode.ts'
import { toHex } from '../decode/lines.ts'
import type { Draft, Row } from '../model/message.ts'
import { newId } from '../model/profile.ts'
import type { DetailAnswer, Questions } from '../protocol/protocol.ts'
import { parseCsv } from '../publish/csv.ts'
import { rowMessage, rowProblems, type RowsFound } from '../publish/csv-rows.ts'
import { outgoing, type Outgoing } from '../publish/outgoing.ts'
import type { TemplateContext } from '../publish/template.ts'
import { findRetained } from './retained.ts'
import type { OpenLink } from './link.ts'
import type { Session } from './session.ts'

export interface Desk {
  readonly session: Session
  readonly openLink: OpenLink
}

type Answers = {
  [K in keyof Questions]: (
    desk: Desk,
    asked: Questions[K][0],
  ) => Promise<Questions[K][1]> | Questions[K][1]
}

const ROWS_MAX = 100_000
const TOPICS_MAX = 12
const MIN_EVERY_MS = 1

function context(seq: number): TemplateContext {
  return { seq, nowMs: Date.now(), random: Math.random, columns: null }
}

function draftMessage({ session }: Desk, draft: Draft, at: TemplateContext): Promise<Outgoing> {
  return outgoing(draft, session.profile.version, at)
}

export const ANSWERS: Answers = {
  publish: async (desk, { draft }) => {
    const message = await draftMessage(desk, draft, context(1))
    const startedMs = performance.now()
    const { code, reason } = await desk.session.publish(message)
    return { ok: code < 0x80, code, reason, roundTripMs: performance.now() - startedMs }
  },

  detail: ({ session }, asked) => detail(session, asked),

  history: ({ session }, { topic, count }) => {
    const { ring, topics } = session.capture
    const id = topics.find(topic)?.id
    const rows: Row[] = []
    for (let seq = ring.next - 1; seq >= ring.first && rows.length < count; seq--) {
      if (ring.topicId(seq) === id && !ring.isGone(seq))
        rows.push(session.view.row(seq, rows.length))
    }
    return rows
  },

  startRepeat: (desk, { draft, timing }) => {
    const everyMs = Math.max(MIN_EVERY_MS, timing.everyMs)
    const total = timing.count > 0 ? timing.count : null
    desk.session.jobs.start(newId(), 'repeat', total, (sent) =>
      total !== null && sent >= total
        ? null
        : { dueMs: sent * everyMs, message: () => draftMessage(desk, draft, context(sent + 1)) },
    )
    return null
  },

  startCsv: (desk, asked) => startCsv(desk, asked),

  stopJob: ({ session }, { id }) => {
    session.jobs.stop(id)
    return null
  },

  jobResults: ({ session }, { id }) => session.jobs.results(id),

  retryJob: ({ session }, { id }) => {
    session.jobs.retry(id, newId())
    return null
  },

  findRetained: ({ session, openLink }, { filter }) =>
    findRetained(openLink, session.profile, filter),

  clearRetained: ({ session }, { topics }) => {
    session.jobs.start(newId(), 'clear', topics.length, (sent) => {
      const topic = topics[sent]
      if (topic === undefined) return null
      return {
        dueMs: 0,
        message: () => ({
          topic,
          payload: new Uint8Array(),
          qos: 1,
          retain: true,
          properties: {},
        }),
      }
    })
    return null
  },

  export: ({ session }, { format }) => {
    const parts = [...exportParts(session.capture, session.view.seqs(), format)]
    const types = { jsonl: 'application/x-ndjson', json: 'application/json', csv: 'text/csv' }
    return new Blob(parts, { type: `${types[format]};charset=utf-8` })
  },

  import: ({ session }, { text }) => {
    const { records, altered, unread } = importRecords(text)
    for (const record of records) session.capture.add(record)
    session.markAll()
    return { messages: records.length, altered, unread }
  },

  replay: ({ session }, { text, speed }) => {
    const { records, altered, unread } = importRecords(text)
    const sorted = records.toSorted((a, b) => a.timeMs - b.timeMs)
    const startMs = sorted[0]?.timeMs ?? 0
    session.jobs.start(newId(), 'replay', sorted.length, (sent) => {
      const record = sorted[sent]
      if (record === undefined) return null
      const { topic, payload, qos, retain } = record
      const dueMs = speed > 0 ? (record.timeMs - startMs) / speed : 0
      const message = { topic, payload, qos, retain, properties: replayable(record) }
      return { dueMs, message: () => message }
    })
    return { messages: records.length, altered, unread }
  },

  paths: ({ session }) => commonPaths(session.capture),

  exportPivot: ({ session: { view } }) => {
    const columns = view.request.pivot?.columns ?? []
    return new Blob([...pivotCsv(columns, view.latestRows())], { type: 'text/csv;charset=utf-8' })
  },

  topics: ({ session }, { text }) => {
    const lower = text.toLowerCase()
    const found: string[] = []
    for (const { name } of session.capture.topics.all()) {
      if (name.startsWith('$') !== text.startsWith('$') || !name.toLowerCase().includes(lower))
        continue
      found.push(name)
      if (found.length === TOPICS_MAX) break
    }
    return found
  },

  neighbour: ({ session }, { seq, step }) => session.view.neighbour(seq, step),
}

const NOTHING_WRONG: RowsFound = { bad: [], isNoneJson: false }

async function startCsv(
  { session }: Desk,
  { draft, csv, perSecond, anyway }: Questions['startCsv'][0],
): Promise<Questions['startCsv'][1]> {
  const table = parseCsv(csv)
  const { rows } = table
  if (rows.length === 0) return { rows: 0, problem: 'empty', ...NOTHING_WRONG }
  if (rows.length > ROWS_MAX) return { rows: rows.length, problem: 'tooMany', ...NOTHING_WRONG }
  const { version } = session.profile
  const now = { nowMs: Date.now(), random: Math.random }
  const found = await rowProblems(draft, version, table, now)
  const { bad, isNoneJson } = found
  if ((bad.length > 0 || isNoneJson) && !anyway)
    return { rows: rows.length, problem: 'badRows', ...found }
  const isBad = new Set(bad.map(({ row }) => row - 1))
  const good = [...rows.keys()].filter((row) => !isBad.has(row))
  session.jobs.start(
    newId(),
    'csv',
    good.length,
    (sent) => {
      const row = good[sent]
      if (row === undefined) return null
      return {
        dueMs: (sent * 1000) / perSecond,
        message: () =>
          rowMessage(draft, version, table, row, { nowMs: Date.now(), random: Math.random }),
      }
    },
    {
      of: (sent) => good[sent] ?? 0,
      others: bad.map((problem) => ({ ...problem, result: 'left out' })),
    },
  )
  return { rows: good.length, problem: null, ...found }
}

/** Properties of a captured message that may be sent again: what only a broker sends stays behind. */
function replayable({ properties }: Arrival): Outgoing['properties'] {
  if (properties === null) return {}
  const { subscriptionIds: _, topicAlias: __, ...rest } = properties
  return rest
}

async function detail(
  session: Session,
  { seq: wanted, topic: topicName, format, schema: schemaId, whole }: Questions['detail'][0],
): Promise<DetailAnswer | null> {
  const { capture, view } = session
  const topic = topicName === null ? undefined : capture.topics.find(topicName)
  const seq = wanted ?? topic?.lastSeq ?? -1
  if (!capture.ring.has(seq)) return null
  const row = view.row(seq, 0)
  const payload = capture.ring.payload(seq).slice()
  const before = capture.previousOf(seq)
  const previous = before === -1 ? null : capture.ring.payload(before).slice()
  const said = capture.of(capture.topicOf(seq))
  const properties = capture.ring.properties(seq)
  const schema = session.schemas.find(({ id }) => id === (schemaId || said.schema)) ?? null
  const read = (bytes: Uint8Array, of: number) => {
    const contentType = capture.ring.properties(of)?.contentType ?? ''
    return decode(bytes, format ?? said.format, schema, whole, { topic: row.topic, contentType })
  }
  const result = await read(payload, seq)
  return {
    detail: {
      ...row,
      payload,
      properties,
      packetId: capture.ring.packetId(seq),
      sincePreviousMs: before === -1 ? null : row.timeMs - capture.ring.timeMs(before),
    },
    decoded: shortened(result),
    text: textOf(result, payload),
    previousText: previous === null ? null : textOf(await read(previous, before), previous),
  }
}

/** More lines than anybody reads stay here; the text of the answer has them. */
const LINES_MAX = 50_000

function shortened(result: DecodeResult): DecodeResult {
  const { decoded } = result
  if (decoded.kind !== 'lines' || decoded.lines.length <= LINES_MAX) return result
  return { ...result, decoded: { ...decoded, lines: decoded.lines.slice(0, LINES_MAX), text: '' } }
}

function textOf({ decoded }: DecodeResult, payload: Uint8Array): string {
  return 'text' in decoded ? decoded.text : toHex(payload)
}

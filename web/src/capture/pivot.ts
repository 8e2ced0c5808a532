/** What the table of values asks: its condition as a query, its columns by themselves, its rows as a file. */
import { csvField } from '../publish/csv.ts'
import { pathsWithin, readValue } from '../decode/values.ts'
import type { LatestRow } from '../protocol/protocol.ts'
import type { Capture } from './capture.ts'

/** `battery < 2.9 name = x` becomes `$.battery<2.9 $.name=x`; what is a query already stays one. */
export function conditionQuery(text: string): string {
  return text
    .replaceAll(/\s*(<=|>=|!=|<|>|=)\s*/g, '$1')
    .replaceAll(/,|\band\b/g, ' ')
    .split(/\s+/)
    .map((word) =>
      /^[^\s$/:"<>=!-][^\s:"<>=!]*(?:<=|>=|!=|<|>|=)/.test(word) ? `$.${word}` : word,
    )
    .join(' ')
    .trim()
}

const TOPICS_LOOKED_AT = 300
const PATHS_MAX = 200

/** Paths of the values that the latest messages have, the commonest first. */
export function commonPaths(capture: Capture): string[] {
  const counts = new Map<string, number>()
  let left = TOPICS_LOOKED_AT
  for (const topic of capture.topics.all()) {
    if (left-- === 0) break
    const payload = capture.lastPayload(topic)
    const read = payload === null ? null : readValue(payload, capture.readingOf(topic))
    if (read === null) continue
    for (const path of pathsWithin(read.value)) counts.set(path, (counts.get(path) ?? 0) + 1)
  }
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, PATHS_MAX)
    .map(([path]) => path)
}

/** A file for spreadsheets. */
export function* pivotCsv(
  columns: readonly string[],
  rows: Iterable<LatestRow>,
): Generator<string> {
  const line = (fields: readonly string[]) => `${fields.map(csvField).join(',')}\r\n`
  yield `\uFEFF${line(['topic', 'last seen', ...columns])}`
  for (const { topic, lastMs, cells } of rows)
    yield line([topic, new Date(lastMs).toISOString(), ...cells])
}

/** What the table of values asks: its condition as a query, its columns by themselves, its rows as a file. */
import { csvField } from '../publish/csv.ts'
import { pathsWithin, readValue } from '../decode/values.ts'
import type { LatestRow } from '../protocol/protocol.ts'
import type { Capture } from './capture.ts'
import { compileQuery, QueryError, type Predicate } from './query.ts'

/** A text in quotes; a sign with its spaces; what stands between two conditions. A comma within a number stays. */
const PARTS = /"[^"]*"?|(?<!\s)\s*(<=|>=|!=|==?|<|>)\s*|(,(?!\d)|(?<=\s)(?:and|&&)(?=\s))/gi

/** `battery < 2.9 name = x` becomes `$.battery<2.9 $.name=x`; what is a query already stays one. */
export function conditionQuery(text: string): string {
  const closedUp = text.replaceAll(PARTS, (whole, sign?: string, joint?: string) =>
    sign === undefined ? (joint === undefined ? whole : ' ') : sign.replace('==', '='),
  )
  return wordsOf(closedUp)
    .map((word) =>
      /^[^\s$/:"<>=!-][^\s:"<>=!]*(?:<=|>=|!=|<|>|=)/.test(word) ? `$.${word}` : word,
    )
    .join(' ')
}

const wordsOf = (text: string): string[] => text.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []

/** Whoever writes these means more than a search for them. */
const NO_CONDITION = /^(?:or|not|between|[|&]+|[\d.,]+|.*[<>=]-?\d+,\d+)$/i

/** What the table of values is narrowed by; null: nothing. Throws QueryError. */
export function compileCondition(text: string): Predicate | null {
  const query = conditionQuery(text)
  const wrong = wordsOf(query).find((word) => NO_CONDITION.test(word))
  if (wrong !== undefined && /[<>=]/.test(query)) throw new QueryError(wrong)
  return compileQuery(query)
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

/** Pages out of long lists, read in portions so that a million entries hold nobody up. */
import { HttpError } from './http-error.ts'
import { REACH_MAX } from './schemas-pages.ts'

const ENTRIES_PER_TURN = 2000
const SCANS_MAX = 4
let scans = 0

export interface Page<T> {
  readonly items: T[]
  readonly total: number
  readonly page: number
  readonly pageSize: number
  /** Nodes of a cluster whose rows are not there, for they did not answer; absent: none. */
  readonly missing?: string[]
}

export interface PageQuery {
  readonly page?: number
  readonly pageSize?: number
}

/** Lets other work go on. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/**
 * Runs what looks at everything; a few at a time.
 *
 * @throws HttpError 503 when there are too many.
 */
export async function scanning<T>(run: () => Promise<T>): Promise<T> {
  if (scans >= SCANS_MAX) throw new HttpError(503, 'Too many searches at a time. Try again.')
  scans++
  try {
    return await run()
  } finally {
    scans--
  }
}

function reachOf({ page = 1, pageSize = 50 }: PageQuery): {
  page: number
  pageSize: number
  from: number
  to: number
} {
  const to = page * pageSize
  if (to > REACH_MAX)
    throw new HttpError(400, `Pages end at row ${REACH_MAX}: narrow the search down.`)
  return { page, pageSize, from: to - pageSize, to }
}

/** Collects one page; what is beyond it is counted. */
export class PageCollector<T> {
  private readonly compare: ((left: T, right: T) => number) | null
  private readonly reach
  private kept: T[] = []
  private total = 0

  /** @param compare null: in the order in which entries come. */
  constructor(query: PageQuery, compare: ((left: T, right: T) => number) | null = null) {
    this.compare = compare
    this.reach = reachOf(query)
  }

  add(entry: T): void {
    this.total++
    const { compare, reach, kept } = this
    if (compare === null) {
      if (this.total > reach.from && this.total <= reach.to) kept.push(entry)
      return
    }
    kept.push(entry)
    // Entries beyond the page cannot come back: sorted now and then, the list stays short.
    if (kept.length >= 2 * reach.to + ENTRIES_PER_TURN) this.shorten(compare)
  }

  page(): Page<T> {
    const { compare, reach, total } = this
    const { page, pageSize, from } = reach
    if (compare === null) return { items: this.kept, total, page, pageSize }
    this.shorten(compare)
    return { items: this.kept.slice(from), total, page, pageSize }
  }

  private shorten(compare: (left: T, right: T) => number): void {
    this.kept = this.kept.sort(compare).slice(0, this.reach.to)
  }
}

/** The entries that `wanted` takes, page by page. */
export function pageOf<T>(
  entries: Iterable<T>,
  wanted: (entry: T) => boolean,
  query: PageQuery,
  compare: ((left: T, right: T) => number) | null = null,
): Promise<Page<T>> {
  const collector = new PageCollector<T>(query, compare)
  return scanning(async () => {
    let left = ENTRIES_PER_TURN
    for (const entry of entries) {
      if (wanted(entry)) collector.add(entry)
      if (--left > 0) continue
      left = ENTRIES_PER_TURN
      await nextTurn()
    }
    return collector.page()
  })
}

/** Whether one of `texts` holds `wanted`, which is in lower case; empty: any does. */
export function holds(wanted: string, ...texts: (string | null)[]): boolean {
  return wanted === '' || texts.some((text) => text !== null && text.toLowerCase().includes(wanted))
}

export function* takeFirst<T>(items: Iterable<T>, max: number): IterableIterator<T> {
  let left = max
  for (const item of items) {
    if (left-- === 0) return
    yield item
  }
}

/** Lists of the API, a page at a time. */
import { integer, list, object, text, type Schema } from './schema.ts'

/** Most rows that paging reaches: page * pageSize. */
export const REACH_MAX = 10_000

export const page = integer('Page, from 1 on.', { minimum: 1, maximum: REACH_MAX, default: 1 })
export const pageSize = integer('Rows on a page.', { minimum: 1, maximum: 500, default: 50 })

export function paged<T>(items: Schema<T>) {
  return object(pageOf(items))
}

export const missing = list(
  text('Name.'),
  'Nodes of the cluster whose rows are not there: they did not answer. Absent: none.',
)

/** Pages of what each node of a cluster tells of its own. */
export function pagedOfAll<T>(items: Schema<T>) {
  return object({ ...pageOf(items), missing }, ['missing'])
}

function pageOf<T>(items: Schema<T>) {
  return {
    items: list(items, 'The rows of this page.'),
    total: integer('Rows on all pages.'),
    page: integer('This page, from 1 on.'),
    pageSize: integer('Rows on a full page.'),
  }
}

/** A price list: `sku,name,price,was,unit,ean`, in any order of columns, with a line of names first. */
import type { Article } from '../model/tags.ts'

/** What is wrong with a list, one line each. */
export class CsvError extends Error {
  override name = 'CsvError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.slice(0, 5).join('; '))
    this.problems = problems
  }
}

const COLUMNS = ['sku', 'name', 'price', 'was', 'unit', 'ean'] as const
type Column = (typeof COLUMNS)[number]
const NEEDED: readonly Column[] = ['sku', 'name', 'price']

const ROWS_MAX = 100_000
const NAME_MAX = 80

/** Throws {@link CsvError} with everything that is wrong. */
export function readPriceList(text: string): Article[] {
  const [head, ...lines] = rowsOf(text)
  const names = (head ?? []).map((name) => name.trim().toLowerCase())
  const missing = NEEDED.filter((name) => !names.includes(name))
  if (missing.length > 0) throw new CsvError([`line 1: no column ${missing.join(', ')}`])
  if (lines.length > ROWS_MAX) throw new CsvError([`more than ${ROWS_MAX} lines`])
  const problems: string[] = []
  const bySku = new Map<number, Article>()
  for (const [index, fields] of lines.entries()) {
    if (fields.length === 1 && fields[0].trim() === '') continue
    const cell = (column: Column): string => fields[names.indexOf(column)]?.trim() ?? ''
    const article = articleOf(cell)
    if (typeof article === 'string') problems.push(`line ${index + 2}: ${article}`)
    else bySku.set(article.sku, article)
  }
  if (problems.length > 0) throw new CsvError(problems)
  if (bySku.size === 0) throw new CsvError(['the list is empty'])
  return [...bySku.values()]
}

function articleOf(cell: (column: Column) => string): Article | string {
  const sku = cell('sku')
  if (!/^\d{1,9}$/.test(sku) || Number(sku) === 0) return `"${sku}" is no sku`
  const cents = centsOf(cell('price'))
  const wasCents = cell('was') === '' ? 0 : centsOf(cell('was'))
  if (cents === null) return `"${cell('price')}" is no price`
  if (wasCents === null) return `"${cell('was')}" is no price`
  const name = cell('name')
  if (name === '' || name.length > NAME_MAX) return 'a name has 1 to 80 characters'
  const ean = cell('ean') || `20${sku.padStart(10, '0')}`
  if (!/^\d{12,13}$/.test(ean)) return `"${ean}" is no EAN`
  return { sku: Number(sku), name, cents, wasCents, unit: cell('unit').slice(0, 24), ean }
}

/** null: it is no price. */
function centsOf(text: string): number | null {
  const match = /^(\d{1,6})(?:[.,](\d{1,2}))?$/.exec(text)
  return match === null ? null : Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0'))
}

/** RFC 4180: quotes around what holds a comma, a quote or a line end. */
function rowsOf(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  for (const [, quoted, plain, end] of text
    .replace(/^\uFEFF/, '')
    .matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (end === ',') continue
    if (row.length > 1 || row[0] !== '') rows.push(row)
    row = []
  }
  return rows
}

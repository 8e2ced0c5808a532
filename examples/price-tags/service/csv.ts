/**
 * A price list: `sku,name,price,was,unit,ean`, in any order of columns, with a line of names first; RFC 4180, and as spreadsheets
 * write it: semicolons or tabs between the cells, any line ends.
 */
import { CsvError as ParseError, parse } from 'csv-parse/sync'
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
const UNIT_MAX = 24
const SEPARATORS = [',', ';', '\t'] as const
const QUOTES: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote that does not end',
  CSV_INVALID_CLOSING_QUOTE: 'a quote in the middle of a cell',
  INVALID_OPENING_QUOTE: 'a quote in the middle of a cell',
}

/** What no tag can show, and neither XML nor the database takes; U+FFFD is what bytes that are no UTF-8 become. */
const NO_TEXT = /[\p{Cc}\p{Cs}\uFFFD-\uFFFF]/u

interface Line {
  /** In the file, from 1 on. */
  readonly number: number
  readonly cells: readonly string[]
}

/** Throws {@link CsvError} with everything that is wrong. */
export function readPriceList(text: string): Article[] {
  const [head, ...lines] = linesOf(text.replace(/^\uFEFF/, '').replaceAll(/\r\n?/g, '\n'))
  const names = (head?.cells ?? []).map((name) => name.toLowerCase())
  const missing = NEEDED.filter((name) => !names.includes(name))
  if (missing.length > 0) throw new CsvError([`line 1: no column ${missing.join(', ')}`])
  const twice = COLUMNS.filter((name) => names.indexOf(name) !== names.lastIndexOf(name))
  if (twice.length > 0) throw new CsvError([`line 1: two columns ${twice.join(', ')}`])
  if (lines.length > ROWS_MAX) throw new CsvError([`more than ${ROWS_MAX} lines`])
  const problems: string[] = []
  const bySku = new Map<number, Article>()
  for (const { number, cells } of lines) {
    const article =
      cells.length > names.length
        ? `${cells.length} cells, line 1 has ${names.length}`
        : articleOf((column) => cells[names.indexOf(column)] ?? '')
    const problem = typeof article === 'string' ? article : contradiction(bySku, article)
    if (problem !== null) problems.push(`line ${number}: ${problem}`)
  }
  if (problems.length > 0) throw new CsvError(problems)
  if (bySku.size === 0) throw new CsvError(['the list is empty'])
  return [...bySku.values()]
}

/** Takes an article; null: nothing is against it. The same line twice is no contradiction. */
function contradiction(bySku: Map<number, Article>, article: Article): string | null {
  const known = bySku.get(article.sku)
  bySku.set(article.sku, article)
  return known === undefined || JSON.stringify(known) === JSON.stringify(article)
    ? null
    : `sku ${article.sku} was there already, and was another`
}

function articleOf(cell: (column: Column) => string): Article | string {
  const sku = cell('sku')
  if (!/^\d{1,9}$/.test(sku) || Number(sku) === 0) return `"${sku}" is no sku`
  const cents = centsOf(cell('price'))
  const wasCents = cell('was') === '' ? 0 : centsOf(cell('was'))
  if (cents === null) return `"${cell('price')}" is no price`
  if (wasCents === null) return `"${cell('was')}" is no price`
  const [name, unit] = [cell('name'), cell('unit')]
  if (name === '' || name.length > NAME_MAX) return `a name has 1 to ${NAME_MAX} characters`
  if (unit.length > UNIT_MAX) return `a unit has up to ${UNIT_MAX} characters`
  if (NO_TEXT.test(name + unit)) return 'name or unit is no UTF-8 text'
  const ean = cell('ean') || `20${sku.padStart(10, '0')}`
  if (!isEan(ean)) return `"${ean}" is no EAN`
  return { sku: Number(sku), name, cents, wasCents, unit, ean }
}

/** 12 digits, or 13 of which the last checks the others. */
function isEan(ean: string): boolean {
  if (!/^\d{12,13}$/.test(ean)) return false
  const sum = Array.from(ean, Number).reduce((all, digit, at) => all + digit * (1 + 2 * (at % 2)))
  return ean.length === 12 || sum % 10 === 0
}

/** null: it is no price. */
function centsOf(text: string): number | null {
  const match = /^(\d{1,6})(?:[.,](\d{1,2}))?$/.exec(text)
  return match === null ? null : Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0'))
}

/** Lines that have something in them. In cells no white space but single blanks. Throws {@link CsvError} for stray quotes. */
function linesOf(text: string): Line[] {
  const lines: Line[] = []
  /** Where the line begins that is being read. */
  let next = 1
  try {
    parse(text, {
      delimiter: separatorOf(text),
      relaxColumnCount: true,
      skipRecordsWithEmptyValues: true,
      trim: true,
      onRecord(cells: readonly string[], { lines: number }) {
        lines.push({ number, cells: cells.map((cell) => cell.replaceAll(/\s+/g, ' ').trim()) })
        next = number + 1
      },
    })
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    throw new CsvError([`line ${next}: ${QUOTES[error.code] ?? error.message}`])
  }
  return lines
}

/** The one that the first line has most of. */
function separatorOf(text: string): string {
  const [head] = text.split('\n', 1)
  const countOf = (separator: string): number => head.split(separator).length
  return SEPARATORS.reduce((best, one) => (countOf(one) > countOf(best) ? one : best))
}

/** CSV (RFC 4180): quoted fields, doubled quotes, line ends within quotes; comma, semicolon or tab. */

export interface CsvTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** The separator that the first line has most of. */
function separatorOf(text: string): string {
  const line = text.slice(0, text.search(/[\r\n]|$/))
  const counts = [',', ';', '\t'].map((mark) => [mark, line.split(mark).length] as const)
  return counts.reduce((best, other) => (other[1] > best[1] ? other : best))[0]
}

/** The first line names the columns. Empty lines are left out. What {@link csvField} wrote is read as it was. */
export function parseCsv(source: string): CsvTable {
  const text = source.replace(/^\uFEFF/, '')
  const separator = separatorOf(text)
  const rows: string[][] = []
  let row: string[] = []
  let field = ''
  let quoted = false
  const endField = () => {
    row.push(field.startsWith("'") && CALCULATED.test(field) ? field.slice(1) : field)
    field = ''
  }
  const endRow = () => {
    endField()
    if (row.length > 1 || row[0] !== '') rows.push(row)
    row = []
  }
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    if (quoted) {
      if (char !== '"') field += char
      else if (text[at + 1] === '"') field += text[++at]
      else quoted = false
    } else if (char === '"' && field === '') quoted = true
    else if (char === separator) endField()
    else if (char === '\n') endRow()
    else if (char !== '\r') field += char
  }
  if (field !== '' || row.length > 0) endRow()
  const [columns = [], ...rest] = rows
  return { columns: columns.map((name) => name.trim()), rows: rest }
}

/** What a spreadsheet would calculate, and what looks as if it had been kept from that. */
const CALCULATED = /^'*[=+\-@\t\r]/
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/** One field as CSV. A leading `=`, `+`, `-` or `@` gets a quote before it, but for numbers; {@link parseCsv} takes it away. */
export function csvField(text: string): string {
  const safe = CALCULATED.test(text) && !NUMBER.test(text) ? `'${text}` : text
  return /[",;\r\n\t]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** The messages of a CSV run: one a row, each looked at before the first one is sent. */
import { plural } from '../i18n/counted.ts'
import type { Draft } from '../model/message.ts'
import type { CsvTable } from './csv.ts'
import { DraftError, isJsonLike, outgoing, type Outgoing } from './outgoing.ts'
import type { TemplateContext } from './template.ts'

/** A row that cannot be sent. `row` counts from 1, without the head. */
export interface RowProblem {
  readonly row: number
  readonly reason: string
}

/**
 * The message of a row. Throws DraftError.
 *
 * @param row Counts from 0.
 */
export async function rowMessage(
  draft: Draft,
  version: number,
  { columns, rows }: CsvTable,
  row: number,
  at: Pick<TemplateContext, 'nowMs' | 'random'>,
): Promise<Outgoing> {
  const cells = rows[row] ?? []
  if (cells.length !== columns.length)
    throw new DraftError(
      `${cells.length} cell${plural(cells.length)}, but ${columns.length} column${plural(columns.length)}`,
    )
  const values = new Map(columns.map((name, index) => [name, cells[index] ?? '']))
  const context = { ...at, seq: row + 1, columns: values }
  const message = await outgoing(draft, version, context)
  const left = /\{\{[^{}]*\}\}/.exec(message.topic)
  if (left !== null) throw new DraftError(`there is no column for ${left[0]}`)
  return message
}

const text = new TextDecoder()

function isJson({ payload }: Outgoing): boolean {
  try {
    JSON.parse(text.decode(payload))
    return true
  } catch {
    return false
  }
}

/** What was found before the first row is sent. */
export interface RowsFound {
  /** What is wrong with the rows, all of them. Where some give JSON, as `"price": {{price}}` does, those that do not, for their cell is empty, are wrong. */
  readonly bad: RowProblem[]
  /** The payload reads like JSON, and no row makes it so: the template may be wrong, and may be meant. */
  readonly isNoneJson: boolean
}

export async function rowProblems(
  draft: Draft,
  version: number,
  table: CsvTable,
  at: Pick<TemplateContext, 'nowMs' | 'random'>,
): Promise<RowsFound> {
  const problems: RowProblem[] = []
  const notJson: RowProblem[] = []
  const isLike = isJsonLike(draft)
  for (let row = 0; row < table.rows.length; row++) {
    try {
      const message = await rowMessage(draft, version, table, row, at)
      if (isLike && !isJson(message)) notJson.push({ row: row + 1, reason: 'payload is not JSON' })
    } catch (error) {
      problems.push({
        row: row + 1,
        reason: error instanceof Error ? error.message : String(error),
      })
    }
  }
  const isAnyJson = notJson.length + problems.length < table.rows.length
  if (!isAnyJson) return { bad: problems, isNoneJson: notJson.length > 0 }
  return {
    bad: [...problems, ...notJson].sort((one, other) => one.row - other.row),
    isNoneJson: false,
  }
}

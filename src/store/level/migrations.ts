/** From the formats of older versions to the present one: all steps in one batch, so a crash leaves the old or the new. */
import { failpoint } from '../failpoint.ts'
import type { Database } from './level-options.ts'
import { Kind } from './keys.ts'
import { writeUint } from './records.ts'
import { beginRecord, endRecord, type Batch } from './sealed-record.ts'

/** Puts into `batch` what turns a store of one format into one of the next. */
export type Step = (database: Database, batch: Batch) => Promise<void>

/**
 * By the format they start from. Format 1 is the first: nothing is older. In format 2 every batch ends with the key of the
 * chain, which an older version would leave out: it must not write to such a store. Wills and retained messages say
 * where their author came in, sessions how their packet identifiers are counted; those that do not are read as before, so
 * nothing is rewritten.
 */
const STEPS: ReadonlyMap<number, Step> = new Map([[1, async () => {}]])

/** Brings `database` from format `from` up to where `steps` end. */
export async function migrate(
  database: Database,
  from: number,
  steps: ReadonlyMap<number, Step> = STEPS,
): Promise<void> {
  const batch = database.batch()
  let format = from
  for (let step = steps.get(format); step !== undefined; step = steps.get(++format))
    await step(database, batch)
  const key = new Uint8Array([Kind.meta])
  writeUint(beginRecord(key), format)
  endRecord(batch, key)
  failpoint('migration')
  await batch.write({ sync: true })
}

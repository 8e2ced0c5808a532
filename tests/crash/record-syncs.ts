/**
 * Loaded in front of a broker (`node --import`): notes beside the store, after each synced write, how long the logs were,
 * which is what a disk must keep. The store writes one batch at a time, so when a write has returned nothing
 * else is under way, and all that is in the files was synced. The marker is not synced: some older ones are kept.
 */
import { appendFileSync, copyFileSync, readdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { MARKER_FILE } from '../../src/store/level/marker.ts'
import { syncsFile } from './power-cut.ts'

// eslint-disable-next-line @typescript-eslint/unbound-method
const makeBatch = ClassicLevel.prototype.batch as (...args: unknown[]) => unknown

const MARKERS = 6
let notes = 0

function note(location: string): void {
  // Whole at every moment: the process may be frozen here.
  const fresh = join(location, '..', 'marker.new')
  copyFileSync(join(location, MARKER_FILE), fresh)
  renameSync(fresh, join(location, '..', `${MARKER_FILE}.${notes++ % MARKERS}`))
  const lengths: Record<string, number> = {}
  for (const name of readdirSync(location)) {
    if (!name.endsWith('.log')) continue
    // One whose content is in a table by now may go at any moment.
    const stats = statSync(join(location, name), { throwIfNoEntry: false })
    if (stats !== undefined) lengths[name] = stats.size
  }
  appendFileSync(join(location, '..', syncsFile), `${JSON.stringify(lengths)}\n`)
}

interface Batch {
  write(options?: { sync?: boolean }): Promise<void>
}

ClassicLevel.prototype.batch = function (this: ClassicLevel, ...args: unknown[]) {
  const batch = makeBatch.apply(this, args) as Batch
  const write = batch.write.bind(batch)
  batch.write = async (options) => {
    await write(options)
    if (options?.sync === true) note(this.location)
  }
  return batch
} as typeof ClassicLevel.prototype.batch

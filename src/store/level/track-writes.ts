/**
 * Follows what is written to a store. LevelDB numbers all operations, and forgets to look when some are missing; so
 *
 *   - every batch ends with the key of the chain: its sequence in the tables is where the logs must go on;
 *   - the marker beside the store says how far the disk has everything.
 */
import type { ChainedBatch, ClassicLevel } from 'classic-level'
import { Kind } from './keys.ts'
import { openMarker } from './marker.ts'

export const CHAIN_KEY: Uint8Array = new Uint8Array([Kind.chain])
type Raw = ClassicLevel<Uint8Array, Uint8Array>

/** LevelDB as it is used here: what is written is written in batches, each a link of the chain. */
export interface Level extends Omit<Raw, 'put' | 'del' | 'clear' | 'batch'> {
  batch(): ChainedBatch<Raw, Uint8Array, Uint8Array>
  /** The number of the last operation in it; null: one failed, and it may be in it or not. */
  lastSequence(): number | null
}

const NOTHING = new Uint8Array(0)

/** @param openedAt The sequence of what was in the store when it was opened: all of it is in tables, and on the disk. */
export function trackWrites(level: Raw, openedAt: number): Level {
  const marker = openMarker(level.location, openedAt)
  const makeBatch = level.batch.bind(level) as Level['batch']
  const closeLevel = level.close.bind(level)
  let sequence = openedAt
  let syncedTo = openedAt
  // LevelDB counts a failed batch too. Nothing is said of what comes behind one.
  let failed = false

  const batch: Level['batch'] = () => {
    const made = makeBatch()
    const write = made.write.bind(made)
    made.write = async (options?: { sync?: boolean }) => {
      made.put(CHAIN_KEY, NOTHING)
      const { length } = made
      try {
        await write(options ?? {})
      } catch (error) {
        failed = true
        throw error
      }
      sequence += length
      if (options?.sync !== true || failed) return
      syncedTo = sequence
      marker.note(sequence)
    }
    return made
  }

  const close = async (): Promise<void> => {
    try {
      if (!failed && syncedTo < sequence && level.status === 'open')
        await batch().write({ sync: true })
    } catch {
      // What was not safe before is not safe now, and nobody was told otherwise.
    } finally {
      marker.close()
      await closeLevel()
    }
  }
  const lastSequence = (): number | null => (failed ? null : sequence)
  return Object.assign(level as unknown as Level, { batch, close, lastSequence })
}

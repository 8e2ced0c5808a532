/**
 * Loaded in front of a broker (`node --import`): a disk that takes {@link WRITE_MS} for every write of the store, and
 * longer as long as there is a file `hold` in the directory that MOZZIE_TEST_WRITES names; `begun` there has a byte
 * for each write that was begun.
 */
import { appendFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ClassicLevel } from 'classic-level'

const WRITE_MS = 600
const POLL_MS = 10
const directory = process.env['MOZZIE_TEST_WRITES']

async function held(): Promise<void> {
  if (directory === undefined) return
  appendFileSync(join(directory, 'begun'), '.')
  while (existsSync(join(directory, 'hold'))) await sleep(POLL_MS)
}

// eslint-disable-next-line @typescript-eslint/unbound-method
const makeBatch = ClassicLevel.prototype.batch as (...args: unknown[]) => unknown

ClassicLevel.prototype.batch = function (this: ClassicLevel, ...args: unknown[]) {
  const batch = makeBatch.apply(this, args) as { write(options?: object): Promise<void> }
  const write = batch.write.bind(batch)
  batch.write = async (options) => {
    await sleep(WRITE_MS)
    await held()
    await write(options)
  }
  return batch
} as typeof ClassicLevel.prototype.batch

/** Loaded in front of a broker (`node --import`): a disk that takes {@link WRITE_MS} for every write of the store. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ClassicLevel } from 'classic-level'

/** Known to `faults.test.ts` as well. */
const WRITE_MS = 600

// eslint-disable-next-line @typescript-eslint/unbound-method
const makeBatch = ClassicLevel.prototype.batch as (...args: unknown[]) => unknown

ClassicLevel.prototype.batch = function (this: ClassicLevel, ...args: unknown[]) {
  const batch = makeBatch.apply(this, args) as { write(options?: object): Promise<void> }
  const write = batch.write.bind(batch)
  batch.write = async (options) => {
    await sleep(WRITE_MS)
    await write(options)
  }
  return batch
} as typeof ClassicLevel.prototype.batch

/**
 * Nearly all that a start reads stays, so it is no time for V8 to be generous. Its space for new objects doubles as they outlive
 * it (`young-space.ts`), and with it the garbage in it; tables that a growing Map has left stay until half of the heap may be
 * garbage. With 200,000 sessions to be read that is 90 MB of 315. A heap that has become large grows as V8 has it: to look
 * through all of it again and again costs more time than there is garbage to find.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { growYoungSpace, growYoungSpaceWhenBusy, keepYoungSpace } from './young-space.ts'

const LARGE_HEAP_BYTES = 64 << 20
const LOOK_MS = 50

let timer: NodeJS.Timeout | null = null

/**
 * From here on. For a process of our own: whoever uses the library decides for his. With a `memory_limit` the heap goes on
 * growing in small steps (`server/memory-watch.ts`).
 */
export function beginFrugal(isLimited: boolean): void {
  keepYoungSpace()
  setFlagsFromString('--heap-growing-percent=20')
  if (isLimited) return
  timer = setInterval(() => {
    if (getHeapStatistics().used_heap_size > LARGE_HEAP_BYTES) growAsUsual()
  }, LOOK_MS).unref()
}

/** The start is over. `isAlone`: the process has one thread, so that this one can see what all do. */
export function endFrugal(isAlone: boolean): void {
  if (isAlone) growYoungSpaceWhenBusy()
  else growYoungSpace()
  if (timer !== null) growAsUsual()
}

function growAsUsual(): void {
  if (timer !== null) clearInterval(timer)
  timer = null
  setFlagsFromString('--heap-growing-percent=0')
}

/**
 * Nearly all that a start reads stays, so it is no time for V8 to be generous. Its space for new objects doubles as they outlive
 * it, up to twice 16 MiB, and with it the garbage in it; tables that a growing Map has left stay until half of the heap may be
 * garbage. With 200,000 sessions to be read that is 90 MB of 315. A heap that has become large grows as V8 has it: to look
 * through all of it again and again costs more time than there is garbage to find.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8'

const LARGE_HEAP_BYTES = 64 << 20
const LOOK_MS = 50

let timer: NodeJS.Timeout | null = null

/**
 * From here on. For a process of our own: whoever uses the library decides for his. With a `memory_limit` the heap goes on
 * growing in small steps (`server/memory-watch.ts`).
 */
export function beginFrugal(isLimited: boolean): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=20')
  if (isLimited) return
  timer = setInterval(() => {
    if (getHeapStatistics().used_heap_size > LARGE_HEAP_BYTES) growAsUsual()
  }, LOOK_MS).unref()
}

/** As V8 has it. */
export function endFrugal(): void {
  setFlagsFromString('--semi-space-growth-factor=2')
  if (timer !== null) growAsUsual()
}

function growAsUsual(): void {
  if (timer !== null) clearInterval(timer)
  timer = null
  setFlagsFromString('--heap-growing-percent=0')
}

/**
 * V8 doubles its space for new objects whenever as much as it holds has outlived collections of it, up to twice 16 MiB. What does
 * that in a broker is mostly there to stay, clients that connect and messages that are kept: a larger space is no help with
 * them, only memory that was not touched before. It does help with messages that pass, which are gone when collections lie
 * further apart. They show by how many collections they cause: the space grows from then on.
 */
import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'

/** Collections of the smallest space in a second. A storm of connections makes some 70, QoS 1 at full speed more than 200. */
const BUSY_COLLECTIONS = 100
const SECOND_MS = 1000

/** As it is: collections come as often as they must. */
export function keepYoungSpace(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}

/** As V8 has it. */
export function growYoungSpace(): void {
  setFlagsFromString('--semi-space-growth-factor=2')
}

/** After {@link keepYoungSpace}: grows as V8 has it once there are `collections` in a second. */
export function growYoungSpaceWhenBusy(collections = BUSY_COLLECTIONS): void {
  let sinceMs = 0
  let count = 0
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { detail: { kind: number } })[]) {
      if (entry.detail.kind !== constants.NODE_PERFORMANCE_GC_MINOR) continue
      if (entry.startTime - sinceMs > SECOND_MS) {
        sinceMs = entry.startTime
        count = 0
      }
      count++
    }
    if (count < collections) return
    observer.disconnect()
    growYoungSpace()
  })
  observer.observe({ entryTypes: ['gc'] })
}

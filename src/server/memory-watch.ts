/**
 * `memory_limit`: tells the core how much of it is left for what clients make it keep, and says in the log what gives
 * way. The core counts what it keeps; what that count misses is measured whenever the collector has been through,
 * and only then, because before it there is garbage among the objects. Nothing here ever makes it run.
 *
 *     used  =  what the process took at its start  +  counted  +  what was in memory beyond that after a collection
 */
import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { LogType, type Log } from '../base/log.ts'
import type { Broker } from '../broker/broker.ts'
import { Pressure, type PressureLevel } from '../ports/pressure.ts'
import { memoryUsage } from '../telemetry/memory-usage.ts'

const TEXTS: Readonly<Record<PressureLevel, string>> = {
  [Pressure.none]: '',
  [Pressure.refuse]: 'new clients are refused',
  [Pressure.dropQos0]: 'QoS 0 waits for nobody, new clients and subscriptions are refused',
  [Pressure.shed]: 'messages are refused, and those who hold most are disconnected',
  [Pressure.beyond]: 'large packets are refused, and those who hold most are disconnected',
}

/**
 * V8 lets garbage pile up to several times of what lives. With a limit it begins to look for it, in steps beside the
 * work as always, when the heap has grown by so much since the last time.
 */
const HEAP_GROWTH_PERCENT = 20

/** Bytes of objects, and of buffers outside of the heap (`external` is a collection behind). */
export function usedBytes(): number {
  const { heapUsed, arrayBuffers } = memoryUsage()
  return heapUsed + arrayBuffers
}

/** Memory of other threads of the process. */
interface OtherMemory {
  note(bytes: number): void
  elsewhere(): number
  isLargest(): boolean
}

interface MemoryWatchOptions {
  /** Bytes, 0 none; asked anew each time. */
  limit(): number
  /** null: this thread is the only one. */
  readonly others: OtherMemory | null
  /** This thread counts what the process took at its start, and says in the log how it is. */
  readonly isFirst: boolean
}

/** @returns what is to be called several times a second. */
export function createMemoryWatch(
  broker: Pick<Broker, 'setMemory' | 'keptBytes' | 'pressure' | 'takePressurePeak' | 'shedLargest'>,
  log: Log,
  { limit, others: memory, isFirst }: MemoryWatchOptions,
): () => void {
  const startBytes = isFirst ? memoryUsage().rss : 0
  const startObjects = usedBytes()
  let missed = 0
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { detail: { kind: number } })[]) {
      const { kind } = entry.detail
      if (kind === constants.NODE_PERFORMANCE_GC_MAJOR)
        missed = Math.max(0, usedBytes() - startObjects - broker.keptBytes)
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  let last: PressureLevel = Pressure.none
  let isFrugal = false
  return () => {
    const max = limit()
    if (max > 0 && !isFrugal) setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`)
    isFrugal ||= max > 0
    const own = startBytes + missed
    memory?.note(own + broker.keptBytes)
    const others = own + (memory?.elsewhere() ?? 0)
    broker.setMemory(max, others)
    const level = broker.takePressurePeak()
    if (level !== last && isFirst) say(log, level, broker.keptBytes + others, max)
    last = level
    const isOurs = broker.pressure >= Pressure.shed && (memory?.isLargest() ?? true)
    const clientId = isOurs ? broker.shedLargest() : null
    if (clientId !== null)
      log.write(LogType.warning, `Warning: memory_limit: disconnected client ${clientId}.`)
  }
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MB`

function say(log: Log, level: PressureLevel, used: number, max: number): void {
  if (level === Pressure.none)
    return log.write(LogType.notice, 'Memory in use is below 80 % of memory_limit again.')
  log.write(
    LogType.warning,
    `Warning: ${megabytes(used)} of the ${megabytes(max)} of memory_limit are in use: ${TEXTS[level]}.`,
  )
}

/**
 * `memory_limit`: tells the core how much of it is left for what clients make it keep, and says in the log what gives
 * way. The core counts what it keeps; what that count misses is measured whenever the collector has been through,
 * and only then, because before it there is garbage among the objects.
 *
 *     used  =  what the process took at its start  +  counted
 *              +  missed: what was in memory beyond that after a collection  +  idle: what the allocators hold unused
 *
 * Garbage is memory too. Where it has filled what is allowed, those who send much wait until it is collected, and the
 * collector is made to begin; it works in steps, beside everything else, as always.
 */
import { setFlagsFromString } from 'node:v8'
import { LogType, type Log } from '../base/log.ts'
import type { Broker } from '../broker/broker.ts'
import { Pressure, type PressureLevel } from '../ports/pressure.ts'
import { memoryUsage } from '../telemetry/memory-usage.ts'
import { createGarbageWatch } from './garbage-watch.ts'

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

const SAY_EVERY_MS = 1000

const IDLE_SHARE_MAX = 0.2

/** Memory of other threads of the process. */
interface OtherMemory {
  note(bytes: number): void
  noteLargest(bytes: number): void
  noteGarbage(bytes: number): void
  garbageElsewhere(): number
  readonly sharers: number
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
  broker: Pick<
    Broker,
    | 'setMemory'
    | 'setLargeReads'
    | 'keptBytes'
    | 'pressure'
    | 'takePressurePeak'
    | 'shedLargest'
    | 'largestHeld'
  >,
  log: Log,
  { limit, others: memory, isFirst }: MemoryWatchOptions,
): () => void {
  const startBytes = isFirst ? memoryUsage().rss : 0
  const garbage = createGarbageWatch(() => broker.keptBytes)
  let last: PressureLevel = Pressure.none
  let isFrugal = false
  let saidMs = -Infinity
  let wasShort = false
  /** Is it a client of this thread that has to go? */
  const isOurs = (): boolean => {
    if (memory === null) return broker.pressure >= Pressure.shed
    // Before anybody has to go, every thread has said who that would be.
    const isNear = broker.pressure >= Pressure.dropQos0
    memory.noteLargest(isNear ? broker.largestHeld() : 0)
    const isShort = broker.pressure >= Pressure.shed
    const hasWaited = wasShort
    wasShort = isShort
    return isShort && hasWaited && memory.isLargest()
  }
  return () => {
    const max = limit()
    if (max > 0 && !isFrugal) setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`)
    isFrugal ||= max > 0
    const missed = startBytes + garbage.look()
    const elsewhere = memory?.elsewhere() ?? 0
    memory?.noteGarbage(garbage.garbage)
    const othersGarbage = memory?.garbageElsewhere() ?? 0
    const all = garbage.garbage + othersGarbage
    const idle = isFirst ? idleBytes(missed + broker.keptBytes + elsewhere + all, max) : 0
    const own = missed + idle
    memory?.note(own + broker.keptBytes)
    const others = own + elsewhere
    broker.setMemory(max, others)
    broker.setLargeReads(
      garbage.room(max, broker.keptBytes + others + othersGarbage, memory?.sharers),
    )
    if (isFirst && performance.now() - saidMs >= SAY_EVERY_MS) {
      saidMs = performance.now()
      const { level, usedBytes } = broker.takePressurePeak()
      if (level !== last) say(log, level, usedBytes, max)
      last = level
    }
    const clientId = isOurs() ? broker.shedLargest() : null
    if (clientId !== null)
      log.write(LogType.warning, `Warning: memory_limit: disconnected client ${clientId}.`)
  }
}

/**
 * What the allocators hold and have no use for: memory of the process beyond the `known` bytes. It is there for what comes next, if
 * that fits, so it makes no more than a share of a limit of `max`: nobody is turned away for what is free after all.
 */
function idleBytes(known: number, max: number): number {
  return max === 0 ? 0 : Math.min(Math.max(0, memoryUsage().rss - known), max * IDLE_SHARE_MAX)
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

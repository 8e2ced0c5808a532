/** `memory_limit`: looks at the memory in use once a second and tells the core how short it is. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { LogType, type Log } from '../base/log.ts'
import type { Broker } from '../broker/broker.ts'
import { Pressure, type PressureLevel } from '../ports/pressure.ts'

/** Shares of the limit at which something gives way, the highest first. */
const steps: readonly (readonly [share: number, level: PressureLevel, text: string])[] = [
  [1, Pressure.shed, 'messages are refused, and those who hold most are disconnected'],
  [0.9, Pressure.dropQos0, 'QoS 0 waits for nobody, and new clients are refused'],
  [0.8, Pressure.refuse, 'new clients are refused'],
]

/** Garbage counts as memory until it is collected; that takes a while, so not too often. */
const collectEveryMs = 10_000

/** Bytes in use: objects, and the buffers outside of the heap (`external` is a collection behind). */
export function usedBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

let collect: (() => void) | null = null

function collectGarbage(): void {
  if (collect === null) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
}

function levelOf(used: number, max: number): number {
  const step = steps.findIndex(([share]) => used >= max * share)
  return step === -1 ? steps.length : step
}

/**
 * @param limit Bytes, 0 none; asked anew each time.
 * @returns what is to be called once a second, with a monotonic clock.
 */
export function createMemoryWatch(
  broker: Pick<Broker, 'setPressure' | 'shedLargest'>,
  log: Log,
  limit: () => number,
): (nowMs: number) => void {
  let last = steps.length
  let collectedMs = -collectEveryMs
  return (nowMs) => {
    const max = limit()
    let used = max === 0 ? 0 : usedBytes()
    let step = max === 0 ? steps.length : levelOf(used, max)
    if (step < steps.length && nowMs - collectedMs >= collectEveryMs) {
      collectedMs = nowMs
      collectGarbage()
      used = usedBytes()
      step = levelOf(used, max)
    }
    if (step !== last) say(log, step, used, max)
    last = step
    const level = steps[step]?.[1] ?? Pressure.none
    broker.setPressure(level)
    if (level !== Pressure.shed) return
    const clientId = broker.shedLargest()
    if (clientId !== null)
      log.write(LogType.warning, `Warning: memory_limit: disconnected client ${clientId}.`)
  }
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MB`

function say(log: Log, step: number, used: number, max: number): void {
  if (step === steps.length)
    return log.write(LogType.notice, 'Memory in use is below 80 % of memory_limit again.')
  log.write(
    LogType.warning,
    `Warning: ${megabytes(used)} of the ${megabytes(max)} of memory_limit are in use: ${steps[step][2]}.`,
  )
}

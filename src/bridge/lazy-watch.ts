/** When a bridge with `start_type lazy` comes and goes: by what waits for it, by who wants it, by how long nothing crossed. */
import type { Runtime, TimerHandle } from '../client/ports.ts'
import { matches } from '../topics/names.ts'
import type { LocalBroker } from './local-broker.ts'
import type { BridgeSettings, TopicLine } from './settings.ts'

/** The queue, and how long the bridge was idle, are looked at this often. */
const LOOK_MS = 250

export class LazyWatch {
  private readonly broker: LocalBroker
  private readonly runtime: Runtime
  private timer: TimerHandle | null = null
  private lastCrossedMs = 0

  constructor(broker: LocalBroker, runtime: Runtime) {
    this.broker = broker
    this.runtime = runtime
  }

  /** A message crossed, or the way was opened. */
  crossed(): void {
    this.lastCrossedMs = this.runtime.monotonicMs()
  }

  /** Calls `call` each time that `threshold` messages wait. */
  untilQueued(settingsNow: () => BridgeSettings, call: () => void): void {
    this.every(() => {
      const { localClientId, threshold } = settingsNow()
      if (this.broker.queuedFor(localClientId) >= threshold) call()
    })
  }

  /** Calls `call` each time that nothing crossed for `idle_timeout`, and nothing waits. */
  untilIdle(settingsNow: () => BridgeSettings, call: () => void): void {
    this.every(() => {
      const { idleTimeoutMs, localClientId } = settingsNow()
      const idleMs = this.runtime.monotonicMs() - this.lastCrossedMs
      if (idleMs >= idleTimeoutMs && this.broker.queuedFor(localClientId) === 0) call()
    })
  }

  end(): void {
    if (this.timer !== null) this.runtime.clearTimer(this.timer)
    this.timer = null
  }

  private every(look: () => void): void {
    this.end()
    this.timer = this.runtime.setTimer(LOOK_MS, () => {
      this.every(look)
      look()
    })
  }
}

/** Whether one of these lines could bring something to a subscription here. */
export function mayBring(lines: readonly TopicLine[], filter: string): boolean {
  return lines.some(
    ({ direction, localPrefix, pattern }) =>
      direction !== 'out' && mayMeet(filter, localPrefix + pattern),
  )
}

/** Whether some topic could match both filters, one of which may be any. Errs on the side of connecting. */
function mayMeet(one: string, other: string): boolean {
  if (matches(one, other) || matches(other, one)) return true
  const [left, right] = [one.split('/'), other.split('/')]
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [a, b] = [left[at], right[at]]
    if (a === '#' || b === '#') return true
    if (a === undefined || b === undefined) return false
    if (a !== b && a !== '+' && b !== '+') return false
  }
  return true
}

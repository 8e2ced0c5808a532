/** Bounds on connections that hold for all threads together. */
import type { Config, ListenerConfig } from '../config/config.ts'
import { listenerName } from '../config/reload.ts'
import { ThreadBudget } from '../threads/thread-budget.ts'
import type { ConnectionBudget } from '../transports/connection-budget.ts'
import type { SharedCounts } from './thread-messages.ts'

/** Kinds of budgets in front of those of the listeners. */
const COMMON = 3
const INT_BYTES = 4

export interface ThreadBudgets {
  readonly connections: ConnectionBudget
  readonly sockets: ConnectionBudget
  /** Tells how many clean sessions this thread has; returns how many the others have. */
  cleanSessions(here: number): number
  ofListener(config: ListenerConfig): ConnectionBudget
}

export function shareCounts(threads: number, { listeners }: Config): SharedCounts {
  const places = (listeners.length + COMMON) * threads
  return {
    threads,
    open: new SharedArrayBuffer(places * INT_BYTES),
    ticks: new SharedArrayBuffer(threads * INT_BYTES),
    flow: new SharedArrayBuffer(2 * threads * INT_BYTES),
  }
}

/** The budgets of thread `own`. */
export function budgetsOf(
  { threads, open }: SharedCounts,
  { listeners }: Config,
  own: number,
): ThreadBudgets {
  const budget = (number: number): ThreadBudget =>
    new ThreadBudget(new Int32Array(open, number * threads * INT_BYTES, threads), own)
  const clean = budget(2)
  return {
    connections: budget(0),
    sockets: budget(1),
    cleanSessions(here) {
      clean.open = here
      return clean.elsewhere()
    },
    ofListener(config) {
      const name = listenerName(config)
      const number = listeners.findIndex((one) => listenerName(one) === name)
      const connections = budget(COMMON + number)
      connections.max = config.maxConnections
      return connections
    },
  }
}

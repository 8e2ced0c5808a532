/** Bounds on connections that hold for all threads together. */
import { randomBytes } from 'node:crypto'
import type { Config, ListenerConfig } from '../config/config.ts'
import { listenerName } from '../config/reload.ts'
import { Balance } from '../threads/balance.ts'
import { Tallies, type TallyEntries, type TallyKind } from '../threads/tallies.ts'
import { ThreadBudget } from '../threads/thread-budget.ts'
import { ThreadMemory } from '../threads/thread-memory.ts'
import { Tickets } from '../threads/tickets.ts'
import { AddressBudget } from '../transports/address-budget.ts'
import type { ConnectionBudget } from '../transports/connection-budget.ts'
import type { SharedCounts } from './thread-messages.ts'

/** Kinds of budgets in front of those of the listeners. */
const COMMON = 3
const INT_BYTES = 4
/** As Node's `ticketKeys`. */
const SESSION_KEY_BYTES = 48
const SALT_KEY_BYTES = 32

export interface ThreadBudgets {
  readonly connections: ConnectionBudget
  readonly sockets: ConnectionBudget
  readonly addresses: AddressBudget
  readonly nextPlace: BigInt64Array
  readonly memory: ThreadMemory
  readonly balance: Balance
  readonly sessionKeys: Uint8Array
  /** Tells how many clean sessions this thread has; returns how many the others have. */
  cleanSessions(here: number): number
  /** As `Peers.userSessions`. */
  userSessions(username: string, change: 1 | -1 | 0): number
  /** Another thread has told. */
  tallied(kind: TallyKind, thread: number, entries: TallyEntries): void
  /** Sums by user are asked for from now on, if the configuration bounds them. */
  boundUsers(config: Config): void
  ofListener(config: ListenerConfig): ConnectionBudget
}

export function shareCounts(threads: number, { listeners }: Config): SharedCounts {
  const places = (listeners.length + COMMON) * threads
  return {
    threads,
    open: new SharedArrayBuffer(places * INT_BYTES),
    ticks: new SharedArrayBuffer(threads * INT_BYTES),
    nextPlace: new SharedArrayBuffer(8),
    heldKib: new SharedArrayBuffer(threads * INT_BYTES),
    largestKib: new SharedArrayBuffer(threads * INT_BYTES),
    garbageKib: new SharedArrayBuffer(threads * INT_BYTES),
    flow: new SharedArrayBuffer(2 * threads * INT_BYTES),
    directFlow: new SharedArrayBuffer(threads * threads * INT_BYTES),
    sessionKeys: randomBytes(SESSION_KEY_BYTES),
    saltKey: randomBytes(SALT_KEY_BYTES),
    tickets: new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT),
  }
}

export function ticketsOf({ tickets }: SharedCounts): Tickets {
  return new Tickets(new BigInt64Array(tickets))
}

/** The budgets of thread `own`. @param tell Gives the other threads counts by name. */
export function budgetsOf(
  { threads, open, ticks, nextPlace, heldKib, largestKib, garbageKib, sessionKeys }: SharedCounts,
  { listeners }: Config,
  own: number,
  tell: (kind: TallyKind, entries: TallyEntries) => void,
): ThreadBudgets {
  const budget = (number: number): ThreadBudget =>
    new ThreadBudget(new Int32Array(open, number * threads * INT_BYTES, threads), own)
  const [connections, clean] = [budget(0), budget(2)]
  const balance = new Balance(new Int32Array(open, 0, threads), new Int32Array(ticks), own)
  connections.onChange = () => balance.look()
  const tallies = {
    addresses: new Tallies((entries) => tell('addresses', entries)),
    users: new Tallies((entries) => tell('users', entries)),
  }
  return {
    connections,
    balance,
    sessionKeys,
    sockets: budget(1),
    addresses: new AddressBudget(tallies.addresses),
    nextPlace: new BigInt64Array(nextPlace),
    memory: new ThreadMemory(
      new Int32Array(heldKib),
      new Int32Array(largestKib),
      new Int32Array(garbageKib),
      own,
    ),
    cleanSessions(here) {
      clean.open = here
      return clean.elsewhere()
    },
    userSessions(username, change) {
      if (change !== 0) tallies.users.add(username, change)
      return tallies.users.elsewhere(username)
    },
    tallied: (kind, thread, entries) => tallies[kind].told(thread, entries),
    boundUsers({ global }) {
      if (global.sessionsPerUserMax > 0) tallies.users.share()
    },
    ofListener(config) {
      const name = listenerName(config)
      const number = listeners.findIndex((one) => listenerName(one) === name)
      const ofOne = budget(COMMON + number)
      ofOne.max = config.maxConnections
      return ofOne
    },
  }
}

/** What the threads of one process tell each other beside what cores say: plain objects, now and then. */
import type { MessagePort } from 'node:worker_threads'
import type { Ban } from '../auth/bans/ban-list.ts'
import type { LogFields, LogTypeBit } from '../base/log.ts'
import type { OwnCounts } from '../broker/counts.ts'
import type { Config } from '../config/config.ts'
import type { Identity, Observer } from '../ports/ports.ts'
import type { Stats } from '../ports/stats.ts'
import type { Traced } from '../admin/traces.ts'
import type { TallyEntries, TallyKind } from '../threads/tallies.ts'
import type { AskName } from './thread-asks.ts'

/** Where a thread accepts clients: the sockets of a listener, by its name. */
export interface SharedListener {
  readonly name: string
  readonly port: number
  /** Copies that are this thread's own. */
  readonly descriptors: readonly number[]
}

/** What a thread is started with. */
export interface ThreadData {
  /** 1 and more: the first thread, which has the store, is 0. */
  readonly index: number
  readonly config: Config
  /** Does the store keep what was committed? */
  readonly survives: boolean
  readonly tlsKeyLogFile: string | null
  readonly logMask: number
  readonly bans: readonly Ban[]
  readonly shared: SharedCounts
  /** Ports to all others but the first; empty if there are none. */
  readonly direct: readonly DirectPort[]
}

/** An end of what joins two threads beside the first. */
export interface DirectPort {
  /** The thread at the other end. */
  readonly index: number
  readonly port: MessagePort
}

/** Memory of all threads: what each has open, listener by listener, and whether it still turns. */
export interface SharedCounts {
  readonly threads: number
  /** By number in it: 0 all connections, 1 sockets, 2 clean sessions, then listeners in their order; `threads` places each. */
  readonly open: SharedArrayBuffer
  /** Of {@link ConnectionRate}: 8 bytes. */
  readonly nextPlace: SharedArrayBuffer
  /** What each thread holds, KiB. */
  readonly heldKib: SharedArrayBuffer
  /** What the client with most in each thread holds, KiB; 0 unless memory is short. */
  readonly largestKib: SharedArrayBuffer
  /** Garbage of each thread, KiB. */
  readonly garbageKib: SharedArrayBuffer
  /** Ticks of each thread. */
  readonly ticks: SharedArrayBuffer
  /** Of each thread two places: what the first has dealt with of its bytes, and what it has of the first's. */
  readonly flow: SharedArrayBuffer
  /** The same between any two others: a place for each, from and to, KiB that the receiver has dealt with. */
  readonly directFlow: SharedArrayBuffer
  /** What seals TLS sessions; not shared memory, but the same. */
  readonly sessionKeys: Uint8Array
  /** The same for the salts that SCRAM offers to users who are not there. */
  readonly saltKey: Uint8Array
  /** The number of bundles that left. */
  readonly tickets: SharedArrayBuffer
}

type SeenEvent = Exclude<keyof Observer, 'published'>

/** A call of the observer. Clients are without what only their own thread knows. */
export type Seen = {
  [Event in SeenEvent]-?: {
    readonly event: Event
    readonly args: Parameters<NonNullable<Observer[Event]>>
  }
}[SeenEvent]

/** A command by `$CONTROL`, from whom, and by which listener. */
export interface ThreadCommand {
  readonly who: Identity
  readonly listener: string
  readonly topic: string
  readonly payload: Uint8Array
}

/** Counts by name of one thread, for the others. */
export interface TalliesMessage {
  readonly kind: 'tallies'
  readonly of: TallyKind
  readonly thread: number
  readonly entries: TallyEntries
}

export type ToThread =
  /** Accept there, and read the store. */
  | { readonly kind: 'listeners'; readonly listeners: readonly SharedListener[] }
  /** All that are in force. */
  | { readonly kind: 'bans'; readonly bans: readonly Ban[] }
  | TalliesMessage
  | { readonly kind: 'logMask'; readonly mask: number }
  | { readonly kind: 'sys'; readonly topic: string; readonly text: string }
  | { readonly kind: 'logLine'; readonly topic: string; readonly line: string }
  | {
      readonly kind: 'ask'
      readonly number: number
      readonly name: AskName
      readonly args: readonly unknown[]
    }
  | { readonly kind: 'commanded'; readonly number: number }
  | { readonly kind: 'sayWills' }
  | { readonly kind: 'stop' }

export type FromThread =
  | TalliesMessage
  | {
      readonly kind: 'log'
      readonly type: LogTypeBit
      readonly text: string
      readonly fields: LogFields | undefined
    }
  | { readonly kind: 'flapped'; readonly clientId: string; readonly remote: string }
  | { readonly kind: 'listening' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'counts'; readonly stats: Stats; readonly counts: OwnCounts }
  /** `error`: it could not be answered. */
  | {
      readonly kind: 'answer'
      readonly number: number
      readonly value: unknown
      readonly error: string | null
    }
  | { readonly kind: 'seen'; readonly seen: Seen }
  | { readonly kind: 'traced'; readonly seen: readonly Traced[] }
  | { readonly kind: 'command'; readonly number: number; readonly command: ThreadCommand }
  | { readonly kind: 'willsSaid' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'fatal'; readonly text: string }

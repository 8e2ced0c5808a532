/** What the harness and its client processes say to each other. */
import type { Qos } from '../../src/codec/packets.ts'
import type { LedgerFigures } from './ledger.ts'

export interface ChildSettings {
  readonly port: number
  readonly qos: Qos
  readonly seed: number
  readonly silenceMs: number
  /** Of all topics: `''`, or `name/`. */
  readonly prefix: string
  /** Messages that a publisher sends at once, at most. */
  readonly portion: number
  /** Whether a retained message that comes again counts as one that came twice. */
  readonly keptOnce: boolean
}

/** By stream (publisher and topic): the number of its last message. */
export type LastNumbers = Readonly<Record<string, number>>

export type ToChild =
  /** Publishers: say `progressed` once so many more messages are acknowledged. */
  | { readonly kind: 'progress'; readonly acknowledged: number }
  /** Stop making trouble; publishers also stop publishing, and say `done` once everything is acknowledged. */
  | { readonly kind: 'calm' }
  /** Subscribers: say `done` once all of this has come, or nothing more does. */
  | { readonly kind: 'expect'; readonly sent: LastNumbers }

export type FromChild =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progressed' }
  | {
      readonly kind: 'published'
      readonly sent: LastNumbers
      readonly violations: readonly string[]
    }
  | {
      readonly kind: 'received'
      readonly bySubscriber: Readonly<Record<string, LedgerFigures & { lost: readonly string[] }>>
      readonly violations: readonly string[]
    }

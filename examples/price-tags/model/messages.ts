/**
 * What simulator and service say to each other.
 *
 *     service ── esl/<store>/fields/p2p/<ap>, esl/<store>/image/p2p/<ap> ──▶ AP ── radio ──▶ tags
 *     service ◀── esl/<store>/ap/<ap>/result, …/status ─────────────────── AP
 */
import type { Article } from './tags.ts'

/** What an AP is told of one tag; of `image` it stands in the user properties, and the payload is the deflated bitmap. */
export interface Order {
  readonly task: number
  readonly tag: string
  /** Of what the tag is to show; the tag that shows it already does nothing. */
  readonly hash: string
}

export interface FieldsOrder extends Order {
  readonly fields: Article
}

export type Outcome = 'accepted' | 'shown' | 'failed'

/** One line of an AP's `result` messages; `reason` of failures, `batteryMv` and `rssi` of the tag then. */
export type Result = readonly [
  task: number,
  outcome: Outcome,
  reason: string,
  batteryMv: number,
  rssi: number,
]

const RESULTS_MAX = 10_000
const REASON_MAX = 200

/** A `result` message. Throws for what is none: one AP that talks nonsense is no reason to lose what others say. */
export function readResults(text: string): Result[] {
  const results: unknown = JSON.parse(text)
  if (!Array.isArray(results) || results.length > RESULTS_MAX || !results.every(isResult))
    throw new TypeError(`no results: ${text.slice(0, 100)}`)
  return results
}

function isResult(value: unknown): value is Result {
  if (!Array.isArray(value)) return false
  const [task, outcome, reason, ...facts] = value as unknown[]
  return (
    Number.isSafeInteger(task) &&
    (outcome === 'accepted' || outcome === 'shown' || outcome === 'failed') &&
    typeof reason === 'string' &&
    reason.length <= REASON_MAX &&
    !/[\p{Cc}\p{Cs}]/u.test(reason) &&
    facts.length === 2 &&
    facts.every((fact) => Number.isInteger(fact) && Math.abs(fact as number) <= 0xffff)
  )
}

export const topics = {
  fields: (store: number, ap: string) => `esl/${store}/fields/p2p/${ap}`,
  image: (store: number, ap: string) => `esl/${store}/image/p2p/${ap}`,
  result: (store: number, ap: string) => `esl/${store}/ap/${ap}/result`,
  status: (store: number, ap: string) => `esl/${store}/ap/${ap}/status`,
  /** Every AP is subscribed to its own by the broker (`auto_subscribe`). */
  command: (ap: string) => `esl/${ap}/cmd`,
  /** Where the broker says that a scheduled change is due (`delayed_publish`). */
  due: 'esl/service/due',
} as const

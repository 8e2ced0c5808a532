/** What "why?" is answered from, and what an answer is made of. */
import type { ClientDetailView, ReceiverView, SubscriptionView } from '../broker/views.ts'
import type { BanView } from './schemas-bans.ts'
import type { AclReply, ClientEvent, WhyLink } from './schemas-clients.ts'
import { ANSWERS, QUESTIONS, type Check, type Finding, type Values } from './why-words.ts'

/** All that the answer is made of; times are wall clock, ms. */
export interface WhyFacts {
  readonly nowMs: number
  /** Since when no event is missing. */
  readonly sinceMs: number
  /** null: about a topic alone. */
  readonly clientId: string | null
  /** null: about a client alone. */
  readonly topic: string | null
  readonly client: ClientDetailView | null
  /** What keeps the client out; null: nothing. */
  readonly ban: BanView | null
  /** When the first message that waits for it expires; null: none does. */
  readonly nextExpiryMs: number | null
  /** Of the client; without one, of everybody: the first few thousand. */
  readonly subscriptions: readonly SubscriptionView[]
  /** Messages at QoS 0 wait for whoever is away (`queue_qos0_messages`). */
  readonly keepsQos0: boolean
  /** Subscriptions of everybody that match the topic: how many, and the first of them. */
  readonly receivers: { readonly total: number; readonly receivers: readonly ReceiverView[] }
  /** Of the client, newest first. */
  readonly events: readonly ClientEvent[]
  /** Of everybody whose connection ended before it said a client id, newest first. */
  readonly nameless: readonly ClientEvent[]
  /** The id of another client that is almost the same. */
  readonly nearClientId: string | null
  /** What the access rules say; null: there is not both a client that is known and a topic. */
  readonly mayReceive: AclReply | null
  readonly mayPublish: AclReply | null
  readonly retained: boolean
}

/** What was longer ago counts no more. */
export const LOOK_BACK_MS = 3600_000

type State = WhyLink['state']

export function link(
  check: Check,
  state: State,
  finding: Finding,
  values: Values = {},
  timeMs: number | null = null,
): WhyLink {
  const [answer, evidence] = ANSWERS[finding](values)
  return { check, finding, state, question: QUESTIONS[check], answer, evidence, timeMs, values }
}

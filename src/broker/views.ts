/** What those see who look at the core from outside; made by `inspect.ts`. */
import type { Qos, Version } from '../codec/packets.ts'
import type { DropReason } from '../ports/stats.ts'

/** A session and, where it has one, its connection. Times are wall clock, ms. */
export interface ClientView {
  readonly clientId: string
  readonly username: string | null
  readonly connected: boolean
  /** null: offline. */
  readonly remote: string | null
  readonly port: number | null
  readonly version: Version
  readonly durable: boolean
  readonly connectedAtMs: number | null
  readonly disconnectedAtMs: number | null
  readonly subscriptions: number
  readonly inflight: number
  readonly queued: number
  readonly queuedBytes: number
  readonly outputBytes: number
  readonly dropped: number
  /** Since its connection began; 0: offline. */
  readonly publishReceived: number
  readonly publishSent: number
  readonly bytesReceived: number
  readonly bytesSent: number
}

export interface DeliveryView {
  readonly packetId: number
  readonly qos: Qos
  /** null: the message is not kept any more. */
  readonly topic: string | null
  readonly payloadBytes: number
  readonly released: boolean
}

/** A message that waits. Times are wall clock, ms. */
export interface QueuedView {
  readonly qos: Qos
  readonly topic: string
  readonly payloadBytes: number
  /** Since when it waits; of a will or a delayed message, when that was due. null: not known. */
  readonly madeAtMs: number | null
  /** null: never. */
  readonly expiresAtMs: number | null
}

export interface ClientDetailView extends ClientView {
  readonly keepAliveSeconds: number | null
  readonly cleanStart: boolean | null
  readonly expirySeconds: number
  readonly receiveMaximum: number | null
  readonly maximumPacketBytes: number | null
  readonly topicAliasMaximum: number | null
  readonly inflightBytes: number
  readonly heldInbound: number
  /** When it last acknowledged something: wall clock, ms; null: not since its session is in memory. */
  readonly ackedAtMs: number | null
  /** The first of each. */
  readonly window: readonly DeliveryView[]
  /** Why a message was last dropped for it, and when: wall clock, ms. */
  readonly lastDrop: DropReason | null
  readonly lastDropMs: number | null
  readonly will: WillView | null
}

export interface WillView {
  readonly topic: string
  readonly qos: Qos
  readonly retain: boolean
  readonly payloadBytes: number
  readonly delaySeconds: number
}

export interface SubscriptionView {
  readonly clientId: string
  readonly filter: string
  readonly qos: Qos
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly subscriptionId: number | null
  readonly group: string | null
  readonly connected: boolean
}

export interface ReceiverView {
  readonly clientId: string
  readonly username: string | null
  readonly connected: boolean
  readonly filter: string
  readonly qos: Qos
  readonly group: string | null
  readonly mayReceive: boolean
  /** It is offline and its session queues QoS 1 and 2. */
  readonly keeps: boolean
}

/** One MQTT connection, as the session in the worker needs it. */
import type { Properties, Qos } from '../model/message.ts'
import type { Profile, Subscription } from '../model/profile.ts'
import type { Connack } from '../protocol/protocol.ts'
import type { Outgoing } from '../publish/outgoing.ts'

export interface Incoming {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
  readonly dup: boolean
  /** 0 at QoS 0. */
  readonly packetId: number
  readonly properties: Properties
  /** Ids of the subscriptions it came by; null: the broker does not say. */
  readonly by: readonly string[] | null
}

export interface LinkEvents {
  online(connack: Connack): void
  /** `retryInMs` null: there will be no further attempt. */
  offline(code: number | null, problem: string | null, retryInMs: number | null): void
  message(message: Incoming): void
}

/** Reason code and words; codes of 0x80 and more are refusals. */
export interface Outcome {
  readonly code: number
  readonly reason: string
}

export interface Link {
  subscribe(subscription: Subscription): Promise<Outcome>
  unsubscribe(filter: string): Promise<Outcome>
  publish(message: Outgoing): Promise<Outcome>
  /** Resolves when the broker shows that it lives. */
  ping(): Promise<void>
  /** Says DISCONNECT and closes. No event follows. */
  end(): void
}

export type OpenLink = (profile: Profile, events: LinkEvents) => Link

/** In MQTT 5.0, and in 3.1.1: name or password, not authorised, method. */
const LOGIN_REFUSALS: ReadonlySet<number> = new Set([0x86, 0x87, 0x8c, 4, 5])

/** The same login again would be refused again. */
export function isLoginRefusal(code: number | null): boolean {
  return code !== null && LOGIN_REFUSALS.has(code)
}

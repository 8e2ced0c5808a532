/** What a bridge is told: the options of one `connection` section, resolved. */
import type { Qos, Version } from '../codec/packets.ts'
import type { Dial } from '../client/ports.ts'
import type { Limits } from '../ports/limits.ts'

/** One `topic` line. Prefixes go before the pattern as they are, without a "/" between. */
export interface TopicLine {
  readonly pattern: string
  readonly direction: 'out' | 'in' | 'both'
  readonly qos: Qos
  readonly localPrefix: string
  readonly remotePrefix: string
}

/** A broker to connect to. */
export interface RemoteAddress {
  /** For the log: `host:port`, or a URL. */
  readonly name: string
  readonly dial: Dial
}

/** Milliseconds before the next attempt: from `baseMs` to `capMs`; back to `baseMs` once it held for `stableMs`. */
export interface RestartDelay {
  readonly baseMs: number
  readonly capMs: number
  readonly stableMs: number
}

export type Bounds = Pick<
  Limits,
  'topicLevelsMax' | 'userPropertiesMax' | 'userPropertyBytesMax' | 'retainAvailable'
>

export interface BridgeSettings {
  readonly name: string
  /** The best first; at least one. */
  readonly addresses: readonly RemoteAddress[]
  readonly roundRobin: boolean
  readonly topics: readonly TopicLine[]
  readonly version: Version
  /** Says in CONNECT that we are a bridge, below 5.0 (`try_private`). */
  readonly tryPrivate: boolean
  readonly cleanSession: boolean
  readonly localCleanSession: boolean
  readonly localClientId: string
  readonly remoteClientId: string
  readonly username: string | null
  readonly password: Uint8Array | null
  /** On our side, in lists of clients; null: none. */
  readonly localUsername: string | null
  readonly keepAliveSeconds: number
  readonly startType: 'automatic' | 'lazy' | 'once'
  readonly idleTimeoutMs: number
  /** Queued messages that wake a lazy bridge. */
  readonly threshold: number
  readonly restart: RestartDelay
  readonly notifications: boolean
  readonly notificationsLocalOnly: boolean
  readonly notificationTopic: string
  readonly attemptUnsubscribe: boolean
  readonly outgoingRetain: boolean
  /** Larger packets are not sent; 0: any size (`bridge_max_packet_size`). */
  readonly packetBytesMax: number
  /** Larger packets are not taken; a remote of MQTT 5.0 is told. */
  readonly incomingPacketBytesMax: number
  /** MQTT 5.0, both ways; 0: none. */
  readonly topicAliasMaximum: number
  /** Unacknowledged messages that we send at most, where the remote allows no fewer. */
  readonly inflightMax: number
  /** MQTT 5.0: unacknowledged messages that the remote may send. */
  readonly receiveMaximum: number
  /** MQTT 5.0; 0xFFFFFFFF: the remote keeps our session for good. */
  readonly sessionExpirySeconds: number
  /** Bridges that a message may cross, told in a user property (MQTT 5.0); 0: not counted. */
  readonly hopsMax: number
  /** What our broker takes, and a remote like it: a name or a count of hops that goes beyond it would end the link for ever. */
  readonly bounds: Bounds
  /** From the first byte to an open bridge, ms. */
  readonly connectTimeoutMs: number
}

/** What clients may cost, and what the core does for them only when it is asked to. */
import type { Qos } from '../codec/packets.ts'

/** A line of `auto_subscribe`. */
export interface AutoSubscription {
  /** `%c` stands for the client id, `%u` for the user name. */
  readonly filter: string
  readonly qos: Qos
}

/**
 * Every bound of the core, and what it does only when asked to, in one place. 0 stands for "none" only where it says so. Options of
 * mosquitto.conf that set one are named; the rest is fixed by {@link DEFAULT_LIMITS}.
 */
export interface Limits {
  /** ms from accept to a complete CONNECT (`connect_timeout`); longer as its bytes come, see `keepalive.ts`. */
  connectTimeoutMs: number
  /** ms a started packet may stay incomplete (`partial_packet_timeout`); longer as its bytes come. */
  partialPacketTimeoutMs: number
  /** Bytes of PUBLISH, SUBSCRIBE and UNSUBSCRIBE, header included (`max_packet_size`). */
  packetBytesMax: number
  /** Bytes of CONNECT and AUTH (`max_control_packet_size`). */
  controlPacketBytesMax: number
  /** Bytes of acknowledgements, PINGREQ and DISCONNECT. */
  ackPacketBytesMax: number
  /** Bytes of a payload, 0 none (`message_size_limit`). */
  payloadBytesMax: number
  /** Bytes of a command over `$CONTROL`. */
  commandBytesMax: number
  /** Levels of a topic name or filter (`max_topic_levels`). */
  topicLevelsMax: number
  /** User properties of a packet (`max_user_properties`), and the bytes of their names and values. */
  userPropertiesMax: number
  userPropertyBytesMax: number
  /** Our Receive Maximum: unreleased QoS 1 and 2 messages from a 5.0 client (`max_inflight_messages`; 0: 65535). */
  inflightMax: number
  /**
   * Unacknowledged messages towards a client that names no Receive Maximum (`max_inflight_messages`, when it is
   * set). Beyond `inflightMax` of them only while they are small, see `windowBytes`.
   */
  windowMax: number
  /** Payload bytes up to which the window may exceed `inflightMax`. */
  windowBytes: number
  /** Their payload bytes, 0 none (`max_inflight_bytes`). */
  inflightBytesMax: number
  /** Queued messages of a session beyond its window, 0 none (`max_queued_messages`). */
  queuedMax: number
  /** Their payload bytes, 0 none (`max_queued_bytes`). */
  queuedBytesMax: number
  /** The same for sessions on a store that survives: their queue costs no memory. 0 none (`max_queued_bytes`). */
  storedBytesMax: number
  /** Entries of a durable session's queue held in memory; the rest waits in the store. */
  queueWindow: number
  /** QoS 2 messages a 3.x client may leave unreleased (`max_unreleased_messages`), and their bytes for any client. */
  heldInboundMax: number
  heldInboundBytesMax: number
  /** Bytes waiting for a slow client before QoS 0 is dropped for it (`max_output_bytes`). */
  outputBytesMax: number
  /** The same together with large messages, whose payloads all receivers share. */
  outputAllBytesMax: number
  /** Seconds, 0 none (`max_keepalive`). */
  keepAliveSecondsMax: number
  /** Filters in one SUBSCRIBE, 0 any number (`max_filters_per_subscribe`); subscriptions of a session (`max_subscriptions`). */
  filtersPerPacketMax: number
  subscriptionsPerSessionMax: number
  /** Retained messages (`max_retained_messages`) and their payload bytes (`max_retained_bytes`); 0 none. */
  retainedMax: number
  retainedBytesMax: number
  /** Delayed messages that wait (`max_delayed_messages`), 0: `$delayed/` is a topic like any (`delayed_publish false`); their bytes. */
  delayedMax: number
  delayedBytesMax: number
  /** The topic level behind which a client id stands (`direct_topic`); empty: none. */
  directLevel: string
  /** What every client is subscribed to when it comes (`auto_subscribe`). */
  autoSubscriptions: readonly AutoSubscription[]
  /** Sessions, connected or not, 0 none (`global_max_clients`). */
  sessionsMax: number
  /** Sessions of one user name, 0 none (`max_clients_per_user`). */
  sessionsPerUserMax: number
  /** ms an offline session lives at most, 0 for ever (`persistent_client_expiration`). */
  sessionExpiryMsMax: number
  /** PUBLISH packets a second from one client (`max_message_rate`), bytes a second (`max_byte_rate`); 0 none. */
  messagesPerSecondMax: number
  bytesPerSecondMax: number
  retainAvailable: boolean
  queueQos0: boolean
  upgradeOutgoingQos: boolean
  /** One copy a matching subscription for 3.x clients (`allow_duplicate_messages`). */
  allowDuplicates: boolean
  /** Only client ids with this prefix (`clientid_prefixes`); empty: any. */
  clientIdPrefix: string
  /** A client id is enough to resume another user's session (`session_takeover_any_user`). */
  anyUserTakesOver: boolean
  /** Log lines of clients coming and going (`connection_messages`). */
  connectionMessages: boolean
  /** Units of work, each about a microsecond, that one turn does before others have theirs; see `state/work.ts`. */
  workPerTurn: number
  /** So many receivers of a message are served without a look at that: most have no more. */
  receiversAtOnce: number
  /** Queued messages at which a retained replay waits for the client's acknowledgements. */
  replayQueuedMax: number
  /** Rights to be sent something that are asked for one session at a time, where hooks answer later; the rest waits. */
  questionsMax: number
}

export const DEFAULT_LIMITS: Limits = {
  connectTimeoutMs: 10_000,
  partialPacketTimeoutMs: 60_000,
  packetBytesMax: 2_000_000,
  controlPacketBytesMax: 100_000,
  ackPacketBytesMax: 10_000,
  payloadBytesMax: 0,
  topicLevelsMax: 201,
  userPropertiesMax: 1000,
  userPropertyBytesMax: 65_536,
  inflightMax: 20,
  windowMax: 1000,
  windowBytes: 256 * 1024,
  inflightBytesMax: 0,
  queuedMax: 1000,
  queuedBytesMax: 64 << 20,
  storedBytesMax: 0,
  queueWindow: 1000,
  heldInboundMax: 10_000,
  heldInboundBytesMax: 32 << 20,
  outputBytesMax: 1 << 20,
  outputAllBytesMax: 16 << 20,
  keepAliveSecondsMax: 0,
  filtersPerPacketMax: 0,
  subscriptionsPerSessionMax: 100_000,
  retainedMax: 10_000_000,
  retainedBytesMax: 0,
  delayedMax: 0,
  delayedBytesMax: 256 << 20,
  directLevel: '',
  autoSubscriptions: [],
  sessionsMax: 0,
  sessionsPerUserMax: 0,
  sessionExpiryMsMax: 0,
  messagesPerSecondMax: 0,
  bytesPerSecondMax: 0,
  retainAvailable: true,
  queueQos0: false,
  upgradeOutgoingQos: false,
  allowDuplicates: true,
  clientIdPrefix: '',
  anyUserTakesOver: false,
  connectionMessages: true,
  workPerTurn: 16_384,
  commandBytesMax: 1 << 20,
  receiversAtOnce: 16,
  replayQueuedMax: 100,
  questionsMax: 1000,
}

/** `flapping_ban`: more connections of one client id from one address within a window are too many. */
export interface FlappingRule {
  readonly connectionsMax: number
  readonly windowMs: number
  readonly banMs: number
}

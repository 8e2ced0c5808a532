/** Options that set a bound. */
import { DEFAULT_LIMITS } from '../ports/limits.ts'
import { option } from './option.ts'
import { durationMs, int, type ValueType } from './value-types.ts'

const COUNT_MAX = 2_147_483_647

/** mosquitto has no such bound, or one that cannot be changed. */
function limit(
  name: string,
  summary: string,
  type: ValueType<number>,
  initial: number,
  reload = true,
) {
  return option(name, summary, { type, default: initial, own: true, reload })
}

/**
 * What one client may cost, and all of them together. `src/ports/limits.ts` says what each bound protects and what it is
 * by default; a key that it has too is its bound, in the same unit.
 */
export const LIMIT_OPTIONS = {
  connectTimeoutMs: limit(
    'connect_timeout',
    'Seconds from the connection to a whole CONNECT, and one more for each 1000 bytes that have come.',
    durationMs('s', 1, 3600),
    DEFAULT_LIMITS.connectTimeoutMs,
  ),
  partialPacketTimeoutMs: limit(
    'partial_packet_timeout',
    'Seconds that a packet may stay incomplete, and one more for each 100 bytes that have come.',
    durationMs('s', 1, 86_400),
    DEFAULT_LIMITS.partialPacketTimeoutMs,
  ),
  controlPacketBytesMax: limit(
    'max_control_packet_size',
    'Largest CONNECT and AUTH, in bytes.',
    int(128, 268_435_460),
    DEFAULT_LIMITS.controlPacketBytesMax,
  ),
  topicLevelsMax: limit(
    'max_topic_levels',
    'Most levels of a topic or filter. $SYS has up to six.',
    int(8, 1000),
    DEFAULT_LIMITS.topicLevelsMax,
  ),
  userPropertiesMax: limit(
    'max_user_properties',
    'Most user properties of one packet.',
    int(0, 65_535),
    DEFAULT_LIMITS.userPropertiesMax,
  ),
  filtersPerPacketMax: limit(
    'max_filters_per_subscribe',
    'Most filters of one SUBSCRIBE, those behind are refused; 0: as many as `max_packet_size` lets in.',
    int(0, COUNT_MAX),
    DEFAULT_LIMITS.filtersPerPacketMax,
  ),
  subscriptionsPerSessionMax: limit(
    'max_subscriptions',
    'Most subscriptions of one client.',
    int(1, COUNT_MAX),
    DEFAULT_LIMITS.subscriptionsPerSessionMax,
  ),
  sessionsPerUserMax: limit(
    'max_clients_per_user',
    'Most sessions of one user name, offline ones included; 0: no limit.',
    int(0, COUNT_MAX),
    DEFAULT_LIMITS.sessionsPerUserMax,
  ),
  retainedMax: limit(
    'max_retained_messages',
    'Most retained messages; 0: no limit.',
    int(0, COUNT_MAX),
    DEFAULT_LIMITS.retainedMax,
  ),
  retainedBytesMax: limit(
    'max_retained_bytes',
    'Most payload bytes of all retained messages; 0: no limit.',
    int(0, Number.MAX_SAFE_INTEGER),
    DEFAULT_LIMITS.retainedBytesMax,
  ),
  delayedMessagesMax: limit(
    'max_delayed_messages',
    'Most messages that wait for their time (`delayed_publish`).',
    int(1, 10_000_000),
    100_000,
  ),
  delayedBytesMax: limit(
    'max_delayed_bytes',
    'Most bytes of all messages that wait for their time: topics, properties and payloads.',
    int(1, Number.MAX_SAFE_INTEGER),
    DEFAULT_LIMITS.delayedBytesMax,
  ),
  heldInboundMax: limit(
    'max_unreleased_messages',
    'QoS 2 messages that one client may leave without PUBREL.',
    int(1, 65_535),
    DEFAULT_LIMITS.heldInboundMax,
  ),
  outputBytesMax: limit(
    'max_output_bytes',
    'Bytes that wait for a slow client before QoS 0 is dropped; 16 MiB with messages of 16 KiB or more.',
    int(4096, COUNT_MAX),
    DEFAULT_LIMITS.outputBytesMax,
  ),
  messagesPerSecondMax: limit(
    'max_message_rate',
    'Messages a second that are taken from one client, the rest a little later; 0: any.',
    int(0, COUNT_MAX),
    DEFAULT_LIMITS.messagesPerSecondMax,
  ),
  bytesPerSecondMax: limit(
    'max_byte_rate',
    'Bytes a second that are taken from one client, the rest a little later; 0: any.',
    int(0, COUNT_MAX),
    DEFAULT_LIMITS.bytesPerSecondMax,
  ),
  connectionsPerAddressMax: limit(
    'max_connections_per_address',
    'Most connections from one IP address, but that of a load balancer (PROXY); 0: no limit.',
    int(0, COUNT_MAX),
    0,
  ),
  connectionsPerSecondMax: limit(
    'max_connection_rate',
    'New connections that are let in each second, the others wait; 0: no limit.',
    int(0, 1_000_000),
    1000,
  ),
}

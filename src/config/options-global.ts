/** Options of the broker as a whole. */
import { DEFAULT_LIMITS } from '../ports/limits.ts'
import { ValueError } from './config-error.ts'
import type { AutoSubscription } from '../ports/limits.ts'
import { option } from './option.ts'
import { autoSubscription, topicLevel } from './topic-values.ts'
import {
  mqttText,
  bool,
  choice,
  custom,
  durationMs,
  firstWord,
  int,
  path,
  repeatable,
  text,
} from './value-types.ts'

const INT_MAX = 2_147_483_647
/** A fixed header of 5 bytes and the largest remaining length. */
const PACKET_BYTES_MAX = 268_435_460
/** mosquitto's manual says that it is reloaded; its code keeps the value of the start. */
const RELOADS_HERE = 'SIGHUP applies it; mosquitto keeps the value of the start.'
const noLimitBelowZero = (value: number) => Math.max(0, value)
const connectionLimit = int(0, INT_MAX, noLimitBelowZero)

const unitSeconds = new Map([
  ['s', 1],
  ['h', 3600],
  ['d', 86_400],
  ['w', 7 * 86_400],
  ['m', 30 * 86_400],
  ['y', 365 * 86_400],
])

const expiry = custom('N followed by s, h, d, w, m (30 days) or y (365 days)', (name, rest) => {
  const match = /^([0-9]{1,10})([shdwmy])$/.exec(firstWord(name, rest))
  const seconds = match === null ? 0 : Number(match[1]) * (unitSeconds.get(match[2]) ?? 0)
  if (seconds <= 0)
    throw new ValueError(`"${name}" must be a number above 0 and one of s, h, d, w, m, y: 14d.`)
  return seconds * 1000
})

const httpUrl = custom('http://... | https://...', (name, rest) => {
  const value = text('address').read(name, rest)
  if (!/^https?:\/\/[^/]/.test(value) || !URL.canParse(value))
    throw new ValueError(`"${name}" must be an address like http://127.0.0.1:8080/login.`)
  return value
})

/** Options of the broker as a whole: who may connect, limits, delivery, security, persistence. */
export const BROKER_OPTIONS = {
  allowAnonymous: option(
    'allow_anonymous',
    'Lets clients in without a user name. Unset: only while no listener is configured.',
    { type: bool, default: null },
  ),
  allowZeroLengthClientId: option(
    'allow_zero_length_clientid',
    'Gives a client that sends no client id one of our own making.',
    { type: bool, default: true },
  ),
  autoIdPrefix: option('auto_id_prefix', 'First characters of the client ids that we make.', {
    differs: 'Stays after SIGHUP; mosquitto forgets the default then.',
    type: mqttText('text', 50),
    default: 'auto-',
    deprecated: true,
  }),
  clientIdPrefix: option(
    'clientid_prefixes',
    'Refuses clients whose client id does not begin with this.',
    { type: text(), default: null, repeat: 'last', deprecated: true },
  ),
  perListenerSettings: option(
    'per_listener_settings',
    'Makes allow_anonymous and the other security options belong to the listener above them.',
    { type: bool, default: false, deprecated: true },
  ),
  globalMaxClients: option('global_max_clients', 'Most sessions, offline ones included.', {
    differs: RELOADS_HERE,
    type: connectionLimit,
    default: DEFAULT_LIMITS.sessionsMax,
  }),
  globalMaxConnections: option('global_max_connections', 'Most connections on all listeners.', {
    differs: RELOADS_HERE,
    type: connectionLimit,
    default: 0,
  }),
  maxInflightMessages: option(
    'max_inflight_messages',
    'QoS 1 and 2 messages under way to one client; 0: no limit. Unset: 20, more while they are small.',
    {
      differs: `${RELOADS_HERE} Unset, up to 1000 small messages are under way: all the same order, fewer round trips.`,
      type: int(0, 65_535, (value) => (value < 0 || value === 65_535 ? 0 : value)),
      default: null,
    },
  ),
  maxInflightBytes: option(
    'max_inflight_bytes',
    'Payload bytes under way to one client at a time; 0: no limit.',
    {
      differs: RELOADS_HERE,
      type: int(0, Number.MAX_SAFE_INTEGER),
      default: DEFAULT_LIMITS.inflightBytesMax,
    },
  ),
  maxQueuedMessages: option(
    'max_queued_messages',
    'QoS 1 and 2 messages that wait for one client; 0: no limit.',
    {
      differs: RELOADS_HERE,
      type: int(0, INT_MAX, noLimitBelowZero),
      default: DEFAULT_LIMITS.queuedMax,
    },
  ),
  maxQueuedBytes: option(
    'max_queued_bytes',
    'Payload bytes that wait for one client, from which on new ones are dropped; 0: no limit.',
    {
      differs: `${RELOADS_HERE} With 0 a queue still ends at 64 MB.`,
      type: int(0, Number.MAX_SAFE_INTEGER),
      default: DEFAULT_LIMITS.storedBytesMax,
    },
  ),
  maxPacketBytes: option('max_packet_size', 'Largest packet that a client may send, in bytes.', {
    differs: RELOADS_HERE,
    type: int(20, PACKET_BYTES_MAX, (value) => Math.min(value, PACKET_BYTES_MAX)),
    default: DEFAULT_LIMITS.packetBytesMax,
  }),
  messageBytesMax: option(
    'message_size_limit',
    'Largest payload that is passed on, in bytes; 0: no limit of its own.',
    {
      differs: 'A 5.0 client is told 0x97 in PUBACK, where the standard has no 0x95.',
      type: int(0, 268_435_455),
      default: DEFAULT_LIMITS.payloadBytesMax,
    },
  ),
  maxKeepAliveSeconds: option(
    'max_keepalive',
    'Longest keep alive that a client may ask for, in seconds; 0: any.',
    {
      differs: RELOADS_HERE,
      type: int(0, 65_535),
      default: DEFAULT_LIMITS.keepAliveSecondsMax,
    },
  ),
  memoryBytesMax: option('memory_limit', 'Most memory the broker may use, in bytes; 0: any.', {
    type: int(0, Number.MAX_SAFE_INTEGER),
    default: 0,
    differs:
      'Load is shed from 80 % on in a stated order, before anything acknowledged could be lost; mosquitto drops whoever allocates next.',
  }),
  packetBufferBytes: option(
    'packet_buffer_size',
    'Most bytes of the HTTP headers in front of a WebSocket. Unset: 16384.',
    { type: int(0, 65_535), aliases: ['websockets_headers_size'], default: null },
  ),
  allowDuplicateMessages: option(
    'allow_duplicate_messages',
    'Sends an MQTT 3 client one copy for each of its subscriptions that match.',
    {
      differs:
        'With "false" the one copy has the highest QoS of the matching subscriptions, not that of the first one found.',
      type: bool,
      default: DEFAULT_LIMITS.allowDuplicates,
      deprecated: true,
    },
  ),
  upgradeOutgoingQos: option(
    'upgrade_outgoing_qos',
    'Delivers at the QoS of the subscription even when the message came with a lower one.',
    { type: bool, default: DEFAULT_LIMITS.upgradeOutgoingQos },
  ),
  queueQos0Messages: option('queue_qos0_messages', 'Keeps QoS 0 messages for offline sessions.', {
    type: bool,
    default: DEFAULT_LIMITS.queueQos0,
  }),
  retainAvailable: option('retain_available', 'Whether clients may retain messages.', {
    differs: RELOADS_HERE,
    type: bool,
    default: DEFAULT_LIMITS.retainAvailable,
  }),
  retainExpiryIntervalMs: option(
    'retain_expiry_interval',
    'Minutes between two sweeps that remove expired retained messages. Unset: no sweeps.',
    {
      differs: RELOADS_HERE,
      type: durationMs('min', 1, 10_000_000, (value) => Math.min(value, 10_000_000)),
      default: null,
    },
  ),
  persistentClientExpirationMs: option(
    'persistent_client_expiration',
    'Removes sessions whose client has been away this long. Unset: never.',
    { type: expiry, default: null },
  ),
  checkRetainSource: option(
    'check_retain_source',
    'Checks before a retained message is sent that its publisher may still write there.',
    {
      type: bool,
      default: true,
      differs: "On unless it is switched off, as mosquitto's manual says and its code does not.",
    },
  ),
  sessionTakeoverAnyUser: option(
    'session_takeover_any_user',
    "Lets every user who knows a client id resume another user's session, as mosquitto does.",
    { type: bool, default: DEFAULT_LIMITS.anyUserTakesOver, own: true },
  ),
  aclRefuseSubscribe: option(
    'acl_refuse_subscribe',
    'Refuses a subscription that the rights of its client leave nothing of. Unset: it stays silent.',
    { type: bool, default: false, own: true },
  ),
  authHttpUrl: option(
    'auth_http_url',
    'Address of a program that is asked about users whom the password file does not know.',
    { type: httpUrl, default: null, own: true, repeat: 'last', secret: true },
  ),
  authHttpTimeoutMs: option('auth_http_timeout', 'Seconds after which no answer is a refusal.', {
    type: durationMs('s', 1, 9),
    default: 5000,
    own: true,
  }),
  authHttpCacheMs: option(
    'auth_http_cache',
    'Seconds for which a login that was allowed is not asked about again; 0: never kept.',
    { type: durationMs('s', 0, 86_400), default: 60_000, own: true },
  ),
  sysAccess: option(
    'sys_access',
    'Who may read $SYS: everyone, users with a name, or only whom a rule of acl_file lets.',
    { type: choice('everyone', 'users', 'acl'), default: 'everyone' as const, own: true },
  ),
  delayedPublish: option(
    'delayed_publish',
    'Publishes `$delayed/<seconds>/<topic>` to `<topic>` later, or at that second of the Unix epoch.',
    { type: bool, default: false, own: true },
  ),
  directTopic: option(
    'direct_topic',
    'Level before a client id: `<anything>/p2p/<client id>` reaches that client without a subscription.',
    { type: topicLevel, default: null, own: true, repeat: 'last' },
  ),
  autoSubscribe: option(
    'auto_subscribe',
    'Subscribes every client that comes; %c is its client id, %u its user name.',
    { type: repeatable(autoSubscription), default: [] as readonly AutoSubscription[], own: true },
  ),
  enableControlApi: option('enable_control_api', 'Answers on $CONTROL/broker/v1.', {
    differs: RELOADS_HERE,
    type: bool,
    default: false,
  }),
  aclFile: option('acl_file', 'File of rules: who may read and write which topics.', {
    type: path,
    default: null,
    differs:
      "A file that is missing or wrong stops the start; on reload the old rules stay. One without rules denies everything. Denials are logged with the rule's line.",
    repeat: 'last',
    deprecated: true,
  }),
  passwordFile: option('password_file', 'File of user names and password hashes.', {
    type: path,
    default: null,
    differs:
      'A file that is missing or wrong stops the start; on reload the old users stay. Unknown users cost the time of a known one.',
    repeat: 'last',
    deprecated: true,
  }),
  dynamicSecurityFile: option(
    'dynamic_security_file',
    'File of users, groups and roles that change at run time; made when it is missing.',
    { type: path, default: null, own: true, repeat: 'last' },
  ),
  dynamicSecurityPasswordFile: option(
    'dynamic_security_password_file',
    'File whose first line is the password of "admin", when dynamic_security_file is made.',
    { type: path, default: null, own: true, repeat: 'last', reload: false },
  ),
  auditFile: option(
    'audit_file',
    'File of all changes of users and rights. Unset: dynamic_security_file with ".audit".',
    { type: path, default: null, own: true, repeat: 'last', reload: false },
  ),
  pskFile: option('psk_file', 'File of TLS pre-shared keys.', {
    type: path,
    default: null,
    repeat: 'last',
  }),
  persistence: option('persistence', 'Keeps sessions and retained messages over a restart.', {
    type: bool,
    default: false,
    aliases: ['retained_persistence'],
    reload: false,
  }),
  persistenceFile: option(
    'persistence_file',
    'Name of the directory that holds the store, less ".mozzie".',
    {
      type: text('file name'),
      default: null,
      reload: false,
    },
  ),
  persistenceLocation: option('persistence_location', 'Where that directory is.', {
    type: path,
    default: null,
    reload: false,
  }),
  persistenceSync: option(
    'persistence_sync',
    'Syncs the disk always (before acknowledging), every second (interval), or never.',
    {
      type: choice('always', 'interval', 'never'),
      default: 'always' as const,
      own: true,
      reload: false,
    },
  ),
  autosaveIntervalSeconds: option(
    'autosave_interval',
    'Seconds between two saves of the database. Here every change is saved at once.',
    { type: int(0, INT_MAX, noLimitBelowZero), default: 1800 },
  ),
  autosaveOnChanges: option('autosave_on_changes', 'Counts changes instead of seconds.', {
    type: bool,
    default: false,
  }),
}

/** Global options that one listener may have for itself under `per_listener_settings`. */
export const PER_LISTENER_KEYS = [
  'allowAnonymous',
  'allowZeroLengthClientId',
  'autoIdPrefix',
  'passwordFile',
  'aclFile',
  'dynamicSecurityFile',
  'pskFile',
] as const satisfies readonly (keyof typeof BROKER_OPTIONS)[]

export type PerListenerKey = (typeof PER_LISTENER_KEYS)[number]

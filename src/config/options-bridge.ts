/** Options of a bridge. */
import {
  addresses,
  atLeastOne,
  bridgeTopic,
  restartTimeout,
  tcpKeepAlive,
  type BridgeAddress,
  type BridgeTopic,
  type RestartTimeout,
} from './bridge-values.ts'
import { option } from './option.ts'
import {
  bool,
  choice,
  durationMs,
  int,
  path,
  repeatable,
  text,
  type ValueType,
} from './value-types.ts'

const INT_MAX = 2_147_483_647
const noAddresses: readonly BridgeAddress[] = []
const noTopics: readonly BridgeTopic[] = []
const USUAL_RESTART: RestartTimeout = { baseSeconds: 5, capSeconds: 30, stableSeconds: null }

/** A row of the bridge table. */
function bridge<T, Default>(
  name: string,
  summary: string,
  type: ValueType<T>,
  initial: Default,
  aliases: string[] = [],
) {
  return option(name, summary, { type, default: initial, aliases })
}

/** Options of one bridge: they belong to the nearest `connection` line above them. */
export const BRIDGE_OPTIONS = {
  addresses: bridge('addresses', 'Brokers to connect to, the best first.', addresses, noAddresses, [
    'address',
  ]),
  topics: bridge('topic', 'Topics that cross the bridge.', repeatable(bridgeTopic), noTopics),
  attemptUnsubscribe: bridge(
    'bridge_attempt_unsubscribe',
    'Unsubscribes from what only goes out, in case it once came in.',
    bool,
    true,
  ),
  bindAddress: bridge('bridge_bind_address', 'Local address to connect from.', text('host'), null),
  maxPacketBytes: bridge(
    'bridge_max_packet_size',
    'Larger packets are not sent, and the other broker is asked to send none (MQTT 5); 0: any size.',
    int(0, INT_MAX),
    0,
  ),
  maxTopicAlias: bridge('bridge_max_topic_alias', 'Topic aliases, MQTT 5.', int(0, 65_535), 10),
  outgoingRetain: bridge(
    'bridge_outgoing_retain',
    'Keeps the retain flag of what leaves.',
    bool,
    true,
  ),
  protocolVersion: bridge(
    'bridge_protocol_version',
    'MQTT version that is spoken to the other broker.',
    choice('mqttv31', 'mqttv311', 'mqttv50'),
    'mqttv311',
  ),
  receiveMaximum: bridge(
    'bridge_receive_maximum',
    'Messages under way to us. Unset: as max_inflight_messages.',
    int(1, 65_535),
    null,
  ),
  reloadType: bridge(
    'bridge_reload_type',
    'New settings apply at the next connection, or make a new one now.',
    choice('lazy', 'immediate'),
    'lazy',
  ),
  sessionExpirySeconds: option(
    'bridge_session_expiry_interval',
    'How long the other broker keeps our session, in seconds, MQTT 5. Unset: for good.',
    {
      type: int(0, INT_MAX),
      default: null,
      differs:
        "mosquitto's 0 would end the session with every lost connection, and its messages with it.",
    },
  ),
  hopsMax: option(
    'bridge_max_hops',
    'Bridges that a message may cross, counted in a user property (MQTT 5); 0: not counted.',
    { type: int(0, 255), default: 0, own: true },
  ),
  tcpKeepAlive: option('bridge_tcp_keepalive', 'Socket keep alive.', {
    type: tcpKeepAlive,
    default: null,
    differs: 'The idle time holds; interval and count are what Node has: 10 times, 1 second apart.',
    warning:
      'Of "bridge_tcp_keepalive" the idle time holds; interval and count are what Node has: 10 times, 1 second apart.',
  }),
  tcpUserTimeoutMs: option(
    'bridge_tcp_user_timeout',
    'Milliseconds that sent bytes may stay unacknowledged; 0: as the system has it.',
    {
      type: int(0, INT_MAX),
      default: 0,
      effect: 'never',
      differs: 'Node cannot set it; "keepalive_interval" finds a dead link.',
      warning:
        '"bridge_tcp_user_timeout" has no effect, Node cannot set it: "keepalive_interval" finds a dead link.',
    },
  ),
  cleanSession: bridge('cleansession', 'Keeps no session at the other broker.', bool, false),
  localCleanSession: bridge(
    'local_cleansession',
    'Keeps no session here. Unset: as cleansession.',
    bool,
    null,
  ),
  idleTimeoutMs: bridge(
    'idle_timeout',
    'Seconds without messages after which a lazy bridge closes.',
    durationMs('s', 1, INT_MAX, atLeastOne),
    60_000,
  ),
  keepAliveSeconds: bridge(
    'keepalive_interval',
    'Seconds between two signs of life.',
    int(5, 65_535, (value) => (value >= 0 ? Math.max(5, value) : value)),
    60,
  ),
  localClientId: bridge(
    'local_clientid',
    'Client id on our side. Unset: "local." and the remote one.',
    text(),
    null,
  ),
  localUsername: bridge('local_username', 'User name on our side.', text(), null),
  localPassword: option('local_password', 'Read for the sake of old files.', {
    type: text(),
    default: null,
    effect: 'never',
    secret: true,
  }),
  notifications: bridge('notifications', 'Publishes whether the bridge is up.', bool, true),
  notificationsLocalOnly: bridge('notifications_local_only', 'But only on our side.', bool, false),
  notificationTopic: bridge(
    'notification_topic',
    'Where. Unset: $SYS/broker/connection/CLIENT_ID/state.',
    text('topic'),
    null,
  ),
  remoteClientId: bridge(
    'remote_clientid',
    'Client id at the other broker. Unset: host name, ".", name of the bridge.',
    text(),
    null,
    ['clientid'],
  ),
  remoteUsername: bridge('remote_username', 'User name at the other broker.', text(), null, [
    'username',
  ]),
  remotePassword: option('remote_password', 'Password at the other broker.', {
    type: text(),
    default: null,
    aliases: ['password'],
    secret: true,
  }),
  restartTimeout: bridge(
    'restart_timeout',
    'Seconds before the next attempt to connect.',
    restartTimeout,
    USUAL_RESTART,
  ),
  roundRobin: bridge('round_robin', 'Treats all addresses alike.', bool, false),
  startType: bridge(
    'start_type',
    'When to connect: always, when there is something to send, or once.',
    choice('automatic', 'lazy', 'once'),
    'automatic' as const,
  ),
  threshold: bridge(
    'threshold',
    'Messages that wake a lazy bridge.',
    int(1, INT_MAX, atLeastOne),
    10,
  ),
  tryPrivate: bridge('try_private', 'Tells the other broker that we are a bridge.', bool, true),
}

/** TLS options of one bridge. */
export const BRIDGE_TLS_OPTIONS = {
  caFile: bridge('bridge_cafile', 'Authorities that the other broker is known by.', path, null),
  caDirectory: bridge('bridge_capath', 'Directory of such certificates.', path, null),
  certificateFile: bridge('bridge_certfile', 'Our certificate.', path, null),
  keyFile: bridge('bridge_keyfile', 'Its private key.', path, null),
  ciphers: bridge('bridge_ciphers', 'Ciphers up to TLS 1.2.', text('cipher list'), null),
  ciphersTls13: bridge('bridge_ciphers_tls1.3', 'Ciphers of TLS 1.3.', text('cipher list'), null),
  alpn: bridge('bridge_alpn', 'Protocol to ask for.', text(), null),
  insecure: bridge('bridge_insecure', 'Does not check the host name.', bool, false),
  requireOcsp: option('bridge_require_ocsp', 'Demands an OCSP answer.', {
    type: bool,
    default: false,
    effect: 'refuse',
    differs: 'True is refused: Node does not check OCSP answers.',
  }),
  tlsVersion: bridge(
    'bridge_tls_version',
    'Lowest TLS version. Unset: 1.2.',
    choice('tlsv1.3', 'tlsv1.2'),
    null,
  ),
  useOsCertificates: bridge(
    'bridge_tls_use_os_certs',
    'Trusts the authorities of the system.',
    bool,
    false,
  ),
  pskIdentity: bridge('bridge_identity', 'Name of our pre-shared key.', text(), null),
  psk: option('bridge_psk', 'The key, in hexadecimal.', {
    type: text('hexadecimal'),
    default: null,
    secret: true,
  }),
}

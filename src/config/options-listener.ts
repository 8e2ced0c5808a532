/** Options of a listener. */
import { ValueError } from './config-error.ts'
import { option } from './option.ts'
import {
  bool,
  choice,
  custom,
  int,
  mqttText,
  path,
  repeatable,
  text,
  readInteger,
} from './value-types.ts'

/** MQTT versions by their protocol level: 3.1 is 3, 3.1.1 is 4, 5.0 is 5. */
export type ProtocolLevel = 3 | 4 | 5

const levels = new Map<string, ProtocolLevel>([
  ['3', 3],
  ['4', 4],
  ['5', 5],
])

const protocolLevels = custom('3, 4, 5', (name, rest): readonly ProtocolLevel[] => {
  const accepted = new Set<ProtocolLevel>()
  for (const word of rest.split(/[ ,]/)) {
    if (word === '') continue
    const level = levels.get(word)
    if (level === undefined)
      throw new ValueError(`"${name}" lists MQTT protocol levels 3, 4 and 5, not "${word}".`)
    accepted.add(level)
  }
  if (accepted.size === 0) throw new ValueError(`"${name}" names no protocol level.`)
  return [...accepted].sort()
})

const ALL_LEVELS: readonly ProtocolLevel[] = [3, 4, 5]
const noNames: readonly string[] = []

const mountPoint = custom('topic prefix', (name, rest) => {
  const value = mqttText('text').read(name, rest)
  if (/[+#]/.test(value))
    throw new ValueError(`"${name}" must be a topic without wildcards, not "${value}".`)
  return value
})

/** Addresses that begin with the same `prefix` bits. */
export interface Network {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

const noNetworks: readonly Network[] = []

const network = custom('address, or address/bits', (name, rest): Network => {
  const [address, bits, surplus] = rest.trim().split('/')
  const family = address.includes(':') ? 'ipv6' : 'ipv4'
  const longest = family === 'ipv4' ? 32 : 128
  const shape = family === 'ipv4' ? /^\d{1,3}(?:\.\d{1,3}){3}$/ : /^[0-9a-fA-F:.]{2,45}$/
  const octets = family === 'ipv4' ? address.split('.').map(Number) : []
  if (surplus !== undefined || !shape.test(address) || octets.some((octet) => octet > 255))
    throw new ValueError(
      `"${name}" must be an address or a network like 10.0.0.0/8, not "${rest.trim()}".`,
    )
  const prefix = bits === undefined ? longest : readInteger(`${name} bits`, bits, 0, longest)
  return { address, prefix, family }
})

const passwordHash = custom('40 hexadecimal digits', (name, rest) => {
  const value = text().read(name, rest)
  if (!/^[0-9a-fA-F]{40}$/.test(value))
    throw new ValueError(`"${name}" must be a SHA-1 of 40 hexadecimal digits.`)
  return value
})

/** Options of one listener: they belong to the nearest `listener` line above them. */
export const LISTENER_OPTIONS = {
  protocol: option(
    'protocol',
    'MQTT, MQTT in WebSocket, (auto) both, or (http_api) the pages and the admin API.',
    {
      type: choice('mqtt', 'websockets', 'auto', 'http_api'),
      default: 'mqtt' as const,
      reload: false,
      beforeListener: 'default-listener',
    },
  ),
  listenerAllowAnonymous: option(
    'listener_allow_anonymous',
    'As allow_anonymous, for this listener alone. Unset: as allow_anonymous says.',
    { type: bool, default: null },
  ),
  listenerAutoIdPrefix: option(
    'listener_auto_id_prefix',
    'As auto_id_prefix, for this listener alone.',
    { type: mqttText('text', 50), default: null },
  ),
  maxConnections: option('max_connections', 'Most connections at a time; 0 or less: no limit.', {
    type: int(0, 2_147_483_647, (value) => Math.max(0, value)),
    default: 0,
    beforeListener: 'default-listener',
  }),
  maxQos: option('max_qos', 'Highest QoS that clients may use.', {
    type: int(0, 2),
    aliases: ['maximum_qos'],
    default: 2,
    beforeListener: 'default-listener',
  }),
  maxTopicAlias: option('max_topic_alias', 'Topic aliases that an MQTT 5 client may use.', {
    type: int(0, 65_535),
    default: 10,
  }),
  maxTopicAliasBroker: option(
    'max_topic_alias_broker',
    'Topic aliases that the broker uses towards an MQTT 5 client.',
    { type: int(0, 65_535), default: 10 },
  ),
  acceptProtocolLevels: option(
    'accept_protocol_versions',
    'MQTT versions that are let in: 3 (3.1), 4 (3.1.1), 5 (5.0).',
    { type: protocolLevels, default: ALL_LEVELS },
  ),
  useUsernameAsClientId: option(
    'use_username_as_clientid',
    'Takes the user name for the client id.',
    { type: bool, default: false, beforeListener: 'default-listener' },
  ),
  socketDomain: option('socket_domain', 'Listens on IPv4 or IPv6 only. Unset: on both.', {
    type: choice('ipv4', 'ipv6'),
    default: null,
    reload: false,
    beforeListener: 'default-listener',
  }),
  bindInterface: option('bind_interface', 'Listens on the addresses of this interface only.', {
    type: text('interface'),
    default: null,

    reload: false,
    beforeListener: 'default-listener',
  }),
  mountPoint: option('mount_point', 'Put before every topic of the clients of this listener.', {
    type: mountPoint,
    default: null,
    warning: (value) =>
      value.endsWith('/')
        ? null
        : '"mount_point" does not end in "/": "#" of its clients is no filter then.',
  }),
  enableProxyProtocol: option(
    'enable_proxy_protocol',
    'Expects the PROXY header (version 1 or 2) of a load balancer on every connection.',
    { type: int(1, 2), default: null },
  ),
  proxyProtocolV2RequireTls: option(
    'proxy_protocol_v2_require_tls',
    'Refuses connections that did not reach the load balancer over TLS.',
    { type: bool, default: false },
  ),
  proxyProtocolTrusted: option(
    'proxy_protocol_trusted',
    'An address or network (10.0.0.0/8) that load balancers connect from. Unset: any.',
    { type: repeatable(network), default: noNetworks, own: true },
  ),
  httpDirectory: option(
    'http_dir',
    'Directory of the files that are served by HTTP. Unset: the pages of the broker.',
    { type: path, default: null, reload: false },
  ),
  httpHosts: option('http_host', 'A host name that an http_api listener is reached by.', {
    type: repeatable(text('host name')),
    default: noNames,
    own: true,
    reload: false,
  }),
  httpAdminUsers: option(
    'http_admin_user',
    'A user who may change things by HTTP; `*`: everybody who can log in.',
    { type: repeatable(text('user')), default: noNames, own: true },
  ),
  httpProxyLogins: option(
    'http_proxy_login',
    "A proxy's address or network: others are refused, and whom its X-Remote-User-Name names is in.",
    { type: repeatable(network), default: noNetworks, own: true, reload: false },
  ),
  websocketsPath: option('websockets_path', 'The path of the URL for WebSocket. Unset: any.', {
    type: text('path'),
    default: null,
    own: true,
  }),
  websocketsOrigins: option('websockets_origin', 'A web site whose pages may connect.', {
    type: repeatable(text('origin')),
    default: noNames,
  }),
}

/** TLS options of one listener. */
export const TLS_OPTIONS = {
  caFile: option('cafile', 'Certificates of the authorities that client certificates come from.', {
    type: path,
    default: null,
    repeat: 'last',
  }),
  caDirectory: option('capath', 'Directory of such certificates.', {
    type: path,
    default: null,
    repeat: 'last',
    beforeListener: 'default-listener',
  }),
  certificateFile: option('certfile', 'Certificate of the broker; makes the listener TLS.', {
    type: path,
    default: null,
    repeat: 'last',
    beforeListener: 'default-listener',
  }),
  keyFile: option('keyfile', 'Private key of that certificate.', {
    type: path,
    default: null,
    repeat: 'last',
    beforeListener: 'default-listener',
  }),
  revocationListFile: option('crlfile', 'Client certificates that are no longer good.', {
    type: path,
    default: null,
    repeat: 'last',
    beforeListener: 'default-listener',
  }),
  ciphers: option('ciphers', 'Ciphers up to TLS 1.2, as OpenSSL lists them.', {
    type: text('cipher list'),
    default: null,
    repeat: 'last',
    beforeListener: 'default-listener',
  }),
  ciphersTls13: option('ciphers_tls1.3', 'Ciphers of TLS 1.3, as OpenSSL lists them.', {
    type: text('cipher list'),
    default: null,
    repeat: 'last',
    beforeListener: 'default-listener',
  }),
  tlsVersion: option('tls_version', 'Lowest TLS version. Unset: 1.2.', {
    type: choice('tlsv1.3', 'tlsv1.2', 'tlsv1.1'),
    default: null,
    warning: (value) =>
      value === 'tlsv1.1'
        ? '"tls_version tlsv1.1" is not safe any more: it is taken for 1.2.'
        : null,
    reload: false,
  }),
  requireCertificate: option('require_certificate', 'Clients must show a good certificate.', {
    type: bool,
    default: false,
    beforeListener: 'default-listener',
  }),
  useIdentityAsUsername: option(
    'use_identity_as_username',
    'The common name of the certificate (or the PSK identity) is the user name.',
    { type: bool, default: false, beforeListener: 'default-listener' },
  ),
  useSubjectAsUsername: option(
    'use_subject_as_username',
    'The whole subject of the certificate is the user name.',
    { type: bool, default: false, beforeListener: 'default-listener' },
  ),
  disableClientCertificateDateChecks: option(
    'disable_client_cert_date_checks',
    'Lets in client certificates that have expired or are not valid yet.',
    { type: bool, default: false },
  ),
  pskHint: option('psk_hint', 'Makes the listener TLS with pre-shared keys.', {
    type: text(),
    default: null,
    reload: false,
    beforeListener: 'default-listener',
  }),
  tlsEngine: option('tls_engine', 'OpenSSL engine.', {
    type: text('engine'),
    default: null,
    effect: 'never',
    reload: false,
    beforeListener: 'default-listener',
  }),
  tlsEngineKeyPasswordSha1: option('tls_engine_kpass_sha1', 'Hash of the engine key password.', {
    type: passwordHash,
    default: null,
    effect: 'never',
    reload: false,
    beforeListener: 'default-listener',
  }),
  tlsKeyForm: option('tls_keyform', 'Where the private key is: in a file or in the engine.', {
    type: choice('pem', 'engine'),
    default: 'pem',
    effect: 'never',
    reload: false,
    beforeListener: 'default-listener',
  }),
}

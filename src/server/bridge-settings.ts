/** A `connection` section as the bridge wants it: names filled in, files read, ways to the remote made. */
import type { Bounds, BridgeSettings, RemoteAddress, RestartDelay } from '../bridge/settings.ts'
import { dialUrl, type NodeConnectOptions, type TlsOptions } from '../client/node.ts'
import { EncodeError } from '../codec/encode-error.ts'
import type { Qos, Version } from '../codec/packets.ts'
import { stringLength } from '../codec/utf8.ts'
import { ConfigError } from '../config/config-error.ts'
import type { BridgeConfig } from '../config/config.ts'
import type { BridgeAddress, RestartTimeout } from '../config/bridge-values.ts'
import { filesIn, readWhole } from '../config/read-whole.ts'
import { topicFilterProblem, topicNameProblem } from '../topics/names.ts'
import { authoritiesProblem } from '../transports/pem.ts'

const NEVER = 0xffffffff
const CONNECT_TIMEOUT_MS = 30_000
const SYSTEM_AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt'
/** What mosquitto has for `max_inflight_messages`: it cuts who has more under way at QoS 2, and before MQTT 5 does not say so. */
const INFLIGHT = 20
/** Some clouds cut a client that has more than this under way. */
const SENT_INFLIGHT = 100

const VERSIONS: Readonly<Record<BridgeConfig['protocolVersion'], Version>> = {
  mqttv31: 3,
  mqttv311: 4,
  mqttv50: 5,
}

const encoder = new TextEncoder()

function fault(config: BridgeConfig, text: string): ConfigError {
  return new ConfigError(`Bridge "${config.name}": ${text}`, config.location)
}

export interface BridgeDefaults {
  /** First part of a client id that is not given. */
  readonly host: string
  /** `max_inflight_messages`; null: not set, 0: no bound. */
  readonly inflightMax: number | null
  /** `max_packet_size`. */
  readonly packetBytesMax: number
  readonly bounds: Bounds
}

/** @throws ConfigError on files that cannot be read and topics that cannot be. */
export function bridgeSettingsOf(config: BridgeConfig, defaults: BridgeDefaults): BridgeSettings {
  const remoteClientId = config.remoteClientId ?? `${defaults.host}.${config.name}`
  const version = VERSIONS[config.protocolVersion]
  checkTopics(config, defaults.bounds)
  if (version < 5 && config.remotePassword !== null && config.remoteUsername === null)
    throw fault(config, '"remote_password" needs "remote_username" before MQTT 5.')
  const { cleanSession } = config
  const sendsQos2 = config.topics.some(({ direction, qos }) => direction !== 'in' && qos === 2)
  const dialOptions = dialOptionsOf(config, version)
  const localClientId = config.localClientId ?? `local.${remoteClientId}`
  checkText(config, '"local_clientid"', localClientId)
  checkText(config, '"remote_clientid"', remoteClientId)
  checkText(config, '"local_username"', config.localUsername ?? '')
  checkText(config, '"remote_username"', config.remoteUsername ?? '')
  return {
    name: config.name,
    addresses: config.addresses.map((address) => addressOf(config, address, dialOptions)),
    roundRobin: config.roundRobin,
    topics: config.topics.map((line) => ({ ...line, qos: line.qos as Qos })),
    version,
    tryPrivate: config.tryPrivate,
    cleanSession,
    localCleanSession: config.localCleanSession ?? cleanSession,
    localClientId,
    remoteClientId,
    username: config.remoteUsername,
    password: config.remotePassword === null ? null : encoder.encode(config.remotePassword),
    localUsername: config.localUsername,
    keepAliveSeconds: config.keepAliveSeconds,
    startType: config.startType,
    idleTimeoutMs: config.idleTimeoutMs,
    threshold: config.threshold,
    restart: restartOf(config.restartTimeout),
    notifications: config.notifications,
    notificationsLocalOnly: config.notificationsLocalOnly,
    notificationTopic: notificationTopicOf(config, remoteClientId),
    attemptUnsubscribe: config.attemptUnsubscribe,
    outgoingRetain: config.outgoingRetain,
    packetBytesMax: config.maxPacketBytes,
    incomingPacketBytesMax: incomingBytesMax(config, version, defaults),
    topicAliasMaximum: version === 5 ? config.maxTopicAlias : 0,
    inflightMax: defaults.inflightMax || (version < 5 && sendsQos2 ? INFLIGHT : SENT_INFLIGHT),
    receiveMaximum: config.receiveMaximum ?? (defaults.inflightMax || INFLIGHT),
    sessionExpirySeconds: config.sessionExpirySeconds ?? NEVER,
    hopsMax: config.hopsMax,
    bounds: defaults.bounds,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  }
}

/** Before MQTT 5 the remote cannot be told, and would be cut for what it does not know. */
function incomingBytesMax(
  { maxPacketBytes }: BridgeConfig,
  version: Version,
  { packetBytesMax }: BridgeDefaults,
): number {
  return version < 5 || maxPacketBytes === 0
    ? packetBytesMax
    : Math.min(maxPacketBytes, packetBytesMax)
}

function checkTopics(config: BridgeConfig, { topicLevelsMax }: Bounds): void {
  for (const { pattern, localPrefix, remotePrefix } of config.topics) {
    for (const prefix of [localPrefix, remotePrefix])
      if (/[+#]/.test(prefix)) throw fault(config, `prefix "${prefix}" has a wildcard.`)
    const local = localPrefix + pattern
    for (const filter of [local, remotePrefix + pattern]) {
      const problem = topicFilterProblem(filter, filter === local ? topicLevelsMax : undefined)
      if (problem !== null) throw fault(config, `topic "${filter}": ${problem}.`)
      checkText(config, 'topic', filter)
    }
  }
}

/** A packet must be able to hold it: what cannot be encoded would end the broker, not the bridge. */
function checkText(config: BridgeConfig, what: string, text: string): void {
  try {
    stringLength(text)
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error
    throw fault(config, `${what} cannot be in a packet: ${error.message}.`)
  }
}

/** Where the state is told. A client id, or the name of a connection, may have what no topic may. */
function notificationTopicOf(config: BridgeConfig, remoteClientId: string): string {
  const { notifications, notificationTopic } = config
  const topic = notificationTopic ?? `$SYS/broker/connection/${remoteClientId}/state`
  if (!notifications) return topic
  checkText(config, 'notification topic', topic)
  const problem = topicNameProblem(topic)
  if (problem === null) return topic
  const advice = 'Give another "notification_topic", or "notifications false".'
  throw fault(config, `notification topic "${topic}": ${problem}. ${advice}`)
}

function restartOf({ baseSeconds, capSeconds, stableSeconds }: RestartTimeout): RestartDelay {
  const baseMs = baseSeconds * 1000
  return { baseMs, capMs: capSeconds * 1000, stableMs: (stableSeconds ?? capSeconds) * 1000 }
}

function addressOf(
  config: BridgeConfig,
  { host, port, url }: BridgeAddress,
  options: NodeConnectOptions,
): RemoteAddress {
  const name = url ?? `${host}:${port}`
  const scheme = hasTls(config) ? 'mqtts' : 'mqtt'
  const place = host.includes(':') ? `[${host}]` : host
  try {
    return { name, dial: dialUrl(url ?? `${scheme}://${place}:${port}`, options) }
  } catch (error) {
    throw fault(config, `address "${name}": ${(error as Error).message}.`)
  }
}

/** As in mosquitto: authorities or a key that both sides know make it TLS. A URL says it by its scheme. */
function hasTls({ caFile, caDirectory, useOsCertificates, psk }: BridgeConfig): boolean {
  return caFile !== null || caDirectory !== null || useOsCertificates || psk !== null
}

function dialOptionsOf(config: BridgeConfig, version: Version): NodeConnectOptions {
  const { bindAddress, tcpKeepAlive } = config
  return {
    version,
    ...(bindAddress !== null && { localAddress: bindAddress }),
    ...(tcpKeepAlive !== null && { tcpKeepAliveSeconds: tcpKeepAlive.idleSeconds }),
    tls: tlsOf(config),
  }
}

/** What TLS needs, files read. @throws ConfigError */
export function tlsOf(config: BridgeConfig): TlsOptions {
  const { certificateFile, keyFile, ciphers, ciphersTls13, alpn, pskIdentity, psk } = config
  const authorities = authoritiesOf(config)
  const suites = [ciphersTls13, ciphers].filter((list) => list !== null).join(':')
  return {
    ...(authorities.length > 0 && { ca: authorities }),
    ...(certificateFile !== null && { cert: read(config, 'bridge_certfile', certificateFile) }),
    ...(keyFile !== null && { key: read(config, 'bridge_keyfile', keyFile) }),
    ...(suites !== '' && { ciphers: suites }),
    ...(alpn !== null && { alpn: [alpn] }),
    ...(psk !== null &&
      pskIdentity !== null && { psk: { identity: pskIdentity, key: keyOf(config, psk) } }),
    minVersion: config.tlsVersion === 'tlsv1.3' ? 'TLSv1.3' : 'TLSv1.2',
    verifyName: !config.insecure,
  }
}

function keyOf(config: BridgeConfig, hex: string): Uint8Array {
  if (!/^([0-9a-f]{2})+$/i.test(hex))
    throw fault(config, '"bridge_psk" must be an even number of hexadecimal digits.')
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

function read(config: BridgeConfig, option: string, file: string): string {
  try {
    return readWhole(file).toString('utf8')
  } catch (error) {
    throw fault(config, `"${option} ${file}" cannot be read: ${(error as Error).message}.`)
  }
}

function authoritiesOf(config: BridgeConfig): string[] {
  const { caFile, caDirectory, useOsCertificates } = config
  const found: string[] = []
  if (caFile !== null) found.push(authoritiesIn(config, caFile))
  if (caDirectory !== null) found.push(...directoryOf(config, caDirectory))
  if (useOsCertificates) found.push(read(config, 'bridge_tls_use_os_certs', SYSTEM_AUTHORITIES))
  return found
}

function authoritiesIn(config: BridgeConfig, file: string): string {
  const text = read(config, 'bridge_cafile', file)
  const problem = authoritiesProblem(text)
  if (problem !== null) throw fault(config, `"bridge_cafile ${file}" cannot be used: ${problem}.`)
  return text
}

function directoryOf(config: BridgeConfig, directory: string): string[] {
  try {
    return filesIn(directory)
      .map((path) => read(config, 'bridge_capath', path))
      .filter((text) => text.includes('BEGIN CERTIFICATE'))
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw fault(config, `"bridge_capath ${directory}" cannot be read: ${(error as Error).message}.`)
  }
}

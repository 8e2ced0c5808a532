/** What `connect` takes, and what becomes of it. */
import type { Random } from '../base/random.ts'
import {
  PacketType,
  type ConnectPacket,
  type Packet,
  type Properties,
  type Qos,
  type Version,
  type WillPacket,
} from '../codec/packets.ts'
import { checkPacket } from './check-packet.ts'
import { MqttError } from './errors.ts'
import type { Message } from './message.ts'

/** Called with each message. A promise it returns is waited for before the message is acknowledged. */
export type MessageHandler = (message: Message) => void | Promise<void>

export interface Will {
  topic: string
  /** A string is sent as UTF-8. */
  payload?: string | Uint8Array
  /** Absent: 0. */
  qos?: Qos
  retain?: boolean
  /** MQTT 5.0, `willDelaySeconds` among them. */
  properties?: Properties
}

/** The n-th attempt waits `min(maxMs, minMs * 2^(n-1))`, less a random share of up to `jitter` of it. */
export interface ReconnectOptions {
  /** Absent: 500. */
  minMs?: number
  /** Absent: 30,000. */
  maxMs?: number
  /** 0 to 1, absent: 0.5. Keeps a thousand clients from returning in the same instant. */
  jitter?: number
  /** Also when the first attempt fails: `connect` then waits as long as it takes. Absent: false. */
  first?: boolean
}

/** MQTT 5.0's enhanced authentication (4.12): who proves what, and how, is this method's. */
export interface Authenticator {
  /** Authentication Method, such as `SCRAM-SHA-256`. */
  readonly method: string
  /** The data of CONNECT, or of the AUTH that begins a re-authentication. */
  start?(): Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** Answers the server's AUTH; what it throws ends the connection. */
  respond(challenge: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** The server's last words, with its success; throw if they prove nothing. */
  finish?(data: Uint8Array | undefined): void
}

export interface ConnectOptions {
  /** 5 is MQTT 5.0, 4 is 3.1.1, 3 is 3.1. Absent: 5. */
  version?: Version
  /** Absent: made up, and kept as long as the client lives. Empty: the server makes one up. */
  clientId?: string
  /** Absent: true. In 3.x, false asks for a session that outlives the connection. */
  cleanStart?: boolean
  /** 0 to 65535, 0: no pings. Absent: 60. The server may have the last word (MQTT 5.0). */
  keepAliveSeconds?: number
  username?: string
  password?: string | Uint8Array
  will?: Will
  /** MQTT 5.0: how long the server keeps the session without a connection; 0xFFFFFFFF: for good. Absent: 0. */
  sessionExpirySeconds?: number
  /** MQTT 5.0: how many unacknowledged messages the server may send, 1 to 65535. Absent: 1,000. */
  receiveMaximum?: number
  /** The largest packet that is taken, bytes; the server is told (MQTT 5.0). Absent: what MQTT can carry. */
  maximumPacketSize?: number
  /** MQTT 5.0: how many topic aliases the server may use. Absent: 0. */
  topicAliasMaximum?: number
  /** MQTT 5.0: how many topic aliases are used for what is published, as far as the server allows. Absent: 0. */
  topicAliases?: number
  /** MQTT 5.0: further properties of CONNECT. */
  properties?: Properties
  /** How to come back after a lost connection; false: not at all. */
  reconnect?: ReconnectOptions | false
  /** From the start of an attempt until the server has accepted. Absent: 30,000; 0: no limit. */
  connectTimeoutMs?: number
  /** Unacknowledged messages that are under way to the server, if it sets no lower bound. Absent: 1,000. */
  inflightMax?: number
  /** Messages that wait to be sent, or for an acknowledgement; more are refused. Absent: 100,000. */
  outgoingMessagesMax?: number
  /** Their bytes. Absent: 64 MiB. */
  outgoingBytesMax?: number
  /** Messages that wait in iterators until reading pauses. Absent: 1,000. */
  incomingMessagesMax?: number
  /** Their bytes. Absent: 16 MiB. */
  incomingBytesMax?: number
  /** Gets the messages that no subscription of this client takes. */
  onMessage?: MessageHandler
  /** Sees every packet, for logs and tests. It costs: every packet becomes an object. */
  onPacket?: (direction: 'in' | 'out', packet: Packet) => void
  authenticate?: Authenticator
  /** Ends the client: at once, wherever it stands. */
  signal?: AbortSignal
}

/** {@link ConnectOptions} with every blank filled in. */
export interface Settings {
  readonly version: Version
  readonly clientId: string
  readonly cleanStart: boolean
  readonly keepAliveSeconds: number
  readonly username: string | null
  readonly password: Uint8Array | null
  readonly will: WillPacket | null
  /** Of CONNECT, all of them. */
  readonly properties: Properties
  readonly packetBytesMax: number
  readonly topicAliasMaximum: number
  readonly topicAliases: number
  readonly reconnect: Required<ReconnectOptions> | null
  readonly connectTimeoutMs: number
  readonly inflightMax: number
  readonly outgoingMessagesMax: number
  readonly outgoingBytesMax: number
  readonly incomingMessagesMax: number
  readonly incomingBytesMax: number
  readonly onMessage: MessageHandler | null
  readonly onPacket: ConnectOptions['onPacket'] | null
  readonly authenticate: Authenticator | null
}

const RECEIVE_MAXIMUM = 1_000
const PACKET_BYTES_MAX = 268_435_460
const encoder = new TextEncoder()

export function toBytes(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? encoder.encode(data) : data
}

function invalid(message: string): never {
  throw new MqttError('INVALID', message)
}

/** Throws MqttError `INVALID` unless `value` is a whole number of the range. */
function checked(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  return invalid(`${name} is ${value}, it must be a whole number from ${min} to ${max}`)
}

/** The same of a bound, where Infinity is none. */
function checkBound(name: string, value: number): void {
  if (value !== Infinity) checked(name, value, 0, Number.MAX_SAFE_INTEGER)
}

function willOf(will: Will | undefined): WillPacket | null {
  if (will === undefined) return null
  const { topic, payload = '', qos = 0, retain = false, properties = {} } = will
  return { topic, payload: toBytes(payload), qos, retain, properties }
}

/** MQTT 5.0, 2.2.2.2: only what differs from the value that a missing property stands for. */
function connectProperties(options: ConnectOptions): Properties {
  const properties: Properties = { receiveMaximum: RECEIVE_MAXIMUM, ...options.properties }
  const { receiveMaximum, maximumPacketSize, sessionExpirySeconds, topicAliasMaximum } = options
  if (receiveMaximum !== undefined) properties.receiveMaximum = receiveMaximum
  if (maximumPacketSize !== undefined) properties.maximumPacketSize = maximumPacketSize
  if (sessionExpirySeconds !== undefined) properties.sessionExpirySeconds = sessionExpirySeconds
  if (topicAliasMaximum !== undefined) properties.topicAliasMaximum = topicAliasMaximum
  checked('receiveMaximum', properties.receiveMaximum ?? 1, 1, 0xffff)
  checked('maximumPacketSize', properties.maximumPacketSize ?? 1, 1, 0xffff_ffff)
  checked('sessionExpirySeconds', properties.sessionExpirySeconds ?? 0, 0, 0xffff_ffff)
  checked('topicAliasMaximum', properties.topicAliasMaximum ?? 0, 0, 0xffff)
  if (properties.receiveMaximum === 0xffff) delete properties.receiveMaximum
  if (options.authenticate !== undefined)
    properties.authenticationMethod = options.authenticate.method
  return properties
}

const ID_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** `mozzie` and 14 letters and digits: within what every version must accept [MQTT-3.1.3-5]. */
function makeClientId(random: Random): string {
  const bytes = new Uint8Array(14)
  random.fill(bytes)
  let id = 'mozzie'
  for (const byte of bytes) id += ID_LETTERS[byte % ID_LETTERS.length]
  return id
}

function reconnectOf(options: ConnectOptions['reconnect']): Settings['reconnect'] {
  if (options === false) return null
  const { minMs = 500, maxMs = 30_000, jitter = 0.5, first = false } = options ?? {}
  if (!(jitter >= 0 && jitter <= 1)) invalid(`reconnect.jitter is ${jitter}, not within 0 and 1`)
  return {
    minMs: checked('reconnect.minMs', minMs, 0, 0x7fff_ffff),
    maxMs: checked('reconnect.maxMs', maxMs, 0, 0x7fff_ffff),
    jitter,
    first,
  }
}

const DEFAULTS = {
  version: 5 as Version,
  cleanStart: true,
  keepAliveSeconds: 60,
  username: null,
  topicAliases: 0,
  connectTimeoutMs: 30_000,
  inflightMax: 1_000,
  outgoingMessagesMax: 100_000,
  outgoingBytesMax: 64 * 2 ** 20,
  incomingMessagesMax: 1_000,
  incomingBytesMax: 16 * 2 ** 20,
  onMessage: null,
  onPacket: null,
  authenticate: null,
}

const BOUNDS = [
  'connectTimeoutMs',
  'outgoingMessagesMax',
  'outgoingBytesMax',
  'incomingMessagesMax',
  'incomingBytesMax',
] as const

/** An option that is there but undefined counts as absent. */
function filled(options: ConnectOptions) {
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as ConnectOptions
  return { ...DEFAULTS, ...given }
}

function checkVersion(options: ConnectOptions, version: Version, clientId: string): void {
  if (version !== 3 && version !== 4 && version !== 5) invalid(`version ${String(version)}`)
  if (version === 5) return
  if (clientId === '' && options.cleanStart === false)
    invalid('a session that outlives the connection needs a clientId')
  if (clientId === '' && version === 3) invalid('MQTT 3.1 needs a clientId')
  if (options.password !== undefined && options.username === undefined)
    invalid('a password without a username is possible in MQTT 5.0 only')
  if (options.authenticate !== undefined)
    invalid('enhanced authentication is possible in MQTT 5.0 only')
}

/** Throws MqttError `INVALID` on what MQTT, or the chosen version of it, does not allow. */
export function settingsOf(options: ConnectOptions, random: Random): Settings {
  const all = filled(options)
  const { version, clientId = makeClientId(random) } = all
  checkVersion(options, version, clientId)
  checked('keepAliveSeconds', all.keepAliveSeconds, 0, 0xffff)
  checked('topicAliases', all.topicAliases, 0, 0xffff)
  checked('inflightMax', all.inflightMax, 1, 0xffff)
  for (const name of BOUNDS) checkBound(name, all[name])
  const properties = version === 5 ? connectProperties(options) : {}
  const { maximumPacketSize, topicAliasMaximum = 0 } = properties
  const settings = {
    ...all,
    clientId,
    properties,
    password: all.password === undefined ? null : toBytes(all.password),
    will: willOf(all.will),
    packetBytesMax: all.maximumPacketSize ?? maximumPacketSize ?? PACKET_BYTES_MAX,
    topicAliasMaximum,
    reconnect: reconnectOf(all.reconnect),
  }
  checkPacket(version, connectPacket(settings), 'cannot connect')
  return settings
}

/** The CONNECT that the settings ask for. */
export function connectPacket(settings: Settings): ConnectPacket {
  const { version, cleanStart, keepAliveSeconds, clientId } = settings
  const { will, username, password, properties } = settings
  return {
    type: PacketType.connect,
    version,
    bridge: false,
    cleanStart,
    keepAliveSeconds,
    clientId,
    will,
    username,
    password,
    properties,
  }
}

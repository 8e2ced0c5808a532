/** What a command line of `mozzie pub|sub|rr` asks for. */
import type { Properties, Qos, Version } from '../../codec/packets.ts'

export type Tool = 'pub' | 'sub' | 'rr'

/** Packets that `-D` may give properties to. */
export type PropertyTarget =
  'connect' | 'publish' | 'subscribe' | 'unsubscribe' | 'disconnect' | 'will'

/** Where the payload comes from. */
export type MessageSource =
  | { readonly kind: 'text'; readonly payload: Uint8Array }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'null' }
  | { readonly kind: 'stdin' }
  /** `ownTopics`: each line begins with its topic and a blank. */
  | { readonly kind: 'lines'; readonly ownTopics: boolean }

/** How payloads are written (pub, rr) or read (sub, rr). */
export type PayloadFormat = 'raw' | 'cbor' | 'msgpack' | 'json' | 'hex' | 'base64'

export interface ProxySettings {
  readonly host: string
  readonly port: number
  readonly username: string | null
  readonly password: string | null
}

export interface TlsSettings {
  caFile: string | null
  caPath: string | null
  certFile: string | null
  keyFile: string | null
  keyForm: string | null
  ciphers: string | null
  alpn: string | null
  version: string | null
  engine: string | null
  engineKeyPassSha1: string | null
  keyLogFile: string | null
  osCerts: boolean
  insecure: boolean
  /** `--no-tls`: port 8883 alone does not switch TLS on. */
  disabled: boolean
  /** Hexadecimal digits. */
  psk: string | null
  pskIdentity: string | null
}

export interface Settings {
  readonly tool: Tool
  action: 'run' | 'help' | 'version'
  optionsFile: string | null

  host: string | null
  port: number | null
  bindAddress: string | null
  unixPath: string | null
  webSocket: boolean
  srv: boolean
  proxy: ProxySettings | null
  readonly tls: TlsSettings

  version: Version
  clientId: string | null
  clientIdPrefix: string | null
  cleanStart: boolean
  keepAliveSeconds: number
  /** Of `-x`; null when it is not given. */
  sessionExpirySeconds: number | null
  username: string | null
  password: Uint8Array | null
  /** `--scram`: the password is proved, not sent. */
  scram: 'SHA-256' | 'SHA-512' | null
  inflightMax: number
  will: { topic: string | null; payload: Uint8Array | null; qos: Qos; retain: boolean }
  readonly properties: Record<PropertyTarget, Properties>
  /** Packets that got a property twice which they may carry once. */
  readonly repeatedProperties: Set<PropertyTarget>

  /** `-d`: packets that come and go, on standard output. */
  debug: boolean
  quiet: boolean
  qos: Qos

  /** Of pub and rr. */
  topic: string | null
  message: MessageSource | null
  retain: boolean
  repeatCount: number
  repeatDelayMs: number
  responseTopic: string | null

  /** Of sub. */
  readonly filters: string[]
  readonly filtersOut: string[]
  readonly unsubscribes: string[]
  messageCountMax: number | null
  timeoutSeconds: number | null
  exitAfterSubscribe: boolean
  noRetained: boolean
  retainedOnly: boolean
  removeRetained: boolean
  retainAsPublished: boolean
  retainHandling: 0 | 1 | 2
  /** Percent of messages that are printed. */
  randomFilter: number

  output: 'text' | 'jsonl'
  format: string | null
  verbose: boolean
  newline: boolean
  pretty: boolean
  watch: boolean
  messageRate: boolean
  latency: boolean
  /** `--exec`: the program and its words. */
  command: readonly string[] | null
  payloadFormat: PayloadFormat
}

/** Settings that cannot be. `message` is the error in mosquitto's words, `hint` says more. */
export class SettingError extends Error {
  readonly hint: string

  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

export const NEVER_EXPIRES = 0xffff_ffff

function defaultTls(): TlsSettings {
  return {
    caFile: null,
    caPath: null,
    certFile: null,
    keyFile: null,
    keyForm: null,
    ciphers: null,
    alpn: null,
    version: null,
    engine: null,
    engineKeyPassSha1: null,
    keyLogFile: null,
    osCerts: false,
    insecure: false,
    disabled: false,
    psk: null,
    pskIdentity: null,
  }
}

/** What a tool does when it is not told otherwise. */
export function defaultSettings(tool: Tool): Settings {
  return {
    tool,
    action: 'run',
    optionsFile: null,
    host: null,
    port: null,
    bindAddress: null,
    unixPath: null,
    webSocket: false,
    srv: false,
    proxy: null,
    tls: defaultTls(),
    version: tool === 'rr' ? 5 : 4,
    clientId: null,
    clientIdPrefix: null,
    cleanStart: true,
    keepAliveSeconds: 60,
    sessionExpirySeconds: null,
    username: null,
    password: null,
    scram: null,
    inflightMax: 20,
    will: { topic: null, payload: null, qos: 0, retain: false },
    properties: {
      connect: {},
      publish: {},
      subscribe: {},
      unsubscribe: {},
      disconnect: {},
      will: {},
    },
    repeatedProperties: new Set(),
    debug: false,
    quiet: false,
    qos: 0,
    topic: null,
    message: null,
    retain: false,
    repeatCount: 1,
    repeatDelayMs: 0,
    responseTopic: null,
    filters: [],
    filtersOut: [],
    unsubscribes: [],
    messageCountMax: null,
    timeoutSeconds: null,
    exitAfterSubscribe: false,
    noRetained: false,
    retainedOnly: false,
    removeRetained: false,
    retainAsPublished: false,
    retainHandling: 0,
    randomFilter: 100,
    output: 'text',
    format: null,
    verbose: false,
    newline: true,
    pretty: false,
    watch: false,
    messageRate: false,
    latency: false,
    command: null,
    payloadFormat: 'raw',
  }
}

/**
 * What `mozzie/client` is in Node: MQTT over TCP, TLS, unix sockets and WebSocket. In the browser it is `web.ts`.
 */
import { randomFillSync } from 'node:crypto'
import { connect as connectSocket, isIP, type Socket } from 'node:net'
import { namesOf } from '../base/option-names.ts'
import { loopbackAddresses } from '../base/loopback.ts'
import { CONNECT_NAMES, checkNames, connectOptions } from './check-names.ts'
import { MqttClient } from './client.ts'
import { dialFresh, FRESH_NAMES, loginOf, type AskOptions, type FreshOptions } from './fresh.ts'
import { dialFirst, dialLater, orAborted } from './late-wire.ts'
import { SocketWire, sharedRead } from './node-socket.ts'
import type { OwnSide } from './node-tls.ts'
import type { ConnectOptions } from './options.ts'
import type { Dial, Runtime } from './ports.ts'
import type { TlsOptions } from './tls-options.ts'
import { parseUrl, type Address } from './url.ts'

export { MqttClient } from './client.ts'
export type { EndOptions } from './client.ts'
export {
  ConnectionRefusedError,
  DisconnectedError,
  MqttError,
  PublishRefusedError,
  SubscribeRefusedError,
} from './errors.ts'
export type { ErrorCode } from './errors.ts'
export type { AskOptions, FreshOptions } from './fresh.ts'
export { Message } from './message.ts'
export type {
  ClientEvents,
  ClientState,
  ClientStats,
  ConnectInfo,
  DisconnectInfo,
  PublishResult,
} from './model.ts'
export type {
  Authenticator,
  ConnectOptions,
  MessageHandler,
  ReconnectOptions,
  Will,
} from './options.ts'
export type { PublishOptions } from './publishing.ts'
export { scram } from './scram.ts'
export type { ScramLogin } from './scram.ts'
export type { RequestOptions } from './request.ts'
export type {
  Filter,
  FilterOptions,
  MessageStream,
  PendingStream,
  SubscribeOptions,
  Subscription,
} from './subscription.ts'
export type { TlsOptions } from './tls-options.ts'
export type { WebConnectOptions } from './web.ts'
export type { Packet, Properties, Qos, Version } from '../codec/packets.ts'

/** {@link ConnectOptions}, and what only Node can do. */
export interface NodeConnectOptions extends ConnectOptions {
  /** For `mqtts` and `wss`. */
  tls?: TlsOptions
  /** `socks5h://`, `socks5://` or `http://`, `[user[:password]@]host[:port]`. */
  proxy?: string
  /** The address of this machine to connect from, or a name of it. */
  localAddress?: string
  /** Seconds of silence after which the system asks whether the peer is there. Absent: it does not ask. */
  tcpKeepAliveSeconds?: number
  /** Headers of the WebSocket's upgrade request. */
  headers?: Readonly<Record<string, string>>
  /**
   * Called before each connection, the first one included; what it gives, or resolves to, takes the place of the URL and of
   * these options for that connection. What it throws is an attempt that failed.
   */
  options?: AskOptions<NodeFreshOptions>
}

/** What {@link NodeConnectOptions.options} may give. */
export type NodeFreshOptions = FreshOptions &
  Pick<NodeConnectOptions, 'tls' | 'proxy' | 'localAddress' | 'tcpKeepAliveSeconds' | 'headers'>

const OF_NODE = {
  tls: true,
  proxy: true,
  localAddress: true,
  tcpKeepAliveSeconds: true,
  headers: true,
} as const
const NAMES = namesOf<NodeConnectOptions>({ ...CONNECT_NAMES, ...OF_NODE, options: true })
const FRESH = namesOf<NodeFreshOptions>({ ...FRESH_NAMES, ...OF_NODE })
const TLS_NAMES = namesOf<TlsOptions>({
  ca: true,
  cert: true,
  key: true,
  passphrase: true,
  serverName: true,
  verify: true,
  verifyName: true,
  alpn: true,
  ciphers: true,
  minVersion: true,
  maxVersion: true,
  psk: true,
  onKeyLog: true,
})

/** Timers, time and chance of Node, for {@link dialUrl}'s callers. */
export const nodeRuntime: Runtime = {
  random: {
    fill: (bytes) => void randomFillSync(bytes),
    unit: () => Math.random(),
  },
  // Not `performance`: the first use of it costs a millisecond, which is much of a `mozzie pub`.
  monotonicMs: () => {
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1e3 + nanoseconds / 1e6
  },
  setTimer: (delayMs, fire) => setTimeout(fire, Math.min(delayMs, 0x7fff_ffff)),
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
  soon: (call) => void setImmediate(call),
}

/** Of `net.connect`, what is about our side. */
function ownSide({ localAddress, tcpKeepAliveSeconds }: NodeConnectOptions): OwnSide {
  return {
    ...(localAddress !== undefined && { localAddress }),
    ...(tcpKeepAliveSeconds !== undefined && {
      keepAlive: true,
      keepAliveInitialDelay: tcpKeepAliveSeconds * 1000,
    }),
  }
}

/** Plain TCP and unix sockets, the shortest way: nothing is loaded for it. */
function dialSocket(address: Address, host: string, options: NodeConnectOptions): Dial {
  const { port, path } = address
  const own = ownSide(options)
  return (events) => {
    const onread = sharedRead(events)
    const socket =
      address.transport === 'unix'
        ? connectSocket({ path, onread })
        : connectSocket({ host, port, onread, ...own })
    return new SocketWire(socket, events, 'connect', true)
  }
}

async function throughProxy(
  { host, port }: Address,
  proxy: string,
  own: OwnSide,
  signal: AbortSignal,
): Promise<Socket> {
  const { connectThrough, parseProxy } = await import('./node-proxy.ts')
  return connectThrough(parseProxy(proxy), host, port, own, signal)
}

function dialThrough(address: Address, host: string, options: NodeConnectOptions): Dial {
  const { port } = address
  const { proxy, tls = {} } = options
  const own = ownSide(options)
  return dialLater(async (signal) => {
    const { connectTls } = await import('./node-tls.ts')
    const socket = proxy === undefined ? null : await throughProxy(address, proxy, own, signal)
    if (socket !== null && !address.tls)
      return (events) => new SocketWire(socket, events, null, false)
    return (events) => {
      const secured = connectTls({ name: address.host, host, port }, tls, socket, own)
      return new SocketWire(secured, events, 'secureConnect', false)
    }
  })
}

function dialWebSocket(address: Address, host: string, options: NodeConnectOptions): Dial {
  const { host: name, port, path } = address
  const { proxy, tls = {}, headers = {}, version = 5 } = options
  const own = ownSide(options)
  const written = name.includes(':') ? `[${name}]` : name
  const url = `${address.tls ? 'wss' : 'ws'}://${written}:${port}${path}`
  return dialLater(async (signal) => {
    const [{ openWebSocket }, { connectTls }] = await Promise.all([
      import('./node-websocket.ts'),
      import('./node-tls.ts'),
    ])
    const plain = proxy === undefined ? null : await throughProxy(address, proxy, own, signal)
    return (events) => {
      const socket = address.tls
        ? connectTls({ name, host, port }, tls, plain, own)
        : (plain ?? connectSocket({ host, port, ...own }))
      return openWebSocket({ url, version, headers, socket }, events)
    }
  })
}

/** The way to a server without a client on it, for who speaks MQTT itself. Throws MqttError `INVALID`. */
export function dialUrl(url: string, options: NodeConnectOptions = {}): Dial {
  return dialOf(parseUrl(url), options)
}

function dialOf(address: Address, options: NodeConnectOptions): Dial {
  const { proxy, localAddress } = options
  if (localAddress !== undefined && isIP(localAddress) === 0)
    return dialFrom(address, localAddress, options)
  // What a proxy makes of a name is its affair.
  const own = proxy === undefined ? loopbackAddresses(address.host, localAddress) : null
  if (own === null) return dialHost(address, address.host, options)
  return dialFirst(own.map((host) => dialHost(address, host, options)))
}

/** From the addresses that a name of this machine stands for. */
function dialFrom(address: Address, localName: string, options: NodeConnectOptions): Dial {
  return dialLater(async (signal) => {
    const { addressesOf, ofFamilyOf } = await import('./node-names.ts')
    const found = await orAborted(addressesOf(localName), signal)
    const fitting = ofFamilyOf(address.host, found)
    return dialFirst(fitting.map((localAddress) => dialOf(address, { ...options, localAddress })))
  })
}

/** `host`: where to dial, as far as nobody in between does it; a certificate is for the name in `address`. */
function dialHost(address: Address, host: string, options: NodeConnectOptions): Dial {
  if (address.transport === 'websocket') return dialWebSocket(address, host, options)
  if (address.tls || options.proxy !== undefined) return dialThrough(address, host, options)
  return dialSocket(address, host, options)
}

/**
 * A client that begins to connect, for programs that want to listen to its events from the start; `ready` settles with the
 * first connection. Throws MqttError `INVALID` on a URL or an option that cannot be.
 */
export function createClient(url: string, given: NodeConnectOptions = {}): MqttClient {
  const address = parseUrl(url)
  const options = connectOptions(given, NAMES)
  checkNames('tls', options.tls, TLS_NAMES)
  const { options: ask } = options
  const dialFreshly = (to: Address, all: NodeFreshOptions): Dial => {
    checkNames('tls', all.tls, TLS_NAMES)
    return dialOf(to, all)
  }
  const dial =
    ask === undefined ? dialOf(address, options) : dialFresh(url, options, ask, FRESH, dialFreshly)
  return new MqttClient({ ...options, ...loginOf(address, options) }, nodeRuntime, dial)
}

/**
 * Connects to `url`: `mqtt://[user[:password]@]host[:port]`, `mqtts://`, `ws://host[:port][/path]`, `wss://`,
 * `unix:///path`. Rejects with MqttError `CONNECT` (unreachable), `TIMEOUT`, `INVALID`, or ConnectionRefusedError with the
 * server's reason.
 */
export async function connect(url: string, options: NodeConnectOptions = {}): Promise<MqttClient> {
  return createClient(url, options).ready
}

/**
 * What `mozzie/client` is in the browser, or a worker of it: MQTT over the platform's own WebSocket. Only globals are
 * used.
 */
import { namesOf } from '../base/option-names.ts'
import { CONNECT_NAMES, connectOptions } from './check-names.ts'
import { MqttClient } from './client.ts'
import { MqttError } from './errors.ts'
import { dialFresh, FRESH_NAMES, loginOf, type AskOptions, type FreshOptions } from './fresh.ts'
import type { ConnectOptions } from './options.ts'
import type { Dial, Runtime, Wire, WireEvents } from './ports.ts'
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
export type { Packet, Properties, Qos, Version } from '../codec/packets.ts'

/** {@link ConnectOptions}, and where they may come from. */
export interface WebConnectOptions extends ConnectOptions {
  /**
   * Called before each connection, the first one included; what it gives, or resolves to, takes the place of the URL and of
   * these options for that connection. What it throws is an attempt that failed.
   */
  options?: AskOptions<FreshOptions>
}

const NAMES = namesOf<WebConnectOptions>({ ...CONNECT_NAMES, options: true })
const FRESH = namesOf<FreshOptions>(FRESH_NAMES)

interface SocketEvents {
  error: unknown
  open: unknown
  close: { readonly code: number; readonly reason: string }
  message: { readonly data: unknown }
}

/** What is used of the platform; the types of the DOM would bring its names into every file. */
interface BrowserSocket {
  binaryType: string
  readonly readyState: number
  readonly bufferedAmount: number
  addEventListener<Name extends keyof SocketEvents>(
    name: Name,
    listener: (event: SocketEvents[Name]) => void,
  ): void
  send(data: Uint8Array): void
  close(code?: number): void
}

interface Platform {
  WebSocket: new (url: string, protocol: string) => BrowserSocket
  crypto: { getRandomValues(bytes: Uint8Array): unknown }
  performance: { now(): number }
  setTimeout(call: () => void, delayMs: number): number
  clearTimeout(timer: number): void
  queueMicrotask(call: () => void): void
}

const platform = globalThis as unknown as Platform

const runtime: Runtime = {
  random: {
    fill: (bytes) => void platform.crypto.getRandomValues(bytes),
    unit: () => Math.random(),
  },
  monotonicMs: () => platform.performance.now(),
  setTimer: (delayMs, fire) => platform.setTimeout(fire, Math.min(delayMs, 0x7fff_ffff)),
  clearTimer: (timer) => platform.clearTimeout(timer as number),
  soon: (call) => platform.queueMicrotask(call),
}

const OPEN = 1
const HIGH_WATER_BYTES = 256 * 1024
/** `close`, which knows more, comes at once where it comes. */
const CLOSE_AFTER_ERROR_MS = 100
/** A WebSocket has no event for "sent", so it is asked. */
const DRAIN_POLL_MS = 5

const SUBPROTOCOLS = { 3: 'mqttv3.1', 4: 'mqtt', 5: 'mqtt' } as const

/** Reading cannot be paused here: what comes too fast is bounded by the receive maximum, and dropped at QoS 0. */
class BrowserWire implements Wire {
  private readonly socket: BrowserSocket
  private readonly events: WireEvents
  private error: Error | null = null
  private isClosed = false

  constructor(url: string, protocol: string, events: WireEvents) {
    const socket = new platform.WebSocket(url, protocol)
    this.socket = socket
    this.events = events
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('open', () => events.opened())
    socket.addEventListener('message', ({ data }) => this.onData(data))
    // Says nothing; `close` follows, but not in Node 22 when the connection fails.
    socket.addEventListener('error', () => {
      platform.setTimeout(() => {
        this.error ??= new Error(`the WebSocket to ${url} failed`)
        this.closed()
      }, CLOSE_AFTER_ERROR_MS)
    })
    socket.addEventListener('close', ({ code, reason }) => {
      // Browsers do not say why: not what a page may learn about networks.
      if (code !== 1000 && code !== 1005)
        this.error ??= new Error(`the WebSocket to ${url} closed (${code}) ${reason}`.trim())
      this.closed()
    })
  }

  write(bytes: Uint8Array, length: number): boolean {
    const { socket } = this
    if (socket.readyState !== OPEN) return true
    socket.send(bytes.subarray(0, length))
    if (socket.bufferedAmount <= HIGH_WATER_BYTES) return true
    this.pollDrain()
    return false
  }

  pause(): void {
    // Not possible.
  }

  resume(): void {
    // Was never paused.
  }

  end(): void {
    this.socket.close(1000)
  }

  /** The platform closes in its own time; the client is not kept waiting for it. */
  destroy(): void {
    this.socket.close()
    platform.queueMicrotask(() => this.closed())
  }

  private onData(data: unknown): void {
    if (this.isClosed) return
    if (data instanceof ArrayBuffer) {
      this.events.received(new Uint8Array(data), 0, data.byteLength)
      return
    }
    // [MQTT-6.0.0-1]: a text frame ends the connection.
    this.error = new Error('the server sent text over the WebSocket')
    this.destroy()
  }

  private pollDrain(): void {
    platform.setTimeout(() => {
      if (this.isClosed) return
      if (this.socket.bufferedAmount > HIGH_WATER_BYTES / 4) this.pollDrain()
      else this.events.drained()
    }, DRAIN_POLL_MS)
  }

  private closed(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.events.closed(this.error)
  }
}

function dialOf(address: Address, { version = 5 }: WebConnectOptions): Dial {
  if (address.transport !== 'websocket')
    throw new MqttError('INVALID', 'a browser connects by ws:// or wss:// only')
  const { tls, host, port, path } = address
  const name = host.includes(':') ? `[${host}]` : host
  const url = `${tls ? 'wss' : 'ws'}://${name}:${port}${path}`
  return (events) => new BrowserWire(url, SUBPROTOCOLS[version], events)
}

/**
 * A client that begins to connect, for programs that want to listen to its events from the start; `ready` settles with the
 * first connection. Throws MqttError `INVALID` on a URL or an option that cannot be.
 */
export function createClient(url: string, given: WebConnectOptions = {}): MqttClient {
  const address = parseUrl(url)
  const options = connectOptions(given, NAMES)
  const { options: ask } = options
  const dial =
    ask === undefined ? dialOf(address, options) : dialFresh(url, options, ask, FRESH, dialOf)
  return new MqttClient({ ...options, ...loginOf(address, options) }, runtime, dial)
}

/**
 * Connects to `ws://host[:port][/path]` or `wss://` (path: `/mqtt` if absent). Rejects with MqttError `CONNECT`
 * (unreachable), `TIMEOUT`, `INVALID`, or ConnectionRefusedError with the server's reason.
 */
export async function connect(url: string, options: WebConnectOptions = {}): Promise<MqttClient> {
  return createClient(url, options).ready
}

/** The client as its users see it. */
import { namesOf } from '../base/option-names.ts'
import { PacketType, type Properties, type Version } from '../codec/packets.ts'
import { onAbort } from './abort.ts'
import { reauthenticate } from './authenticating.ts'
import { checkNames } from './check-names.ts'
import { checkPacket } from './check-packet.ts'
import { cut, fail, open, say } from './connection.ts'
import { MqttError, endedError } from './errors.ts'
import { askForLife } from './keepalive.ts'
import type { Message } from './message.ts'
import {
  createCore,
  type ClientEvents,
  type ClientState,
  type ClientStats,
  type ConnectInfo,
  type Core,
  type PublishResult,
} from './model.ts'
import { settingsOf, type ConnectOptions, type MessageHandler } from './options.ts'
import type { Dial, Runtime } from './ports.ts'
import { publish, pump, type PublishOptions } from './publishing.ts'
import { settle } from './receiving.ts'
import { Requests, type RequestOptions } from './request.ts'
import { checkFilter, unwant } from './subscribing.ts'
import {
  subscribeStream,
  subscribeWith,
  type Filter,
  type PendingStream,
  type SubscribeOptions,
  type Subscription,
} from './subscription.ts'

export interface EndOptions {
  /** Absent: 0. 0x04 asks the server to publish the will (MQTT 5.0). */
  reason?: number
  /** Of DISCONNECT: another session expiry, a reason string, user properties (MQTT 5.0). */
  properties?: Properties
  /** How long messages under way may still be acknowledged. Absent: 5,000. */
  timeoutMs?: number
  /** Closes without DISCONNECT, at once: the server publishes the will. */
  force?: boolean
}

const END_MS = 5_000
const END_NAMES = namesOf<EndOptions>({
  reason: true,
  properties: true,
  timeoutMs: true,
  force: true,
})

/** One client: made by `connect` or `createClient`, and done after {@link end}. */
export class MqttClient {
  /** Settles with the first connection: rejects when there will be none. */
  readonly ready: Promise<this>
  private readonly core: Core
  private requests: Requests | null = null

  /** @internal */
  constructor(options: ConnectOptions, runtime: Runtime, dial: Dial) {
    const settings = settingsOf(options, runtime.random)
    const core = createCore(settings, runtime, dial, settle)
    core.output.onRested = () => pump(core)
    this.core = core
    const { signal } = options
    this.ready = new Promise((resolve, reject) => {
      core.opened = (error) => {
        if (error === null) resolve(this)
        else reject(signal?.aborted === true ? (signal.reason as Error) : error)
      }
    })
    // Who does not ask for it hears of it by the event `end`.
    this.ready.catch(() => undefined)
    const abort = (): void => cut(core)
    if (signal?.aborted === true) runtime.soon(abort)
    if (signal !== undefined) core.events.on('end', onAbort(signal, abort))
    open(core)
  }

  get state(): ClientState {
    return this.core.state
  }

  /** Given, made up, or assigned by the server. */
  get clientId(): string {
    return this.core.clientId
  }

  get version(): Version {
    return this.core.settings.version
  }

  /** What the server said when it accepted last; null before. */
  get info(): ConnectInfo | null {
    return this.core.info
  }

  get stats(): Readonly<ClientStats> {
    return this.core.stats
  }

  /** Messages that wait to be sent or to be acknowledged by the server. */
  get outgoingMessages(): number {
    return this.core.outgoingMessages
  }

  /** @returns what takes the listener away again. */
  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents[Name]) => void,
  ): () => void {
    return this.core.events.on(name, listener)
  }

  /**
   * Publishes. A string is sent as UTF-8; an array must not be changed before the promise settles. Resolves when the
   * message is done: at QoS 0 handed to the network (and not before the network takes it: await it to be slowed down), at
   * 1 with PUBACK, at 2 with PUBCOMP. While the connection is lost messages wait for the next one.
   *
   * Rejects with PublishRefusedError (the server's `reason`; also when the server closed each connection on which it came), or
   * MqttError `INVALID` (what no packet can carry), `QUEUE_FULL`, `SESSION_LOST`, `ENDED`, `CLOSED`.
   */
  publish(
    topic: string,
    payload: string | Uint8Array = '',
    options?: PublishOptions,
  ): Promise<PublishResult> {
    return publish(this.core, topic, payload, options)
  }

  /**
   * Subscribes. With a handler it is called for each message; without, iterate:
   *
   *     for await (const message of client.subscribe('a/#')) console.log(message.topic, message.text())
   *
   * Rejects with SubscribeRefusedError when the server refuses every filter, MqttError `INVALID` on a malformed one,
   * `UNSUPPORTED` on what the server has not.
   */
  subscribe(
    filters: Filter | readonly Filter[],
    options: SubscribeOptions & { onMessage: MessageHandler },
  ): Promise<Subscription>
  subscribe(filters: Filter | readonly Filter[], options?: SubscribeOptions): PendingStream
  subscribe(
    filters: Filter | readonly Filter[],
    options: SubscribeOptions & { onMessage?: MessageHandler } = {},
  ): PendingStream | Promise<Subscription> {
    const { onMessage } = options
    if (onMessage === undefined) return subscribeStream(this.core, filters, options)
    return subscribeWith(this.core, filters, options, onMessage)
  }

  /**
   * Sends UNSUBSCRIBE for filters that are no subscription of this object, such as those of a session from before. To end a
   * subscription of its own use its `unsubscribe`. Resolves to one reason code a filter (0 in 3.x).
   */
  unsubscribe(
    filters: string | readonly string[],
    properties: Properties = {},
  ): Promise<readonly number[]> {
    const list = Array.isArray(filters) ? (filters as readonly string[]) : [filters as string]
    return new Promise((done, failed) => {
      if (this.core.closing || this.core.state === 'ended') throw endedError()
      for (const filter of list) checkFilter(this.core, filter)
      const packet = { type: PacketType.unsubscribe, packetId: 1, filters: [...list], properties }
      checkPacket(this.version, packet, `cannot unsubscribe '${list[0]}'`)
      unwant(this.core, { filters: list, properties, done, failed })
    })
  }

  /** Publishes a request, MQTT 5.0, and resolves to the response. Rejects as `publish` does, and with `TIMEOUT`. */
  request(
    topic: string,
    payload: string | Uint8Array = '',
    options: RequestOptions = {},
  ): Promise<Message> {
    this.requests ??= new Requests(this.core)
    return this.requests.send(topic, payload, options)
  }

  /** Answers a request, by its response topic and correlation data. Rejects with `INVALID` when it has no response topic. */
  reply(
    request: Message,
    payload: string | Uint8Array = '',
    options: PublishOptions = {},
  ): Promise<PublishResult> {
    const { responseTopic, correlationData } = request.properties
    if (responseTopic === undefined) {
      const text = `the message on '${request.topic}' names no response topic`
      return Promise.reject(new MqttError('INVALID', text))
    }
    const correlation = correlationData === undefined ? {} : { correlationData }
    const properties = { ...options.properties, ...correlation }
    return publish(this.core, responseTopic, payload, { qos: request.qos, ...options, properties })
  }

  /**
   * Sends PINGREQ and resolves with PINGRESP, which proves that the server lives; it gives up only with the connection. Rejects
   * with MqttError `CLOSED` when there is no connection, or it is lost meanwhile.
   */
  ping(): Promise<void> {
    return askForLife(this.core)
  }

  /** Proves anew who we are, by the option `authenticate`. */
  reauthenticate(): Promise<void> {
    return reauthenticate(this.core, fail)
  }

  /**
   * Waits for what is under way, sends DISCONNECT, closes. Idempotent; resolves when the connection is gone. Rejects with
   * MqttError `INVALID` on a reason or property that DISCONNECT cannot have.
   */
  async end(options: EndOptions = {}): Promise<void> {
    const { core } = this
    if (typeof options !== 'object') throw new MqttError('INVALID', 'the options are no object')
    checkNames('', options, END_NAMES)
    if (core.state === 'ended') return
    const { reason = 0, properties = {}, timeoutMs = END_MS } = options
    const farewell = { type: PacketType.disconnect, reason, properties }
    checkPacket(this.version, farewell, 'cannot say goodbye so')
    const gone = new Promise<void>((resolve) => core.events.on('end', () => resolve()))
    if (options.force === true) cut(core)
    else if (!core.closing) {
      core.closing = true
      await outgoingDone(core, timeoutMs)
      say(core, { reason, properties })
    }
    await gone
  }
}

/** Resolves when nothing waits for an acknowledgement any more, or after `timeoutMs`. */
function outgoingDone(core: Core, timeoutMs: number): Promise<void> {
  const isDone = (): boolean => core.outgoingMessages === 0 || core.state === 'ended'
  if (isDone() || timeoutMs <= 0) return Promise.resolve()
  return new Promise((resolve) => {
    const finish = (): void => {
      core.runtime.clearTimer(timer)
      core.settledAll = null
      stopListening()
      resolve()
    }
    const timer = core.runtime.setTimer(timeoutMs, finish)
    const stopListening = core.events.on('end', finish)
    core.settledAll = () => isDone() && finish()
  })
}

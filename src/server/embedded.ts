/** A broker inside another program. */
import { namesOf, optionProblem } from '../base/option-names.ts'
import { LogType, type Log, type LogTypeBit } from '../base/log.ts'
import { thrownText } from '../base/thrown.ts'
import { DEFAULT_LIMITS, type Limits } from '../ports/limits.ts'
import type { Message } from '../ports/message.ts'
import type { Observer } from '../ports/ports.ts'
import { checkBytes } from '../codec/encode-error.ts'
import { checkMessage, type MessageValues } from '../codec/message-check.ts'
import { readProperties } from '../codec/properties.ts'
import { reasonText } from '../codec/reason-codes.ts'
import { PacketType, type Properties, type Qos } from '../codec/packets.ts'
import type { SyncMode } from '../store/level/level-options.ts'
import {
  listenEmbedded,
  listenProblem,
  type Listening,
  type ListenOptions,
} from './embedded-listen.ts'
import { createEngine, type Engine } from './engine.ts'
import { limitProblem, limitsOf } from './limit-problem.ts'
import { createStore } from './persistence.ts'
import { attempt, createLater, type Later } from './program-calls.ts'
import { authOfHooks, type AuthHooks, type ClientInfo } from './hooks.ts'

/**
 * - `START` the store cannot be opened
 * - `LISTEN` the port cannot be bound, or the certificate not be used
 * - `CLOSED` the broker is closed
 * - `TOPIC` no topic name (MQTT 5.0, 4.7)
 * - `FILTER` no topic filter (MQTT 5.0, 4.7 and 4.8.2)
 * - `MESSAGE` no packet can carry it: its payload, QoS or properties
 * - `LIMIT` larger, or one more, than the broker's limits allow
 * - `INVALID` there is no option of this name, or it cannot have this value
 */
export type MozzieErrorCode =
  'START' | 'LISTEN' | 'CLOSED' | 'TOPIC' | 'FILTER' | 'MESSAGE' | 'LIMIT' | 'INVALID'

/** `code` is stable, `message` is not. */
export class MozzieError extends Error {
  override name = 'MozzieError'
  readonly code: MozzieErrorCode

  constructor(code: MozzieError['code'], message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

/** A message as handlers get it: a copy, theirs to keep. */
export interface ReceivedMessage {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  /** As it was published. */
  readonly retain: boolean
  /** Of MQTT 5.0: content type, response topic, correlation data, user properties. */
  readonly properties: Properties
}

/** May be asynchronous: what it throws, or its promise rejects with, is logged. */
export type MessageHandler = (message: ReceivedMessage) => void

export type LogLevel = 'error' | 'warning' | 'notice' | 'information' | 'debug'

/** Where and how a broker keeps its sessions and messages. */
export interface PersistenceOptions {
  /** A directory of its own; made when it is not there. */
  readonly location: string
  /** When an acknowledgement may leave; see `persistence_sync`. Absent: 'always'. */
  readonly sync?: SyncMode
}

/** Observers are told afterwards, outside of the broker: they may call it. They may be
 * asynchronous; what they throw, or reject with, is logged. */
export interface BrokerOptions extends AuthHooks {
  /** Bounds other than the defaults; see {@link Limits} for their units. */
  limits?: Partial<Limits>
  /** Absent: everything is gone when the process is. */
  persistence?: PersistenceOptions
  /** Gets the log lines. Without it errors become process warnings and the rest is dropped. */
  log?(level: LogLevel, text: string): void
  onConnect?(who: ClientInfo): void
  /** `reason` is empty after a DISCONNECT of the client. */
  onDisconnect?(who: ClientInfo, reason: string): void
  /** Every message that the broker routes, `$SYS` excepted. */
  onPublish?: MessageHandler
}

export interface PublishOptions {
  /** Absent: 0. */
  qos?: Qos
  retain?: boolean
  /** MQTT 5.0 properties; the expiry is in seconds. */
  properties?: Properties
}

export interface EmbeddedBroker {
  /**
   * Listens for MQTT 3.1, 3.1.1 and 5.0 over TCP, TLS, WebSocket or a unix socket; may be called several times.
   *
   * @throws MozzieError `LISTEN` when the port cannot be bound or the certificate cannot be used, `START` when the store
   * cannot be opened, `INVALID` on an option that there is not, `CLOSED` when {@link close} was called, before or meanwhile.
   */
  listen(options?: ListenOptions): Promise<Listening>
  /**
   * Publishes; no authorization is asked. A string is sent as UTF-8. Before the store is open the message waits for it.
   *
   * @throws MozzieError `TOPIC`, `MESSAGE`, `LIMIT` or `INVALID` on what a client would be refused too, `CLOSED` after {@link close},
   * `START` when the store could not be opened.
   */
  publish(topic: string, payload: string | Uint8Array, options?: PublishOptions): void
  /**
   * Calls `handler` with each message of `filter` published from now on, shared filters included.
   *
   * @returns what ends the subscription.
   * @throws MozzieError `FILTER` when `filter` is no topic filter (MQTT 5.0, 4.7 and 4.8.2), `INVALID`, `CLOSED`.
   */
  subscribe(filter: string, handler: MessageHandler, options?: { qos?: Qos }): () => void
  /** Ends a client's connection with reason 0x98; false: there is none. */
  disconnect(clientId: string): boolean
  /** Sends wills, tells 5.0 clients 0x8B, closes everything, also what is still being opened. Idempotent; never rejects. */
  close(): Promise<void>
}

const NAMES = namesOf<BrokerOptions>({
  authenticate: true,
  authorizePublish: true,
  authorizeSubscribe: true,
  authorizeDelivery: true,
  limits: true,
  persistence: true,
  log: true,
  onConnect: true,
  onDisconnect: true,
  onPublish: true,
})
const HOOKS = [
  'authenticate',
  'authorizePublish',
  'authorizeSubscribe',
  'authorizeDelivery',
  'log',
  'onConnect',
  'onDisconnect',
  'onPublish',
] as const satisfies (keyof BrokerOptions)[]
const LIMIT_NAMES = new Set(Object.keys(DEFAULT_LIMITS))
const STORE_NAMES = namesOf<PersistenceOptions>({ location: true, sync: true })
const SUBSCRIBE_NAMES = namesOf<{ qos?: Qos }>({ qos: true })
const PUBLISH_NAMES = namesOf<PublishOptions>({ qos: true, retain: true, properties: true })

/** A hook that is misspelled would let everybody in. */
function brokerProblem(options: BrokerOptions): string | null {
  const wrong = HOOKS.find((name) => {
    const hook: unknown = options[name]
    return hook !== undefined && typeof hook !== 'function'
  })
  return (
    optionProblem('', options, NAMES) ??
    optionProblem('limits', options.limits, LIMIT_NAMES) ??
    optionProblem('persistence', options.persistence, STORE_NAMES) ??
    (wrong === undefined ? null : `${wrong} is no function`) ??
    limitProblem(options.limits)
  )
}

function refuse(problem: string | null): void {
  if (problem !== null) throw new MozzieError('INVALID', problem)
}

const encoder = new TextEncoder()
const levelOf = new Map<LogTypeBit, LogLevel>([
  [LogType.error, 'error'],
  [LogType.warning, 'warning'],
  [LogType.notice, 'notice'],
  [LogType.information, 'information'],
  [LogType.debug, 'debug'],
])

function logOf({ log }: BrokerOptions): Log {
  if (log === undefined) return { mask: LogType.error, write: warnOfErrors }
  const mask = [...levelOf.keys()].reduce((bits, bit) => bits | bit, 0)
  const warn = (error: unknown): void => process.emitWarning(thrownText(error), 'MozzieError')
  return {
    mask,
    write: (type, text) => attempt(() => log(levelOf.get(type) ?? 'debug', text), warn),
  }
}

function warnOfErrors(type: LogTypeBit, text: string): void {
  if (type === LogType.error) process.emitWarning(text, 'MozzieError')
}

function received(message: Message): ReceivedMessage {
  const { properties, propertiesStart, propertiesEnd } = message
  return {
    topic: message.topicName,
    payload: message.payloadBytes().slice(),
    qos: message.qos,
    retain: message.retain,
    properties: readProperties(PacketType.publish, properties, propertiesStart, propertiesEnd),
  }
}

function observerOf(options: BrokerOptions, later: Later): Observer {
  const { onConnect, onDisconnect, onPublish } = options
  const observer: Observer = {}
  if (onConnect !== undefined)
    observer.connected = (who) => later.push('onConnect', () => onConnect.call(options, who))
  if (onDisconnect !== undefined)
    observer.disconnected = (who, reason) =>
      later.push('onDisconnect', () => onDisconnect.call(options, who, reason))
  if (onPublish !== undefined)
    observer.published = (message) => {
      if (message.topicName.startsWith('$SYS/')) return
      const copy = received(message)
      later.push('onPublish', () => onPublish.call(options, copy))
    }
  return observer
}

/** Makes a broker that lives in this process. Throws MozzieError `INVALID` on an option that there is not, or cannot be so. */
export function createBroker(options: BrokerOptions = {}): EmbeddedBroker {
  refuse(brokerProblem(options))
  const log = logOf(options)
  const later = createLater(log)
  const limits = limitsOf(options.limits)
  const engine = createEngine({
    limits,
    auth: authOfHooks(options, log),
    control: null,
    observer: observerOf(options, later),
    store: storeOf(options, log),
    peers: null,
    mayAnswer: null,
    log,
    onTick: () => {},
    onTurnEnd: later.run,
    onFatal: (error) => log.write(LogType.error, `Error: the store failed: ${error.message}`),
  })
  return facadeOf(engine, later, (where) => listenEmbedded(engine, log, where))
}

function storeOf({ persistence }: BrokerOptions, log: Log) {
  if (persistence === undefined) return createStore(null, log)
  const { location, sync = 'always' } = persistence
  return createStore({ location, sync }, log)
}

/** With bytes of its own: a clone of an array would bring all of the buffer that it looks into. */
function copyOf(message: MessageValues): MessageValues {
  const { payload, properties } = message
  return { ...message, payload: new Uint8Array(payload), properties: structuredClone(properties) }
}

function facadeOf(
  engine: Engine,
  later: Later,
  listen: (options: ListenOptions) => Promise<Listening>,
): EmbeddedBroker {
  const { broker } = engine
  const life = lifeOf(engine)
  const { assertOpen } = life
  return {
    async listen(listenOptions = {}) {
      refuse(listenProblem(listenOptions))
      return life.opening(() => listen(listenOptions))
    },
    publish(topic, payload, publishOptions = {}) {
      assertOpen()
      refuse(optionProblem('', publishOptions, PUBLISH_NAMES))
      const bytes = typeof payload === 'string' ? encoder.encode(payload) : payload
      asMozzieError('TOPIC', () => broker.checkTopic(topic))
      asMozzieError('MESSAGE', () => checkBytes('the payload', bytes))
      const refusal = broker.publishRefusal(topic, bytes.length, publishOptions.retain === true)
      if (refusal !== 0) throw new MozzieError('LIMIT', `${reasonText(refusal)}: '${topic}'`)
      const { qos = 0, retain = false, properties = {} } = publishOptions
      const message = { topic, payload: bytes, qos, retain, properties }
      asMozzieError('MESSAGE', () => checkMessage(message))
      // The program may use its bytes again while they wait for the store.
      const own = life.isReady() ? message : copyOf(message)
      life.whenReady(() => broker.publish(topic, own.payload, own))
    },
    subscribe(filter, handler, subscribeOptions = {}) {
      assertOpen()
      refuse(optionProblem('', subscribeOptions, SUBSCRIBE_NAMES))
      const { qos = 0 } = subscribeOptions
      if (![0, 1, 2].includes(qos)) refuse(`qos is ${String(qos)}, not 0, 1 or 2`)
      if (typeof handler !== 'function') refuse('the handler is no function')
      const take = (message: Message): void => {
        const copy = received(message)
        later.push('message handler', () => handler(copy))
      }
      return asMozzieError('FILTER', () => broker.subscribe(filter, take, { qos }))
    },
    disconnect: (clientId) => broker.disconnect(clientId),
    close: life.close,
  }
}

/** From the opening of the store to its closing, in whatever order the program asks for things. */
interface Life {
  /** Throws MozzieError `CLOSED` or `START`. */
  assertOpen(): void
  /** Opens something once the store is open; what is open by the time of {@link close} is the engine's to close. */
  opening<T>(open: () => Promise<T>): Promise<T>
  /** The store is open. */
  isReady(): boolean
  /** Calls now, or when the store is open; in order. */
  whenReady(call: () => void): void
  close(): Promise<void>
}

function lifeOf(engine: Engine): Life {
  let failure: MozzieError | null = null
  let waiting: (() => void)[] | null = []
  let closed: Promise<void> | null = null
  const openings = new Set<Promise<unknown>>()
  const assertOpen = (): void => {
    if (closed !== null) throw new MozzieError('CLOSED', 'the broker is closed')
    if (failure !== null) throw failure
  }
  const goOn = (): void => {
    const calls = waiting ?? []
    waiting = null
    for (const call of calls) call()
  }
  const started = engine.start().then(goOn, (error: Error) => {
    failure = new MozzieError('START', error.message, error)
    waiting = null
  })
  const open = async <T>(call: () => Promise<T>): Promise<T> => {
    assertOpen()
    await started
    assertOpen()
    try {
      return await call()
    } catch (error) {
      throw new MozzieError('LISTEN', (error as Error).message, error)
    }
  }
  return {
    assertOpen,
    async opening(call) {
      const made = open(call)
      openings.add(made)
      try {
        const result = await made
        assertOpen()
        return result
      } finally {
        openings.delete(made)
      }
    },
    isReady: () => waiting === null,
    whenReady(call) {
      if (waiting === null) call()
      else waiting.push(call)
    },
    close() {
      const stop = async (): Promise<void> => {
        await started
        await Promise.allSettled(openings)
        if (failure === null) await engine.stop()
      }
      closed ??= stop()
      return closed
    },
  }
}

function asMozzieError<T>(code: MozzieErrorCode, call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw new MozzieError(code, (error as Error).message, error)
  }
}

/** `client.subscribe` and what it gives. */
import { namesOf } from '../base/option-names.ts'
import { PacketType, type Properties, type Qos, type SubscribeFilter } from '../codec/packets.ts'
import { checkNames } from './check-names.ts'
import { checkPacket } from './check-packet.ts'
import { deferred } from './deferred.ts'
import { MqttError, endedError } from './errors.ts'
import type { Message } from './message.ts'
import type { Core, Wanted } from './model.ts'
import type { MessageHandler } from './options.ts'
import { HandlerSink, QueueSink } from './sinks.ts'
import { checkFilter, endWanted, unwant, want } from './subscribing.ts'

/** A filter with options of its own; those left out are the call's. */
export interface FilterOptions {
  /** The most that messages come at. Absent: 0. */
  qos?: Qos
  /** MQTT 5.0: not what this client publishes itself. */
  noLocal?: boolean
  /** MQTT 5.0: the retain flag as it was published. */
  retainAsPublished?: boolean
  /** MQTT 5.0, of retained messages: 0 send them (absent), 1 if the subscription is new, 2 do not. */
  retainHandling?: 0 | 1 | 2
}

export type Filter = string | ({ filter: string } & FilterOptions)

export interface SubscribeOptions extends FilterOptions {
  /** MQTT 5.0: user properties, and at most one subscription identifier, by which messages then find their way. */
  properties?: Properties
  /**
   * `auto` (absent): a message is acknowledged when its handler has returned, or the loop asks for the next one.
   * `manual`: when the program calls `message.ack()`.
   */
  acknowledge?: 'auto' | 'manual'
}

/** What is subscribed; made again by itself when the server has lost the session. */
export interface Subscription {
  readonly filters: readonly string[]
  /** One reason code a filter, in their order: the QoS granted, or from 0x80 on a refusal. */
  readonly codes: readonly number[]
  /** Ends it. Resolves when the server knows. */
  unsubscribe(): Promise<void>
}

/** Messages as they come. Leaving the loop unsubscribes. */
export interface MessageStream extends Subscription, AsyncIterable<Message> {}

/** May be awaited, for the server's answer, or iterated at once. */
export type PendingStream = Promise<MessageStream> & AsyncIterable<Message>

const FILTER_NAMES = {
  qos: true,
  noLocal: true,
  retainAsPublished: true,
  retainHandling: true,
} as const satisfies Record<keyof FilterOptions, true>
const OF_FILTER = namesOf<Exclude<Filter, string>>({ filter: true, ...FILTER_NAMES })
const OF_CALL = namesOf<SubscribeOptions & { onMessage: MessageHandler }>({
  ...FILTER_NAMES,
  properties: true,
  acknowledge: true,
  onMessage: true,
})

function filtersOf(asked: Filter | readonly Filter[], options: SubscribeOptions) {
  const list = Array.isArray(asked) ? (asked as readonly Filter[]) : [asked as Filter]
  if (list.length === 0) throw new MqttError('INVALID', 'a subscription needs a filter')
  checkNames('', options, OF_CALL)
  return list.map((each): SubscribeFilter => {
    // Programs in JavaScript may hand over anything.
    if (typeof each !== 'string' && typeof each?.filter !== 'string')
      throw new MqttError('INVALID', 'a filter is no text')
    const own = typeof each === 'string' ? { filter: each } : each
    checkNames('', own, OF_FILTER)
    const { qos, noLocal, retainAsPublished, retainHandling } = { ...options, ...own }
    return {
      filter: own.filter,
      qos: qos ?? 0,
      noLocal: noLocal ?? false,
      retainAsPublished: retainAsPublished ?? false,
      retainHandling: retainHandling ?? 0,
    }
  })
}

interface Making {
  readonly wanted: Wanted
  readonly answer: Promise<readonly number[]>
}

function make(
  core: Core,
  asked: Filter | readonly Filter[],
  options: SubscribeOptions,
  sink: Wanted['sink'],
): Making {
  if (core.closing || core.state === 'ended') throw endedError()
  const filters = filtersOf(asked, options)
  for (const { filter } of filters) checkFilter(core, filter)
  const { properties = {} } = options
  const { version } = core.settings
  const packet = { type: PacketType.subscribe, packetId: 1, filters, properties }
  checkPacket(version, packet, `cannot subscribe to '${filters[0].filter}'`)
  const { promise: answer, resolve: granted, reject: refused } = deferred<readonly number[]>()
  const wanted: Wanted = { filters, properties, sink, codes: null, granted, refused }
  want(core, wanted)
  return { wanted, answer }
}

function stop(core: Core, wanted: Wanted): Promise<void> {
  const filters = endWanted(core, wanted)
  if (filters.length === 0 || core.state === 'ended') return Promise.resolve()
  return new Promise((resolve, reject) => {
    unwant(core, { filters, properties: {}, done: () => resolve(), failed: reject })
  })
}

function subscriptionOf(core: Core, wanted: Wanted): Subscription {
  return {
    filters: wanted.filters.map(({ filter }) => filter),
    get codes() {
      return wanted.codes ?? []
    },
    unsubscribe: () => stop(core, wanted),
  }
}

export async function subscribeWith(
  core: Core,
  asked: Filter | readonly Filter[],
  options: SubscribeOptions,
  handler: MessageHandler,
  closed: () => void = () => undefined,
): Promise<Subscription> {
  if (typeof handler !== 'function') throw new MqttError('INVALID', 'onMessage is no function')
  const sink = new HandlerSink(core, handler, options.acknowledge === 'manual', closed)
  const { wanted, answer } = make(core, asked, options, sink)
  await answer
  return subscriptionOf(core, wanted)
}

export function subscribeStream(
  core: Core,
  asked: Filter | readonly Filter[],
  options: SubscribeOptions,
): PendingStream {
  let making: Making | null = null
  const leave = (): void => {
    if (making !== null) stop(core, making.wanted).catch(() => undefined)
  }
  const sink = new QueueSink(core, options.acknowledge === 'manual', leave)
  const asyncIterator = () => sink.loop()
  const run = async (): Promise<MessageStream> => {
    making = make(core, asked, options, sink)
    const { wanted, answer } = making
    await answer
    const stream = subscriptionOf(core, wanted)
    return Object.defineProperty(stream, Symbol.asyncIterator, {
      value: asyncIterator,
    }) as MessageStream
  }
  const promise = run()
  // Who iterates at once is told by the iterator.
  promise.catch((error: unknown) => sink.close(error as Error))
  return Object.assign(promise, { [Symbol.asyncIterator]: asyncIterator })
}

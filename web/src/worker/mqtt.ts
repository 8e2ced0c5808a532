/** The link over our own client and the browser's WebSocket. */
import {
  createClient,
  type MqttClient,
  MqttError,
  scram,
  type Message,
  type Subscription as Held,
} from '../../../src/client/web.ts'
import { Reason } from '../../../src/codec/reason-codes.ts'
import { isShared } from '../../../src/topics/names.ts'
import { correlationBytes } from '../decode/bytes.ts'
import {
  profileUrl,
  scramHash,
  type Profile,
  type Subscription,
  type Will,
} from '../model/profile.ts'
import type { Properties } from '../model/message.ts'
import { encodeNow, numberField, publishProperties, UINT32_MAX } from '../publish/outgoing.ts'
import { isLoginRefusal, type Incoming, type Link, type LinkEvents, type Outcome } from './link.ts'
import { placeAt } from './other-tabs.ts'

type ClientOptions = NonNullable<Parameters<typeof createClient>[1]>

/** A text field's whole number under its option's name, nothing for an empty one. */
function optional<K extends string>(
  name: K,
  text: string,
  min: number,
  max: number,
): Partial<Record<K, number>> {
  const value = numberField(name, text, min, max)
  return value === undefined ? {} : ({ [name]: value } as Partial<Record<K, number>>)
}

function connectProperties(profile: Profile): Properties {
  const userProperties = profile.userProperties.filter(([name]) => name !== '')
  return {
    ...(profile.requestResponseInformation && { requestResponseInformation: 1 }),
    ...(!profile.requestProblemInformation && { requestProblemInformation: 0 }),
    ...(userProperties.length > 0 && { userProperties }),
  }
}

/** Everything of the profile that only MQTT 5.0 has. Throws DraftError on a number out of range. */
function version5Options(profile: Profile): ClientOptions {
  const authenticate = authenticatorOf(profile)
  return {
    ...optional('sessionExpirySeconds', profile.sessionExpirySeconds, 0, UINT32_MAX),
    ...optional('receiveMaximum', profile.receiveMaximum, 1, 0xffff),
    ...optional('maximumPacketSize', profile.maximumPacketSize, 1, UINT32_MAX),
    ...optional('topicAliasMaximum', profile.topicAliasMaximum, 0, 0xffff),
    properties: connectProperties(profile),
    ...(authenticate !== null && { authenticate }),
  }
}

/** SCRAM is spoken here; of other methods only the first word is known, as typed. */
function authenticatorOf(profile: Profile): NonNullable<ClientOptions['authenticate']> | null {
  const { authenticationMethod: method, authenticationData: data, username, password } = profile
  const hash = scramHash(profile)
  if (hash !== null) return scram({ username, password, hash })
  if (method === '') return null
  return {
    method,
    start: () => (data === '' ? undefined : (correlationBytes(data) ?? undefined)),
    respond: () => undefined,
  }
}

function willOf(will: Will, version: number): NonNullable<ClientOptions['will']> {
  const delay = version === 5 ? optional('willDelaySeconds', will.delaySeconds, 0, UINT32_MAX) : {}
  const properties = publishProperties({ ...will, topicAlias: '' }, version)
  return {
    topic: will.topic,
    payload: encodeNow(will.payload, will.format),
    qos: will.qos,
    retain: will.retain,
    properties: { ...properties, ...delay },
  }
}

function clientOptions(profile: Profile): ClientOptions {
  return {
    version: profile.version,
    clientId: profile.clientId,
    cleanStart: profile.cleanStart,
    keepAliveSeconds: profile.keepAliveSeconds,
    connectTimeoutMs: profile.connectTimeoutSeconds * 1000,
    reconnect: profile.reconnect
      ? { minMs: profile.reconnectMs, maxMs: profile.reconnectMs, jitter: 0, first: true }
      : false,
    ...(profile.username !== '' && { username: profile.username }),
    ...(profile.password !== '' && scramHash(profile) === null && { password: profile.password }),
    ...(profile.will.on && { will: willOf(profile.will, profile.version) }),
    ...(profile.version === 5 && version5Options(profile)),
  }
}

const IDENTIFIER_MAX = 268_435_455
/** Identifiers of our own are taken from the far end, where nobody types any. */
const OWN_IDENTIFIERS_FROM = IDENTIFIER_MAX - 1_000_000

/**
 * Which subscription a message came by. Where one is shared, its filter does not tell: the message may have gone to
 * another member, and have come by an overlapping one. So every subscription has an identifier, made up if need be.
 */
class Origins {
  private readonly ids = new Map<number, string>()
  private lastOwn = OWN_IDENTIFIERS_FROM

  /** The identifier to subscribe with. */
  identify({ id, identifier }: Subscription): number {
    const typed = numberField('subscription identifier', identifier, 1, IDENTIFIER_MAX)
    const number = typed ?? ++this.lastOwn
    this.ids.set(number, id)
    return number
  }

  /** The message as it came, without identifiers that nobody typed. */
  incoming(message: Message): Incoming {
    const { topic, payload, qos, retain, dup, packetId, properties } = message
    const numbers = properties.subscriptionIds
    const seen = { topic, payload, qos, retain, dup, packetId }
    if (numbers === undefined) return { ...seen, properties, by: null }
    const by = numbers.map((number) => this.ids.get(number)).filter((id) => id !== undefined)
    const typed = numbers.filter((number) => number <= OWN_IDENTIFIERS_FROM)
    const { subscriptionIds: _, ...rest } = properties
    const shown = typed.length > 0 ? { ...rest, subscriptionIds: typed } : rest
    return { ...seen, properties: shown, by: by.length > 0 ? by : null }
  }
}

function subscribeProperties(
  { userProperties }: Subscription,
  identifier: number | null,
): Properties {
  const pairs = userProperties.filter(([name]) => name !== '')
  return {
    ...(identifier !== null && { subscriptionIds: [identifier] }),
    ...(pairs.length > 0 && { userProperties: pairs }),
  }
}

/** A reason code of the error, if it carries one. */
function codeOf(error: Error): number | null {
  return error instanceof MqttError && error.reason !== 0 ? error.reason : null
}

export function openLink(profile: Profile, events: LinkEvents): Link {
  const url = profileUrl(profile)
  const isV5 = profile.version === 5
  // Overlapping subscriptions hand over the same message one after the other: it is taken once.
  let lastMessage: Message | null = null
  const origins = new Origins()
  const take = (message: Message) => {
    if (message === lastMessage) return
    lastMessage = message
    events.message(origins.incoming(message))
  }
  const client = createClient(url, { ...clientOptions(profile), onMessage: take })
  let isDone = false
  let attempts = 0
  let hasIdentifiers = isV5

  /** Another tab says that it is this client now: true until the broker answers here. */
  let isTaken = false

  const offline = (error: Error, retryInMs: number | null) => {
    if (isDone) return
    if (isTaken) return yieldPlace()
    const isLast = profile.reconnectsMax > 0 && attempts >= profile.reconnectsMax
    const final = retryInMs === null || isLast || isLoginRefusal(codeOf(error))
    events.offline(codeOf(error), error.message, final ? null : retryInMs)
    if (final) leave()
  }
  const leave = () => {
    isDone = true
    place.leave()
    void client.end({ force: true })
  }
  // A broker of MQTT 3.x only closes: whoever lost its place would come back and take it again.
  const yieldPlace = () => {
    events.offline(Reason.sessionTakenOver, null, null)
    leave()
  }
  const place = placeAt(url, () => {
    if (isDone) return
    if (client.state !== 'connected') return yieldPlace()
    isTaken = true
    client.ping().then(
      () => (isTaken = false),
      () => {},
    )
  })
  client.on('connect', ({ sessionPresent, properties }) => {
    attempts = 0
    if (!isDone) place.take(client.clientId)
    hasIdentifiers = isV5 && properties.subscriptionIdsAvailable !== 0
    if (!isDone) events.online({ sessionPresent, clientId: client.clientId, properties })
  })
  client.on('disconnect', ({ error, reconnectInMs }) => offline(error, reconnectInMs))
  client.on('reconnect', ({ attempt }) => (attempts = attempt))
  client.on('error', (error) => {
    if (client.state !== 'connected') offline(error, profile.reconnect ? profile.reconnectMs : null)
  })
  client.on('end', (error) => offline(error ?? new Error('closed'), null))

  const identify = (subscription: Subscription) =>
    hasIdentifiers ? origins.identify(subscription) : null
  const onEnd = () => {
    isDone = true
    place.leave()
  }
  return linkOf(client, isV5, { take, identify, onEnd })
}

interface LinkParts {
  take(message: Message): void
  identify(subscription: Subscription): number | null
  onEnd(): void
}

function linkOf(client: MqttClient, isV5: boolean, { take, identify, onEnd }: LinkParts): Link {
  const held = new Map<string, Held>()
  return {
    async subscribe(subscription): Promise<Outcome> {
      const { filter, qos, noLocal, retainAsPublished, retainHandling } = subscription
      const made = await client.subscribe(
        isV5
          ? {
              filter,
              qos,
              noLocal: noLocal && !isShared(filter),
              retainAsPublished,
              retainHandling,
            }
          : { filter, qos },
        {
          onMessage: take,
          ...(isV5 && { properties: subscribeProperties(subscription, identify(subscription)) }),
        },
      )
      held.set(filter, made)
      return { code: made.codes[0] ?? 0, reason: '' }
    },
    async unsubscribe(filter): Promise<Outcome> {
      const made = held.get(filter)
      held.delete(filter)
      await made?.unsubscribe()
      return { code: 0, reason: '' }
    },
    async publish({ topic, payload, qos, retain, properties }): Promise<Outcome> {
      try {
        const answer = await client.publish(topic, payload, {
          qos,
          retain,
          ...(isV5 && { properties }),
        })
        return { code: answer.reason, reason: answer.properties.reasonString ?? '' }
      } catch (error) {
        const code = error instanceof Error ? codeOf(error) : null
        if (code === null) throw error
        return {
          code,
          reason: error instanceof MqttError ? (error.properties.reasonString ?? '') : '',
        }
      }
    },
    ping: () => client.ping(),
    end() {
      onEnd()
      void client.end({ timeoutMs: 200 })
    },
  }
}

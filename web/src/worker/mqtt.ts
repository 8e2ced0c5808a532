/** The link over our own client and the browser's WebSocket. */
import {
  createClient,
  type MqttClient,
  MqttError,
  type Message,
  type Subscription as Held,
} from '../../../src/client/web.ts'
import { isShared } from '../../../src/topics/names.ts'
import { correlationBytes } from '../decode/bytes.ts'
import { profileUrl, type Profile, type Subscription, type Will } from '../model/profile.ts'
import type { Properties } from '../model/message.ts'
import { encodeNow, numberField, publishProperties, UINT32_MAX } from '../publish/outgoing.ts'
import { isLoginRefusal, type Link, type LinkEvents, type Outcome } from './link.ts'

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
  const { authenticationMethod: method, authenticationData: data } = profile
  return {
    ...optional('sessionExpirySeconds', profile.sessionExpirySeconds, 0, UINT32_MAX),
    ...optional('receiveMaximum', profile.receiveMaximum, 1, 0xffff),
    ...optional('maximumPacketSize', profile.maximumPacketSize, 1, UINT32_MAX),
    ...optional('topicAliasMaximum', profile.topicAliasMaximum, 0, 0xffff),
    properties: connectProperties(profile),
    ...(method !== '' && {
      authenticate: {
        method,
        start: () => (data === '' ? undefined : (correlationBytes(data) ?? undefined)),
        respond: () => undefined,
      },
    }),
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
    ...(profile.password !== '' && { password: profile.password }),
    ...(profile.will.on && { will: willOf(profile.will, profile.version) }),
    ...(profile.version === 5 && version5Options(profile)),
  }
}

function subscribeProperties({ identifier, userProperties }: Subscription): Properties {
  const id = numberField('subscription identifier', identifier, 1, 268_435_455)
  const pairs = userProperties.filter(([name]) => name !== '')
  return {
    ...(id !== undefined && { subscriptionIds: [id] }),
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
  const take = (message: Message) => {
    if (message === lastMessage) return
    lastMessage = message
    events.message(message)
  }
  const client = createClient(url, { ...clientOptions(profile), onMessage: take })
  let isDone = false
  let attempts = 0

  const offline = (error: Error, retryInMs: number | null) => {
    if (isDone) return
    const isLast = profile.reconnectsMax > 0 && attempts >= profile.reconnectsMax
    const final = retryInMs === null || isLast || isLoginRefusal(codeOf(error))
    events.offline(codeOf(error), error.message, final ? null : retryInMs)
    if (!final) return
    isDone = true
    void client.end({ force: true })
  }
  client.on('connect', ({ sessionPresent, properties }) => {
    attempts = 0
    if (!isDone) events.online({ sessionPresent, clientId: client.clientId, properties })
  })
  client.on('disconnect', ({ error, reconnectInMs }) => offline(error, reconnectInMs))
  client.on('reconnect', ({ attempt }) => (attempts = attempt))
  client.on('error', (error) => {
    if (client.state !== 'connected') offline(error, profile.reconnect ? profile.reconnectMs : null)
  })
  client.on('end', (error) => offline(error ?? new Error('closed'), null))

  return linkOf(client, isV5, take, () => (isDone = true))
}

function linkOf(
  client: MqttClient,
  isV5: boolean,
  take: (message: Message) => void,
  onEnd: () => void,
): Link {
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
        { onMessage: take, ...(isV5 && { properties: subscribeProperties(subscription) }) },
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
    end() {
      onEnd()
      void client.end({ timeoutMs: 200 })
    },
  }
}

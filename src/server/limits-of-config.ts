/** The core's bounds and listeners as a configuration sets them. */
import { DEFAULT_LIMITS, type Limits } from '../ports/limits.ts'
import type { ListenerOptions } from '../ports/ports.ts'
import type { Qos } from '../codec/packets.ts'
import type { GlobalValues, ListenerConfig } from '../config/config.ts'
import { LIMIT_OPTIONS } from '../config/options-limits.ts'

/** The core's bounds as the configuration sets them; the rest by default. */
export function limitsOfConfig(global: GlobalValues): Limits {
  return {
    ...DEFAULT_LIMITS,
    ...ownLimits(global),
    packetBytesMax: global.maxPacketBytes,
    payloadBytesMax: global.messageBytesMax,
    ...windowOf(global.maxInflightMessages),
    inflightBytesMax: global.maxInflightBytes,
    queuedMax: global.maxQueuedMessages,
    // Without a bound of bytes of its own a queue still has ours.
    queuedBytesMax: global.maxQueuedBytes || DEFAULT_LIMITS.queuedBytesMax,
    storedBytesMax: global.maxQueuedBytes,
    keepAliveSecondsMax: global.maxKeepAliveSeconds,
    sessionsMax: global.globalMaxClients,
    sessionExpiryMsMax: global.persistentClientExpirationMs ?? 0,
    retainAvailable: global.retainAvailable,
    queueQos0: global.queueQos0Messages,
    upgradeOutgoingQos: global.upgradeOutgoingQos,
    allowDuplicates: global.allowDuplicateMessages,
    clientIdPrefix: global.clientIdPrefix ?? '',
    anyUserTakesOver: global.sessionTakeoverAnyUser,
    connectionMessages: global.connectionMessages,
    delayedMax: global.delayedPublish ? global.delayedMessagesMax : 0,
    directLevel: global.directTopic ?? '',
    autoSubscriptions: global.autoSubscribe,
  }
}

/** Bounds that have the same key and unit as their option. */
function ownLimits(global: GlobalValues): Partial<Limits> {
  const names = Object.keys(LIMIT_OPTIONS) as (keyof typeof LIMIT_OPTIONS)[]
  return Object.fromEntries(
    names.filter((name) => name in DEFAULT_LIMITS).map((name) => [name, global[name]]),
  )
}

/** A window that was asked for is kept to the message; ours may be wider while messages are small. */
function windowOf(messages: number | null): Partial<Limits> {
  return messages === null ? {} : { inflightMax: messages, windowMax: messages || 65_535 }
}

/** What a listener of the configuration decides for its clients. */
export function listenerOptionsOf(config: ListenerConfig): ListenerOptions {
  return {
    port: config.port,
    allowAnonymous: config.allowAnonymous,
    allowZeroLengthClientId: config.allowZeroLengthClientId,
    autoIdPrefix: config.autoIdPrefix,
    acceptVersions: config.acceptProtocolLevels,
    maxQos: config.maxQos as Qos,
    topicAliasMaximum: config.maxTopicAlias,
    topicAliasMaximumOut: config.maxTopicAliasBroker,
    useUsernameAsClientId: config.useUsernameAsClientId,
    mountPoint: config.mountPoint ?? '',
    usernameFrom: usernameFrom(config),
  }
}

function usernameFrom(config: ListenerConfig): ListenerOptions['usernameFrom'] {
  if (config.useIdentityAsUsername || config.httpProxyLogins.length > 0) return 'identity'
  return config.useSubjectAsUsername ? 'subject' : 'connect'
}

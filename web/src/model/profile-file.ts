/** Connections as files: our own, and the backups of MQTTX. */
import {
  emptyProfile,
  emptySubscription,
  emptyWill,
  newClientId,
  newId,
  type Profile,
} from './profile.ts'
import type { InputFormat, Qos } from './message.ts'
import { isLoose, storedProfile, type Loose } from './stored.ts'

const KIND = 'mozzie-connections'

/** Passwords stay behind unless they were to be remembered. */
export function exportProfiles(profiles: readonly Profile[]): string {
  const connections = profiles.map((profile) =>
    profile.rememberPassword ? profile : { ...profile, password: '' },
  )
  return JSON.stringify({ kind: KIND, version: 1, connections }, null, 2)
}

interface Imported {
  readonly profiles: Profile[]
  readonly problem: string | null
}

/** Reads both kinds of file. Every connection gets a new identity, so nothing is overwritten. */
export function importProfiles(text: string): Imported {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { profiles: [], problem: error instanceof Error ? error.message : String(error) }
  }
  if (isLoose(value) && value.kind === KIND && Array.isArray(value.connections)) {
    return { profiles: value.connections.filter(isLoose).map(ourProfile), problem: null }
  }
  const list = isLoose(value) && Array.isArray(value.connections) ? value.connections : value
  if (Array.isArray(list) && list.every((item) => isLoose(item) && typeof item.host === 'string')) {
    return { profiles: (list as Loose[]).map(mqttxProfile), problem: null }
  }
  return { profiles: [], problem: 'no connections in it' }
}

function ourProfile(item: Loose): Profile {
  const blank = emptyProfile({ scheme: 'ws', host: '', port: 80, path: '/mqtt' })
  const profile = storedProfile(item, blank)
  const subscriptions = profile.subscriptions.map((each) => ({ ...each, id: newId() }))
  return { ...profile, id: newId(), subscriptions }
}

const text = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
const count = (value: unknown, other: number): number =>
  Number.isFinite(Number(value)) && value !== null && value !== '' ? Number(value) : other
const qosOf = (value: unknown): Qos => (Number(value) === 1 ? 1 : Number(value) === 2 ? 2 : 0)

/** MQTTX keeps user properties as an object whose values may be lists. */
function pairsOf(value: unknown): [string, string][] {
  if (!isLoose(value)) return []
  return Object.entries(value).flatMap(([name, item]) =>
    (Array.isArray(item) ? item : [item]).map((one): [string, string] => [name, text(one)]),
  )
}

const MQTTX_PORTS: Record<string, number> = { mqtt: 1883, mqtts: 8883, ws: 8083, wss: 8084 }

/**
 * A connection of an MQTTX backup. A browser speaks WebSocket only: `mqtt` and `mqtts` become `ws` and `wss`, and
 * the port is kept, for the person to look at.
 */
function mqttxProfile(item: Loose): Profile {
  const protocol = text(item.protocol).replace('://', '') || (item.ssl === true ? 'wss' : 'ws')
  const v5 = isLoose(item.properties) ? item.properties : item
  const version = text(item.mqttVersion)
  return {
    ...emptyProfile({
      scheme: protocol === 'wss' || protocol === 'mqtts' ? 'wss' : 'ws',
      host: text(item.host),
      port: count(item.port, MQTTX_PORTS[protocol] ?? 8083),
      path: text(item.path) || '/mqtt',
    }),
    name: text(item.name),
    version: version === '5.0' ? 5 : version === '3.1' ? 3 : 4,
    clientId: text(item.clientId) || newClientId(),
    username: text(item.username),
    password: text(item.password),
    keepAliveSeconds: count(item.keepalive, 60),
    connectTimeoutSeconds: count(item.connectTimeout, 10),
    cleanStart: item.clean !== false,
    // There 0 stands for: not again.
    reconnect: item.reconnect !== false && item.reconnectPeriod !== 0,
    reconnectMs: count(item.reconnectPeriod, 1000) || 1000,
    sessionExpirySeconds: text(v5.sessionExpiryInterval),
    receiveMaximum: text(v5.receiveMaximum),
    maximumPacketSize: text(v5.maximumPacketSize),
    topicAliasMaximum: text(v5.topicAliasMaximum),
    requestResponseInformation: v5.requestResponseInformation === true,
    requestProblemInformation: v5.requestProblemInformation !== false,
    userProperties: pairsOf(v5.userProperties),
    authenticationMethod: text(v5.authenticationMethod),
    authenticationData: text(v5.authenticationData),
    will: mqttxWill(item.will),
    subscriptions: Array.isArray(item.subscriptions)
      ? item.subscriptions.filter(isLoose).map(mqttxSubscription)
      : [],
  }
}

function mqttxWill(value: unknown): Profile['will'] {
  if (!isLoose(value)) return emptyWill()
  const properties = isLoose(value.properties) ? value.properties : {}
  const topic = text(value.lastWillTopic)
  return {
    ...emptyWill(),
    on: topic !== '',
    topic,
    payload: text(value.lastWillPayload),
    qos: qosOf(value.lastWillQos),
    retain: value.lastWillRetain === true,
    delaySeconds: text(properties.willDelayInterval),
    payloadFormat: properties.payloadFormatIndicator === true,
    expirySeconds: text(properties.messageExpiryInterval),
    contentType: text(properties.contentType),
    responseTopic: text(properties.responseTopic),
    correlation: text(properties.correlationData),
    userProperties: pairsOf(properties.userProperties),
  }
}

const MQTTX_FORMATS: Record<string, InputFormat> = {
  json: 'json',
  hex: 'hex',
  base64: 'base64',
  cbor: 'cbor',
  msgpack: 'msgpack',
}

function mqttxSubscription(item: Loose, at: number): Profile['subscriptions'][number] {
  const retainHandling = Number(item.rh)
  return {
    ...emptySubscription(text(item.topic), at % 12),
    qos: qosOf(item.qos),
    alias: text(item.alias),
    enabled: item.disabled !== true,
    noLocal: item.nl === true,
    retainAsPublished: item.rap === true,
    retainHandling: retainHandling === 1 ? 1 : retainHandling === 2 ? 2 : 0,
    identifier: text(item.subscriptionIdentifier),
    format: MQTTX_FORMATS[text(item.format).toLowerCase()] ?? 'auto',
  }
}

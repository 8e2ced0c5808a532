/** What a connection is made of: the fields of CONNECT, and what to subscribe to. */
import type { Format, InputFormat, Qos } from './message.ts'

export interface Will {
  on: boolean
  topic: string
  payload: string
  format: InputFormat
  qos: Qos
  retain: boolean
  delaySeconds: string
  payloadFormat: boolean
  expirySeconds: string
  contentType: string
  responseTopic: string
  correlation: string
  userProperties: [string, string][]
}

export interface Subscription {
  id: string
  filter: string
  qos: Qos
  noLocal: boolean
  retainAsPublished: boolean
  retainHandling: 0 | 1 | 2
  /** Subscription identifier, 1 to 268435455; empty: none. */
  identifier: string
  userProperties: [string, string][]
  /** Number of the palette. */
  colour: number
  alias: string
  enabled: boolean
  /** Its messages are kept but not listed. */
  hidden: boolean
  format: Format
  /** Id of the schema that `protobuf` and `avro` decode with. */
  schema: string
}

export interface Profile {
  id: string
  name: string
  folder: string
  scheme: 'ws' | 'wss'
  host: string
  port: number
  path: string
  version: 3 | 4 | 5
  clientId: string
  username: string
  password: string
  /** Keep the password in the browser's storage, readable by whoever uses this browser. */
  rememberPassword: boolean
  keepAliveSeconds: number
  connectTimeoutSeconds: number
  cleanStart: boolean
  reconnect: boolean
  reconnectMs: number
  /** 0: without end. */
  reconnectsMax: number
  sessionExpirySeconds: string
  receiveMaximum: string
  maximumPacketSize: string
  topicAliasMaximum: string
  requestResponseInformation: boolean
  requestProblemInformation: boolean
  userProperties: [string, string][]
  authenticationMethod: string
  authenticationData: string
  will: Will
  subscriptions: Subscription[]
}

export const emptyWill = (): Will => ({
  on: false,
  topic: '',
  payload: '',
  format: 'text',
  qos: 0,
  retain: false,
  delaySeconds: '',
  payloadFormat: false,
  expirySeconds: '',
  contentType: '',
  responseTopic: '',
  correlation: '',
  userProperties: [],
})

/** An identifier nobody else has made; `crypto.randomUUID` is missing on plain http pages. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(9))
  return Array.from(bytes, (byte) => byte.toString(36).padStart(2, '0')).join('')
}

export const newClientId = (): string => `mozzie-${newId().slice(0, 8)}`

export function emptyProfile(at: Pick<Profile, 'scheme' | 'host' | 'port' | 'path'>): Profile {
  return {
    id: newId(),
    name: '',
    folder: '',
    ...at,
    version: 5,
    clientId: newClientId(),
    username: '',
    password: '',
    rememberPassword: false,
    keepAliveSeconds: 60,
    connectTimeoutSeconds: 10,
    cleanStart: true,
    reconnect: true,
    reconnectMs: 1000,
    reconnectsMax: 0,
    sessionExpirySeconds: '',
    receiveMaximum: '',
    maximumPacketSize: '',
    topicAliasMaximum: '',
    requestResponseInformation: false,
    requestProblemInformation: true,
    userProperties: [],
    authenticationMethod: '',
    authenticationData: '',
    will: emptyWill(),
    subscriptions: [],
  }
}

export function emptySubscription(filter: string, colour: number): Subscription {
  return {
    id: newId(),
    filter,
    qos: 0,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    identifier: '',
    userProperties: [],
    colour,
    alias: '',
    enabled: true,
    hidden: false,
    format: 'auto',
    schema: '',
  }
}

const SCRAM = /^SCRAM-(SHA-256|SHA-512)$/

/** The hash with which the password is proven (SCRAM) instead of sent; null: it is sent. */
export function scramHash({
  version,
  authenticationMethod,
}: Pick<Profile, 'version' | 'authenticationMethod'>): 'SHA-256' | 'SHA-512' | null {
  const hash = version === 5 ? SCRAM.exec(authenticationMethod)?.[1] : undefined
  return hash === 'SHA-256' || hash === 'SHA-512' ? hash : null
}

/** The address a profile stands for. */
export function profileUrl(profile: Pick<Profile, 'scheme' | 'host' | 'port' | 'path'>): string {
  const host = profile.host.includes(':') ? `[${profile.host}]` : profile.host
  const path =
    profile.path.startsWith('/') || profile.path === '' ? profile.path : `/${profile.path}`
  return `${profile.scheme}://${host}:${profile.port}${path}`
}

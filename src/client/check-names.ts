/** Names of options that this library does not have are refused: a slip would be silence. */
import {
  namesOf,
  optionProblem,
  optionsOf,
  type OptionNames,
  type OtherNames,
} from '../base/option-names.ts'
import { MqttError } from './errors.ts'
import type { ConnectOptions, ReconnectOptions, Will } from './options.ts'

const IN_URL = 'it is part of the URL, such as mqtts://host:8883 or wss://host/path'
const IN_TLS = 'tls takes the text, not the path of a file'
const UNNEEDED = 'nothing here needs it'

/** What options of MQTT.js and Paho are called here; of those that are no option here, how it is done. */
const ELSEWHERE: OtherNames = {
  ours: {
    ALPNProtocols: 'tls.alpn',
    authPacket: 'authenticate',
    autoAssignTopicAlias: 'topicAliases',
    autoUseTopicAlias: 'topicAliases',
    ca: 'tls.ca',
    cert: 'tls.cert',
    checkServerIdentity: 'tls.verifyName',
    clean: 'cleanStart',
    cleanSession: 'cleanStart',
    keepAliveInterval: 'keepAliveSeconds',
    key: 'tls.key',
    log: 'onPacket',
    mqttVersion: 'version',
    nl: 'noLocal',
    passphrase: 'tls.passphrase',
    protocolId: 'version',
    protocolVersion: 'version',
    rap: 'retainAsPublished',
    reconnectOnConnackError: 'reconnect.first',
    reconnectPeriod: 'reconnect.minMs',
    rejectUnauthorized: 'tls.verify',
    rh: 'retainHandling',
    servername: 'tls.serverName',
    sessionExpiryInterval: 'sessionExpirySeconds',
    socksProxy: 'proxy',
    socksTimeout: 'connectTimeoutMs',
    timeout: 'connectTimeoutMs',
    transformWsUrl: 'options',
    userName: 'username',
    willMessage: 'will',
    wsOptions: 'headers',
  },
  advice: {
    auth: IN_URL,
    defaultProtocol: IN_URL,
    host: IN_URL,
    hostname: IN_URL,
    hosts: IN_URL,
    path: IN_URL,
    port: IN_URL,
    ports: IN_URL,
    protocol: IN_URL,
    query: IN_URL,
    servers: 'options may be a function that gives a URL for each connection',
    unixSocket: 'it is part of the URL: unix:///path',
    uris: IN_URL,
    useSSL: IN_URL,
    caPaths: IN_TLS,
    certPath: IN_TLS,
    keyPath: IN_TLS,
    customHandleAcks: 'subscribe() has acknowledge for it',
    dup: 'the client sets it when it sends a message again',
    incomingStore: 'what waits is in memory, see incomingMessagesMax',
    outgoingStore: 'what waits is in memory, see outgoingMessagesMax',
    queueQoSZero: 'messages of every QoS wait for a connection',
    resubscribe: 'subscriptions are made again when the server has lost the session',
    manualConnect: 'createClient() connects, and its "ready" says when',
    binary: UNNEEDED,
    browserBufferSize: UNNEEDED,
    browserBufferTimeout: UNNEEDED,
    createWebsocket: UNNEEDED,
    encoding: UNNEEDED,
    forceNativeWebSocket: UNNEEDED,
    messageIdProvider: UNNEEDED,
    objectMode: UNNEEDED,
    reschedulePings: UNNEEDED,
    subscribeBatchSize: UNNEEDED,
    timerVariant: UNNEEDED,
    writeCache: UNNEEDED,
  },
}

export const CONNECT_NAMES = {
  version: true,
  clientId: true,
  cleanStart: true,
  keepAliveSeconds: true,
  username: true,
  password: true,
  will: true,
  sessionExpirySeconds: true,
  receiveMaximum: true,
  maximumPacketSize: true,
  topicAliasMaximum: true,
  topicAliases: true,
  properties: true,
  reconnect: true,
  connectTimeoutMs: true,
  inflightMax: true,
  outgoingMessagesMax: true,
  outgoingBytesMax: true,
  incomingMessagesMax: true,
  incomingBytesMax: true,
  onMessage: true,
  onPacket: true,
  authenticate: true,
  signal: true,
} as const satisfies Record<keyof ConnectOptions, true>

const WILL_NAMES = namesOf<Will>({
  topic: true,
  payload: true,
  qos: true,
  retain: true,
  properties: true,
})

const RECONNECT_NAMES = namesOf<ReconnectOptions>({
  minMs: true,
  maxMs: true,
  jitter: true,
  first: true,
})

/** Throws MqttError `INVALID` on a name in `options` that is none of `names`. */
export function checkNames(place: string, options: object | undefined, names: OptionNames): void {
  const problem = optionProblem(place, options, names, place === '' ? ELSEWHERE : undefined)
  if (problem !== null) throw new MqttError('INVALID', problem)
}

/** What `connect` is told, held to the names, with what lies within. */
export function connectOptions<Options extends ConnectOptions>(
  given: Options,
  names: OptionNames,
): Options {
  checkNames('', given, names)
  const options = optionsOf(given ?? {}, names)
  checkNames('will', options.will, WILL_NAMES)
  if (options.reconnect !== false) checkNames('reconnect', options.reconnect, RECONNECT_NAMES)
  return options
}

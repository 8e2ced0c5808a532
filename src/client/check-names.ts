/** Names of options that this library does not have are refused: a slip would be silence. */
import { namesOf, optionProblem, optionsOf, type OptionNames } from '../base/option-names.ts'
import { MqttError } from './errors.ts'
import type { ConnectOptions, ReconnectOptions, Will } from './options.ts'

/** What MQTT.js and Paho call them. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  clean: 'cleanStart',
  cleanSession: 'cleanStart',
  keepAliveInterval: 'keepAliveSeconds',
  protocolVersion: 'version',
  reconnectPeriod: 'reconnect',
  userName: 'username',
  ca: 'tls',
  cert: 'tls',
  key: 'tls',
  rejectUnauthorized: 'tls.verify',
  servername: 'tls.serverName',
  protocolId: 'version',
  wsOptions: 'headers',
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
  const problem = optionProblem(place, options, names, place === '' ? ELSEWHERE : {})
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

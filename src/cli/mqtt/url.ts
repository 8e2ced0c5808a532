/** `-L SCHEME://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC` */
import { percentDecoded } from '../../client/url.ts'
import { wholeNumber } from './flag.ts'

export interface BrokerUrl {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly webSocket: boolean
  readonly username: string | null
  readonly password: string | null
  /** Everything behind the first `/` after the host, percent-decoded. */
  readonly topic: string
}

/** The WebSocket schemes have mosquitto's ports, not HTTP's: brokers listen there. */
const SCHEMES: Readonly<Record<string, Pick<BrokerUrl, 'port' | 'tls' | 'webSocket'>>> = {
  mqtt: { port: 1883, tls: false, webSocket: false },
  mqtts: { port: 8883, tls: true, webSocket: false },
  ws: { port: 1883, tls: false, webSocket: true },
  wss: { port: 8883, tls: true, webSocket: true },
}

/** The parts of a URL, or the line that says what is wrong with it. User, password and topic are percent-decoded, unlike mosquitto's. */
export function parseBrokerUrl(url: string): BrokerUrl | string {
  const [, name = '', rest = ''] = /^([a-z]+):\/\/(.*)$/is.exec(url) ?? []
  const key = name.toLowerCase()
  if (!Object.hasOwn(SCHEMES, key)) return 'Error: Unsupported URL scheme.'
  const slash = rest.indexOf('/')
  const topic = slash === -1 ? '' : rest.slice(slash + 1)
  if (topic === '') return 'Error: Invalid URL for -L argument specified - topic missing.'
  const authority = rest.slice(0, slash)
  const at = authority.lastIndexOf('@')
  const user = at === -1 ? null : authority.slice(0, at)
  const colon = user?.indexOf(':') ?? -1
  const [host, portText] = splitHost(authority.slice(at + 1))
  const port = portText === null ? SCHEMES[key].port : wholeNumber(portText, 1, 65_535)
  if (host === '' || port === null) {
    return `Error: Invalid URL for -L argument specified - ${host === '' ? 'host missing' : `invalid port '${portText}'`}.`
  }
  return {
    ...SCHEMES[key],
    host,
    port,
    username: user === null ? null : percentDecoded(colon === -1 ? user : user.slice(0, colon)),
    password: user === null || colon === -1 ? null : percentDecoded(user.slice(colon + 1)),
    topic: percentDecoded(topic),
  }
}

/** Host and port of `HOST[:PORT]`; an IPv6 address stands in brackets. */
export function splitHost(text: string): [host: string, port: string | null] {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/s.exec(text)
  if (match === null) return ['', null]
  return [match[1] ?? match[2] ?? '', match[3] ?? null]
}

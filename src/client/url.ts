/** Where a server is, as a URL. */
import { MqttError } from './errors.ts'

export interface Address {
  readonly transport: 'tcp' | 'unix' | 'websocket'
  readonly tls: boolean
  /** Name or address, IPv6 without brackets; empty for a unix socket. */
  readonly host: string
  readonly port: number
  /** Of the WebSocket with its query, or of the unix socket. */
  readonly path: string
  readonly username?: string
  readonly password?: string
}

type Scheme = readonly [transport: Address['transport'], tls: boolean, port: number]

const SCHEMES: Readonly<Record<string, Scheme>> = {
  'mqtt:': ['tcp', false, 1883],
  'tcp:': ['tcp', false, 1883],
  'mqtts:': ['tcp', true, 8883],
  'ssl:': ['tcp', true, 8883],
  'tls:': ['tcp', true, 8883],
  'ws:': ['websocket', false, 80],
  'wss:': ['websocket', true, 443],
  'unix:': ['unix', false, 0],
}

const WEBSOCKET_PATH = '/mqtt'

function invalid(text: string, why: string): never {
  throw new MqttError('INVALID', `'${text}' is no MQTT URL: ${why}`)
}

/** `%40` as `@`; a percent sign that begins nothing of the kind stays what it is. */
export function percentDecoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escaped) => {
    try {
      return decodeURIComponent(escaped)
    } catch {
      return escaped
    }
  })
}

/**
 * `mqtt://[user[:password]@]host[:port]`, `mqtts://`, `ws://host[:port][/path]` (path: `/mqtt` if absent), `wss://`,
 * `unix:///path/to/socket`. User name and password are percent-encoded. Throws MqttError `INVALID`.
 */
export function parseUrl(text: string): Address {
  if (!URL.canParse(text)) invalid(text, 'write it as mqtt://host:port')
  const url = new URL(text)
  const scheme = Object.hasOwn(SCHEMES, url.protocol) ? SCHEMES[url.protocol] : undefined
  if (scheme === undefined)
    invalid(text, `the scheme must be one of ${Object.keys(SCHEMES).join(' ')}`)
  const [transport, tls, defaultPort] = scheme
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const path = percentDecoded(url.pathname)
  if (transport === 'unix') {
    if (host !== '' || path === '') invalid(text, 'write the path as unix:///path/to/socket')
    return { transport, tls, host: '', port: 0, path }
  }
  if (host === '') invalid(text, 'the host is missing')
  const rest = url.pathname === '/' || url.pathname === '' ? WEBSOCKET_PATH : url.pathname
  return {
    transport,
    tls,
    host,
    port: url.port === '' ? defaultPort : Number(url.port),
    path: transport === 'websocket' ? rest + url.search : '',
    ...(url.username !== '' && { username: percentDecoded(url.username) }),
    ...(url.password !== '' && { password: percentDecoded(url.password) }),
  }
}

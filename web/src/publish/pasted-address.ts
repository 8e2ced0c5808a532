/** Addresses of brokers as people have them, for a form and for links. */
import type { Profile } from '../model/profile.ts'

/** Of MQTT over TCP: where the same broker mostly has its WebSocket. */
const OVER_TCP: AddressScheme = { scheme: 'ws', port: 9001, isMqtt: true }
const OVER_TLS: AddressScheme = { scheme: 'wss', port: 8084, isMqtt: true }

interface AddressScheme {
  readonly scheme: 'ws' | 'wss'
  /** Where the address names none. */
  readonly port: number
  /** The port of the address is not the one of the WebSocket. */
  readonly isMqtt?: boolean
}

/** As browsers, brokers, libraries and other clients write them. */
const SCHEMES: ReadonlyMap<string, AddressScheme> = new Map([
  ['ws', { scheme: 'ws', port: 80 }],
  ['wss', { scheme: 'wss', port: 443 }],
  ['http', { scheme: 'ws', port: 80 }],
  ['https', { scheme: 'wss', port: 443 }],
  ['mqtt', OVER_TCP],
  ['tcp', OVER_TCP],
  ['mqtts', OVER_TLS],
  ['ssl', OVER_TLS],
  ['tls', OVER_TLS],
])

/** Ports of MQTT over TCP: no WebSocket is there. */
const TCP_PORTS: ReadonlyMap<string, string> = new Map([
  ['1883', 'mqtt'],
  ['8883', 'mqtts'],
])

const BARE = /^(\[[\da-f:.]+\]|[^\s:/@[\]]+):(\d{1,5})$/i

/** What a form takes of an address. */
export interface PastedAddress {
  readonly fields: Partial<Profile>
  /** It is one of MQTT over TCP, which no browser can open. */
  readonly isMqtt: boolean
}

/**
 * An address as people paste it, `wss://user:password@host:port/path?query` or `host:port`, as one for WebSocket; null: it is
 * none.
 */
export function parseAddress(text: string): PastedAddress | null {
  const bare = BARE.exec(text.trim())
  if (bare !== null) return parseBare(bare[1] ?? '', bare[2] ?? '')
  const found = /^([a-z]+):\/\/(.*)$/is.exec(text.trim())
  const known = SCHEMES.get((found?.[1] ?? '').toLowerCase())
  if (found === null || known === undefined) return null
  const { scheme, port, isMqtt = false } = known
  try {
    // URL knows ports and hosts of the web's schemes only, and leaves out the port that is usual for one: 80 is not for https.
    const url = new URL(`http://${found[2]}`)
    const encrypted = new URL(`https://${found[2]}`)
    const given = Number(url.port || encrypted.port) || port
    const path = `${url.pathname === '/' ? '/mqtt' : url.pathname}${url.search}`
    const fields = {
      scheme,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: isMqtt ? port : given,
      path: isMqtt ? '/mqtt' : path,
      ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
      ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
    }
    return { fields, isMqtt }
  } catch {
    return null
  }
}

function parseBare(host: string, port: string): PastedAddress | null {
  const scheme = TCP_PORTS.get(port)
  if (scheme !== undefined) return parseAddress(`${scheme}://${host}`)
  return { fields: { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }, isMqtt: false }
}

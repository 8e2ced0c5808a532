/** Why no connection came about: the causes in the order in which they are tried, by what a browser can find out. */
import type { Profile } from './profile.ts'

type Address = Pick<Profile, 'scheme' | 'host' | 'port' | 'path'>

/**
 * A web server answered; or the attempt failed at once, be the port closed, one of MQTT over TCP or one whose certificate is unknown,
 * which a browser says alike; or nothing came at all.
 */
export type Reply = 'answered' | 'failed' | 'none'

/** What was asked after the failure. A browser learns of a WebSocket only whether it opens, of a request only whether it is answered. */
export interface Attempt {
  readonly address: Address
  /** The page itself came over TLS. */
  readonly pageIsSecure: boolean
  /** Addresses near this one where a WebSocket for MQTT does open. */
  readonly open: readonly Address[]
  /** What a request to host and port of this one met, with TLS where the scheme asks for it. */
  readonly reply: Reply
  /** There the broker that served the page takes WebSockets with TLS, from whoever has no certificate either. */
  readonly isOwnTls: boolean
  /** There the broker that served the page takes MQTT over TCP. */
  readonly isOwnMqtt: boolean
}

export type CauseName =
  | 'mixedContent'
  | 'tlsOnPlain'
  | 'plainOnTls'
  | 'wrongPath'
  | 'otherPort'
  | 'mqttPort'
  | 'otherPath'
  | 'unknownCertificate'
  | 'certificate'
  | 'hiddenTls'
  | 'nothingListens'
  | 'noAnswer'
  | 'maybeMqttPort'
  | 'originRefused'

export interface Cause {
  readonly name: CauseName
  /** It is this; else it may be. */
  readonly isCertain: boolean
  /** What would work instead. */
  readonly instead: Address | null
}

const MQTT_PORTS: ReadonlySet<number> = new Set([1883, 8883])
/** Causes that are about a certificate: the address is opened, and the authority imported. */
export const CERTIFICATE_CAUSES: ReadonlySet<CauseName> = new Set([
  'unknownCertificate',
  'certificate',
  'hiddenTls',
])
/** Where brokers take WebSockets. */
const PATHS: readonly string[] = ['/mqtt', '/', '/ws']
const isUsual = ({ path }: Address): boolean => PATHS.includes(path)
/** With or without the brackets that a URL has. */
const LOCAL = /^(?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/

/** Whether both names mean the same machine, as far as a name tells. */
export function isSameHost(one: string, other: string): boolean {
  return one === other || (LOCAL.test(one) && LOCAL.test(other))
}

type Test = (attempt: Attempt) => Omit<Cause, 'name'> | null

const certain = (instead: Address | null) => ({ isCertain: true, instead })
const when = (isPossible: boolean) => (isPossible ? { isCertain: false, instead: null } : null)

/** Another address that differs in just this. */
function differing(attempt: Attempt, only: keyof Address): Address | null {
  const { address, open } = attempt
  const names = ['scheme', 'host', 'port', 'path'] as const
  return (
    open.find((other) =>
      names.every((name) => (name === only) !== (other[name] === address[name])),
    ) ?? null
  )
}

/** The first ones are known for sure when they hold. */
const CAUSES: readonly (readonly [CauseName, Test])[] = [
  [
    'mixedContent',
    ({ address: { scheme, host }, pageIsSecure }) =>
      pageIsSecure && scheme === 'ws' && !LOCAL.test(host) ? certain(null) : null,
  ],
  [
    'tlsOnPlain',
    (attempt) => {
      const other = attempt.address.scheme === 'wss' ? differing(attempt, 'scheme') : null
      return other === null ? null : certain(other)
    },
  ],
  [
    'plainOnTls',
    (attempt) => {
      const { address, isOwnTls } = attempt
      if (address.scheme !== 'ws') return null
      if (isOwnTls) return certain({ ...address, scheme: 'wss' })
      const other = differing(attempt, 'scheme')
      return other === null ? null : certain(other)
    },
  ],
  [
    'unknownCertificate',
    ({ address: { scheme }, reply, isOwnTls }) =>
      scheme === 'wss' && isOwnTls && reply !== 'answered' ? certain(null) : null,
  ],
  [
    'wrongPath',
    (attempt) => {
      const other = differing(attempt, 'path')
      return other === null ? null : certain(other)
    },
  ],
  [
    'mqttPort',
    ({ address, open, reply, isOwnMqtt }) =>
      (isOwnMqtt || MQTT_PORTS.has(address.port)) && reply !== 'answered'
        ? certain(open[0] ?? null)
        : null,
  ],
  ['otherPort', ({ open }) => (open[0] === undefined ? null : certain(open[0]))],
  // The usual paths were all tried: an origin that is refused is likelier then.
  ['originRefused', ({ address, reply }) => when(reply === 'answered' && isUsual(address))],
  ['otherPath', ({ reply }) => when(reply === 'answered')],
  ['noAnswer', ({ reply }) => when(reply === 'none')],
  ['nothingListens', ({ reply }) => when(reply === 'failed')],
  ['maybeMqttPort', ({ reply }) => when(reply !== 'answered')],
  ['certificate', ({ address, reply }) => when(address.scheme === 'wss' && reply === 'failed')],
  ['hiddenTls', ({ address, reply }) => when(address.scheme === 'ws' && reply === 'failed')],
  [
    'originRefused',
    ({ address, reply }) => when(reply === 'failed' || (reply === 'answered' && !isUsual(address))),
  ],
]

/** The causes that remain; a certain one is the only one. */
export function causesOf(attempt: Attempt): readonly Cause[] {
  const found: Cause[] = []
  for (const [name, test] of CAUSES) {
    const cause = test(attempt)
    if (cause === null) continue
    if (cause.isCertain) return [{ name, ...cause }]
    found.push({ name, ...cause })
  }
  return found
}

const WEBSOCKET_PORTS = [9001, 8083, 8084, 9883] as const

/** Where else to knock, the likeliest first. */
export function neighbours(address: Address, pageIsSecure: boolean): Address[] {
  const other = address.scheme === 'ws' ? 'wss' : 'ws'
  const paths = PATHS.filter((path) => path !== address.path)
  const all: Address[] = [
    { ...address, scheme: other },
    ...paths.map((path) => ({ ...address, path })),
    ...WEBSOCKET_PORTS.filter((port) => port !== address.port).map((port) => ({
      ...address,
      port,
      path: '/mqtt',
      scheme: port === 8084 ? ('wss' as const) : address.scheme,
    })),
  ]
  return all.filter(({ scheme, host }) => !pageIsSecure || scheme === 'wss' || LOCAL.test(host))
}

/** Listeners of a broker inside another program: TCP, TLS, WebSocket, unix sockets. */
import type { Log } from '../base/log.ts'
import { namesOf, optionProblem } from '../base/option-names.ts'
import type { ListenerOptions } from '../ports/ports.ts'
import type { EntranceSettings } from '../transports/entrance.ts'
import { pemBlocks } from '../transports/pem.ts'
import { createTlsEntrance } from '../transports/tls.ts'
import type { TlsSettings } from '../transports/tls-settings.ts'
import { createWebEntrance } from '../transports/websocket.ts'
import type { Engine } from './engine.ts'
import { WEB_HEADER_BYTES_MAX } from './listeners.ts'
import { readRevocationLists } from './revocation-lists.ts'

export interface ListenOptions {
  /** 0 or absent: any free port. */
  port?: number
  /** Name or address; null: every address of this machine. Absent: 127.0.0.1. */
  host?: string | null
  /** Path of a unix socket, instead of port and host. */
  path?: string
  /** MQTT itself (absent), MQTT in WebSocket, or both, told apart by the first byte. */
  protocol?: 'mqtt' | 'websockets' | 'auto'
  /** Makes the listener TLS 1.2 and 1.3. */
  tls?: ListenTlsOptions
  webSocket?: {
    /** The path of the URL. Absent: any. */
    path?: string
    /** Web sites whose pages may connect. Absent: any. */
    origins?: readonly string[]
  }
}

/** Contents in PEM, not file names. */
export interface ListenTlsOptions {
  /** The certificate, then those between it and its authority. */
  cert: string
  /** Its private key, not encrypted. */
  key: string
  /** Clients must show a certificate of one of these authorities; its common name is their user name. */
  ca?: string | readonly string[]
  /** Revocation lists for `ca`. */
  crl?: string
  minVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/** Where the broker listens. */
export interface Listening {
  /** 0: a unix socket. */
  readonly port: number
}

const DEFAULTS: ListenerOptions = {
  port: 0,
  allowAnonymous: true,
  allowZeroLengthClientId: true,
  autoIdPrefix: 'auto-',
  acceptVersions: [3, 4, 5],
  maxQos: 2,
  topicAliasMaximum: 10,
  topicAliasMaximumOut: 10,
  useUsernameAsClientId: false,
  mountPoint: '',
  usernameFrom: 'connect',
}

const NAMES = namesOf<ListenOptions>({
  port: true,
  host: true,
  path: true,
  protocol: true,
  tls: true,
  webSocket: true,
})
const TLS_NAMES = namesOf<ListenTlsOptions>({
  cert: true,
  key: true,
  ca: true,
  crl: true,
  minVersion: true,
})
const WEB_NAMES = namesOf<NonNullable<ListenOptions['webSocket']>>({ path: true, origins: true })

/** What is wrong with the names of these options, or null. */
export function listenProblem(options: ListenOptions): string | null {
  return (
    optionProblem('', options, NAMES) ??
    optionProblem('tls', options.tls, TLS_NAMES) ??
    optionProblem('webSocket', options.webSocket, WEB_NAMES)
  )
}

/** @throws ListenError, or TlsSettingsError when certificate or key cannot be used. */
export async function listenEmbedded(
  engine: Engine,
  log: Log,
  options: ListenOptions,
): Promise<Listening> {
  const { port = 0, host = '127.0.0.1', path, tls } = options
  const clients: ListenerOptions = {
    ...DEFAULTS,
    port: path === undefined ? port : 0,
    usernameFrom: tls?.ca === undefined ? 'connect' : 'identity',
  }
  const where = { host, port, socketPath: path ?? null, family: null, networkInterface: null }
  await engine.listen(
    { where, optional: false },
    {
      options: clients,
      budget: { max: 0, open: 0 },
      entrance: entranceOf(engine, log, clients, options),
    },
  )
  return { port: clients.port }
}

function entranceOf(
  engine: Engine,
  log: Log,
  listener: ListenerOptions,
  { tls, protocol = 'mqtt', webSocket = {} }: ListenOptions,
): EntranceSettings {
  const web = {
    origins: webSocket.origins ?? [],
    path: webSocket.path ?? null,
    headerBytesMax: WEB_HEADER_BYTES_MAX,
    onRequest: null,
  }
  return {
    proxy: null,
    tls:
      tls === undefined ? null : createTlsEntrance(settingsOf(tls), engine.handshakes, log, null),
    web: protocol === 'mqtt' ? null : createWebEntrance(web, { core: engine.broker, listener }),
    auto: protocol === 'auto',
  }
}

function settingsOf({ cert, key, ca, crl, minVersion = 'TLSv1.2' }: ListenTlsOptions): TlsSettings {
  const revocations = crl === undefined ? [] : pemBlocks(crl, 'X509 CRL')
  return {
    certificate: cert,
    key,
    authorities: [ca ?? []].flat(),
    revocations,
    ciphers: null,
    ciphersTls13: null,
    minVersion,
    requireCertificate: ca !== undefined,
    ignoreCertificateDates: false,
    lists: readRevocationLists(revocations),
    psk: null,
  }
}

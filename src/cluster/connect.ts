/** Opens the connection to the NATS servers. The library is loaded here and nowhere else: only a cluster needs it. */
import { readFileSync, statSync } from 'node:fs'
import { randomBytes, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { ClusterError } from './failures.ts'
import { pause, Wire } from './wire.ts'

/** The oldest server that has all that is asked of it. */
const SERVER_VERSION_MIN = [2, 12, 3]
const RETRY_MS = 1000
const RECONNECT_MS = 250
/** Without an answer to this the connection is to a server that is gone, or cut off. */
const PING_MS = 2000
const PINGS_MAX = 2
/** A server that does not answer a connection by then is gone, or cut off: there are others, and the lease runs. */
const DIAL_MS_MAX = 3000

export interface WireOptions {
  /** `nats://host:port`, also with a user name and a password, or `tls://…`. */
  readonly urls: readonly string[]
  /** For the servers' list of connections. */
  readonly name: string
  /** File of a user's JWT and seed; null: none. */
  readonly credsFile: string | null
  /** Files of certificates; null: none. */
  readonly caFile: string | null
  readonly certFile: string | null
  readonly keyFile: string | null
  /** Is told why it is not connected yet, now and then. */
  say(text: string): void
}

/** Resolves once there is a connection. Throws {@link ClusterError} when the servers are not what is needed. */
export async function connectWire(options: WireOptions): Promise<Wire> {
  const library = await import('@nats-io/transport-node')
  const { transports } = await import('./transport.ts')
  library.setTransportFactory(transports)
  const { urls, name, credsFile, caFile, certFile } = options
  checkFiles(options, (bytes) => void library.credsAuthenticator(bytes)(''))
  const { username, password } = new URL(urls[0])
  const hasTls = caFile !== null || certFile !== null || urls.some((url) => url.startsWith('tls:'))
  const settings = {
    servers: urls.map((url) => new URL(url).host),
    name,
    noEcho: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    pingInterval: PING_MS,
    maxPingOut: PINGS_MAX,
    timeout: DIAL_MS_MAX,
    // A stack trace for every request costs more than the request.
    noAsyncTraces: true,
    ...(username === ''
      ? {}
      : { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    ...(credsFile === null
      ? {}
      : { authenticator: library.credsAuthenticator(readFileSync(credsFile)) }),
    ...(hasTls ? { tls: tlsOf(options) } : {}),
  }
  for (;;) {
    try {
      const nc = await library.NatsConnectionImpl.connect(settings)
      const version = nc.info?.version ?? ''
      if (!isNewEnough(version)) {
        await nc.close()
        throw new ClusterError(
          `nats-server ${SERVER_VERSION_MIN.join('.')} or newer is needed; the one at ${nc.getServer()} is ${version}`,
        )
      }
      return new Wire(nc, library, `_INBOX.${randomBytes(8).toString('hex')}`)
    } catch (error) {
      if (error instanceof ClusterError || !(error instanceof Error)) throw error
      if (/authorization|authentication/i.test(error.message))
        throw new ClusterError(`NATS does not let us in: ${error.message}`)
      options.say(`no NATS server answers at ${urls.join(', ')}: ${error.message}`)
      await pause(RETRY_MS)
    }
  }
}

/** Throws {@link ClusterError} for a file that no attempt will get further with. `checkCreds` throws when they are none. */
function checkFiles(
  { credsFile, caFile, certFile, keyFile }: WireOptions,
  checkCreds: (bytes: Uint8Array) => void,
): void {
  check('cluster_creds', credsFile, checkCreds)
  check('cluster_cafile', caFile, (bytes) => void new X509Certificate(bytes))
  check('cluster_certfile', certFile, (cert) => void createSecureContext({ cert }))
  check('cluster_keyfile', keyFile, (key) => void createSecureContext({ key }))
}

function check(option: string, file: string | null, use: (bytes: Buffer) => void): void {
  if (file === null) return
  try {
    // The library reads some of them again whenever it connects, and would wait for a pipe without end.
    if (!statSync(file).isFile()) throw new Error('it must be a file, to be read again')
    use(readFileSync(file))
  } catch (error) {
    throw new ClusterError(`${option} ${file} cannot be used: ${(error as Error).message}`)
  }
}

function tlsOf({ caFile, certFile, keyFile }: WireOptions): Record<string, string> {
  return {
    ...(caFile === null ? {} : { caFile }),
    ...(certFile === null ? {} : { certFile }),
    ...(keyFile === null ? {} : { keyFile }),
  }
}

function isNewEnough(version: string): boolean {
  const have = version.split('.').map((part) => Number.parseInt(part, 10))
  for (const [index, wanted] of SERVER_VERSION_MIN.entries()) {
    if (have[index] > wanted) return true
    if (!(have[index] >= wanted)) return false
  }
  return true
}

/** TLS with certificates or with a key that both sides know (PSK). */
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { isIP, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { TlsOptions } from './tls-options.ts'

/** Our side of a socket, as `net.connect` takes it. */
export type OwnSide = Pick<
  TcpNetConnectOpts,
  'localAddress' | 'keepAlive' | 'keepAliveInitialDelay'
>

type Certificates = NonNullable<ConnectionOptions['ca']>

function pskOptions({ psk, ciphers }: TlsOptions): ConnectionOptions {
  if (psk === undefined) return {}
  const { identity, key } = psk
  return {
    pskCallback: () => ({ psk: key, identity }),
    // The key proves the server; there is no certificate to look at. OpenSSL leaves PSK out unless it is asked for.
    checkServerIdentity: () => undefined,
    ciphers: ciphers ?? 'PSK',
    maxVersion: 'TLSv1.2',
  }
}

/** Where the server is, and the name that its certificate is for. */
export interface TlsPlace {
  readonly name: string
  readonly host: string
  readonly port: number
}

/** Options for `tls.connect` to a server that is called `host`. */
export function tlsOptions(host: string, tls: TlsOptions): ConnectionOptions {
  const { ca, cert, key, passphrase, ciphers, alpn, minVersion = 'TLSv1.2', maxVersion } = tls
  const name = tls.serverName ?? host
  return {
    host,
    // An address is no server name [RFC 6066, 3].
    ...(isIP(name) === 0 && { servername: name }),
    ...(ca !== undefined && { ca: ca as Certificates }),
    ...(cert !== undefined && { cert: cert as Certificates }),
    ...(key !== undefined && { key: key as Exclude<ConnectionOptions['key'], undefined> }),
    ...(passphrase !== undefined && { passphrase }),
    ...(ciphers !== undefined && { ciphers }),
    ...(alpn !== undefined && { ALPNProtocols: [...alpn] }),
    ...(maxVersion !== undefined && { maxVersion }),
    ...(tls.verifyName === false && { checkServerIdentity: () => undefined }),
    ...pskOptions(tls),
    minVersion,
    rejectUnauthorized: tls.verify ?? true,
  }
}

/** TLS to a server, over `socket` if there is one already. Its event `secureConnect` says that it stands. */
export function connectTls(
  { name, host, port }: TlsPlace,
  tls: TlsOptions,
  socket: Socket | null,
  own: OwnSide,
): TLSSocket {
  const secured = connect({
    ...tlsOptions(name, tls),
    ...(socket === null ? { host, port, ...own } : { socket }),
  })
  // Of a secured socket Node does not take it as an option.
  if (own.keepAlive === true)
    secured.once('connect', () => secured.setKeepAlive(true, own.keepAliveInitialDelay))
  const { onKeyLog } = tls
  if (onKeyLog !== undefined) secured.on('keylog', onKeyLog)
  return secured
}

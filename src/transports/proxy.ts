/** Connections that come through a load balancer: its header first, then the client's own bytes. */
import type { BlockList, Socket } from 'node:net'
import type { TlsFacts } from '../ports/ports.ts'
import { userName } from './peer-certificate.ts'
import {
  HEADER_BYTES_MAX,
  ProxyHeaderError,
  readProxyHeader,
  type ProxyHeader,
} from './proxy-protocol.ts'

export interface ProxyRules {
  readonly version: 1 | 2
  /** The client has to have reached the proxy over TLS. */
  readonly requireTls: boolean
  /** The proxy has to have found the client's certificate good. */
  readonly requireCertificate: boolean
  /** Where proxies may be; null: anywhere. */
  readonly trusted: BlockList | null
}

/** What the header came to. */
export interface Proxied {
  /** null: as the socket says. */
  readonly remote: string | null
  readonly tls: TlsFacts | null
  /** What came behind the header; null: nothing yet. */
  readonly rest: Buffer | null
}

/** Reads the header of `raw`, paused; calls one of both. The socket is paused again then. */
export function readProxied(
  raw: Socket,
  rules: ProxyRules,
  then: (proxied: Proxied) => void,
  refused: (why: string) => void,
): void {
  const { remoteAddress, remoteFamily } = raw
  const family = remoteFamily === 'IPv6' ? 'ipv6' : 'ipv4'
  if (rules.trusted !== null && !rules.trusted.check(remoteAddress ?? '', family))
    return refused('it is no proxy that is trusted (proxy_protocol_trusted)')
  let bytes: Buffer = Buffer.alloc(0)
  const onData = (chunk: Buffer): void => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    try {
      const header = readProxyHeader(rules.version, bytes.subarray(0, HEADER_BYTES_MAX))
      if (header === null) return
      raw.pause()
      raw.off('data', onData)
      checkRules(header, rules)
      const rest = bytes.length === header.length ? null : bytes.subarray(header.length)
      then({ remote: header.remote, tls: factsOf(header), rest })
    } catch (error) {
      if (!(error instanceof ProxyHeaderError)) throw error
      raw.off('data', onData)
      refused(error.message)
    }
  }
  raw.on('data', onData)
  raw.resume()
}

/** What came from the client itself; nothing as long as the header is not whole. */
export function behindHeader({ version }: ProxyRules, bytes: Buffer): Buffer {
  try {
    const header = readProxyHeader(version, bytes.subarray(0, HEADER_BYTES_MAX))
    return bytes.subarray(header?.length ?? bytes.length)
  } catch {
    return bytes.subarray(bytes.length)
  }
}

function checkRules({ tls }: ProxyHeader, { requireTls, requireCertificate }: ProxyRules): void {
  if (requireTls && tls === null)
    throw new ProxyHeaderError('its client came without TLS (proxy_protocol_v2_require_tls)')
  if (requireCertificate && tls?.verified !== true)
    throw new ProxyHeaderError('its client showed no good certificate (require_certificate)')
}

/** A name counts only when the proxy has verified the certificate that it is in. */
function factsOf({ tls }: ProxyHeader): TlsFacts | null {
  if (tls === null) return null
  const identity = tls.verified ? userName(tls.commonName) : null
  return { identity, subject: null, pskIdentity: null }
}

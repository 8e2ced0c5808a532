/**
 * The header that a load balancer puts in front of a connection: PROXY protocol, versions 1 (a line of text) and
 * 2 (binary), as HAProxy defines them. Bounded, and strict: what is not exactly a header is none.
 */
import { isIPv4, isIPv6 } from 'node:net'

/** What the proxy says about its client. */
export interface ProxyHeader {
  /** Bytes of the header. */
  readonly length: number
  /** `address:port`, or a unix socket's path; null: the connection is the proxy's own, or it does not tell. */
  readonly remote: string | null
  /** Version 2: the client's TLS; null: it had none. */
  readonly tls: ProxyTls | null
}

export interface ProxyTls {
  /** The client showed a certificate, and the proxy found it good. */
  readonly verified: boolean
  /** Its common name as it came; null: not told. */
  readonly commonName: string | null
}

/** No header; `message` says what is wrong. */
export class ProxyHeaderError extends Error {
  override name = 'ProxyHeaderError'
}

const LINE_BYTES_MAX = 107
const PREFIX_BYTES = 16
/** Address and TLVs of version 2, bytes. Certificates do not travel in it. */
const BODY_BYTES_MAX = 4096

/** A header is never longer. */
export const HEADER_BYTES_MAX = PREFIX_BYTES + BODY_BYTES_MAX

/**
 * Reads the header at the begin of `bytes`; null while more is needed.
 *
 * @throws ProxyHeaderError as soon as it cannot become one.
 */
export function readProxyHeader(version: 1 | 2, bytes: Buffer): ProxyHeader | null {
  return version === 1 ? readLine(bytes) : readBinary(bytes)
}

const lineStart = Buffer.from('PROXY ', 'latin1')

function readLine(bytes: Buffer): ProxyHeader | null {
  const known = Math.min(bytes.length, lineStart.length)
  if (bytes.compare(lineStart, 0, known, 0, known) !== 0)
    throw new ProxyHeaderError('it does not begin with a PROXY line (version 1)')
  const end = bytes.subarray(0, LINE_BYTES_MAX).indexOf('\r\n', 0, 'latin1')
  if (end < 0) {
    if (bytes.length >= LINE_BYTES_MAX)
      throw new ProxyHeaderError(`its PROXY line is longer than ${LINE_BYTES_MAX} bytes`)
    return null
  }
  const length = end + 2
  const [, family, source, target, sourcePort, targetPort, ...more] = bytes
    .toString('latin1', 0, end)
    .split(' ')
  if (family === 'UNKNOWN') return { length, remote: null, tls: null }
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : null
  if (isAddress === null) throw new ProxyHeaderError('its PROXY line names no known protocol')
  const good =
    more.length === 0 &&
    isAddress(source) &&
    isAddress(target) &&
    isPort(sourcePort) &&
    isPort(targetPort)
  if (!good) throw new ProxyHeaderError('its PROXY line is not made of two addresses and two ports')
  return { length, remote: `${canonical(source)}:${sourcePort}`, tls: null }
}

function isPort(text: string | undefined): boolean {
  return text !== undefined && /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
}

/**
 * One way of writing an IPv6 address, inet_ntop's: the end of one that holds an IPv4 address is dotted. A zone
 * (`%eth0`) is another machine's: it is left out.
 */
function canonical(address: string): string {
  if (isIPv4(address)) return address
  const hex = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(hex) ?? []
  if (low === undefined) return hex
  const words = [high, low].map((word) => Number.parseInt(word, 16))
  return `::ffff:${words.flatMap((word) => [word >> 8, word & 255]).join('.')}`
}

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const LOCAL = 0x20
const PROXIED = 0x21

const UNIX_FAMILY = 0x31
/** Both paths, padded with zeros. */
const UNIX_BYTES = 216
const UNIX_PATH_BYTES = 108

/** Bytes of the addresses, by family and protocol. */
const addressBytes = new Map([
  [0x00, 0],
  [0x11, 12],
  [0x21, 36],
  [UNIX_FAMILY, UNIX_BYTES],
])

/**
 *     12 signature │ 1 version, command │ 1 family, protocol │ 2 length │ addresses │ TLVs
 *                                                            └─────────── length ──────────┘
 */
function readBinary(bytes: Buffer): ProxyHeader | null {
  const known = Math.min(bytes.length, signature.length)
  if (bytes.compare(signature, 0, known, 0, known) !== 0)
    throw new ProxyHeaderError('it does not begin with a PROXY header (version 2)')
  if (bytes.length < PREFIX_BYTES) return null
  const command = bytes[12]
  if (command !== LOCAL && command !== PROXIED)
    throw new ProxyHeaderError('its PROXY header has another version or command')
  const bodyLength = bytes.readUInt16BE(14)
  if (bodyLength > BODY_BYTES_MAX)
    throw new ProxyHeaderError(`its PROXY header is longer than ${HEADER_BYTES_MAX} bytes`)
  const length = PREFIX_BYTES + bodyLength
  if (bytes.length < length) return null
  // The proxy speaks for itself, to see whether we are there.
  if (command === LOCAL) return { length, remote: null, tls: null }
  const family = bytes[13]
  // Some send a path as long as it is: nothing can follow it then.
  const isShort = family === UNIX_FAMILY && bodyLength < UNIX_BYTES
  const size = isShort ? bodyLength : addressBytes.get(family)
  if (size === undefined || size > bodyLength)
    throw new ProxyHeaderError('its PROXY header has another address family, or too few addresses')
  return {
    length,
    remote: remoteOf(family, bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + size)),
    tls: tlsOf(bytes.subarray(PREFIX_BYTES + size, length)),
  }
}

function remoteOf(family: number, body: Buffer): string | null {
  if (family === UNIX_FAMILY) return pathOf(body)
  if (family === 0x11) return `${body.subarray(0, 4).join('.')}:${body.readUInt16BE(8)}`
  if (family !== 0x21) return null
  const groups = Array.from({ length: 8 }, (_, index) => body.readUInt16BE(index * 2).toString(16))
  return `${canonical(groups.join(':'))}:${body.readUInt16BE(32)}`
}

/** null: a socket without a name. */
function pathOf(body: Buffer): string | null {
  const padded = body.subarray(0, UNIX_PATH_BYTES)
  const end = padded.indexOf(0)
  const path = padded.toString('utf8', 0, end === -1 ? padded.length : end)
  return path === '' ? null : path
}

const TLV_TLS = 0x20
const TLV_COMMON_NAME = 0x22
const FLAG_TLS = 0x01
const FLAGS_CERTIFICATE = 0x06
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** `flags, verify (4), TLVs`; verify is 0 for a certificate that was shown and is good. */
function tlsOf(tlvs: Buffer): ProxyTls | null {
  const value = valueOf(tlvs, TLV_TLS)
  if (value === null) return null
  if (value.length < 5)
    throw new ProxyHeaderError('its PROXY header has a TLS part that is cut off')
  const flags = value[0]
  if ((flags & FLAG_TLS) === 0) return null
  const verified = (flags & FLAGS_CERTIFICATE) !== 0 && value.readUInt32BE(1) === 0
  const name = valueOf(value.subarray(5), TLV_COMMON_NAME)
  try {
    return { verified, commonName: name === null ? null : utf8.decode(name) }
  } catch {
    return { verified, commonName: null }
  }
}

/** The value of the one TLV of this type; null: there is none. All of them have to fit. */
function valueOf(tlvs: Buffer, type: number): Buffer | null {
  let found: Buffer | null = null
  for (let at = 0; at < tlvs.length;) {
    const end = at + 3 > tlvs.length ? Infinity : at + 3 + tlvs.readUInt16BE(at + 1)
    if (end > tlvs.length) throw new ProxyHeaderError('its PROXY header has a part that is cut off')
    if (tlvs[at] === type) {
      if (found !== null) throw new ProxyHeaderError('its PROXY header says one thing twice')
      found = tlvs.subarray(at + 3, end)
    }
    at = end
  }
  return found
}

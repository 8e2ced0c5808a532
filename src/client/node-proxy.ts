/** Connections through a proxy: SOCKS5 (RFC 1928, 1929) and HTTP CONNECT (RFC 9110, 9.3.6). */
import { connect, isIP, type Socket } from 'node:net'
import { once } from 'node:events'
import { loopbackAddresses } from '../base/loopback.ts'
import { MqttError } from './errors.ts'
import { orAborted } from './late-wire.ts'
import { addressesOf } from './node-names.ts'
import type { OwnSide } from './node-tls.ts'
import { percentDecoded } from './url.ts'

export interface Proxy {
  /** `socks5h`: the proxy looks up names, `socks5`: this machine does. */
  readonly kind: 'socks5' | 'socks5h' | 'http'
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
}

const DEFAULT_PORTS = { socks5: 1080, socks5h: 1080, http: 8080 }
/** No answer of a proxy is longer. */
const ANSWER_BYTES_MAX = 16 * 1024

function invalid(text: string): never {
  throw new MqttError('INVALID', `'${text}' is no proxy: write socks5h://[user:password@]host:port`)
}

/** `socks5h://`, `socks5://` or `http://`, `[user[:password]@]host[:port]`, percent-encoded. Throws MqttError `INVALID`. */
export function parseProxy(text: string): Proxy {
  if (!URL.canParse(text)) invalid(text)
  const url = new URL(text)
  const kind = url.protocol.slice(0, -1)
  if (kind !== 'socks5' && kind !== 'socks5h' && kind !== 'http') invalid(text)
  if (url.hostname === '') invalid(text)
  return {
    kind,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    // An URL forgets the port that is its scheme's own.
    port:
      url.port === '' ? (/:80(?:\/|$)/.test(text) ? 80 : DEFAULT_PORTS[kind]) : Number(url.port),
    username: percentDecoded(url.username),
    password: percentDecoded(url.password),
  }
}

/** Bytes from the socket, as many as are asked for. */
class Answers {
  private readonly socket: Socket
  private bytes = Buffer.alloc(0)

  constructor(socket: Socket) {
    this.socket = socket
  }

  async take(count: number): Promise<Buffer> {
    while (this.bytes.length < count) await this.more()
    const taken = this.bytes.subarray(0, count)
    this.bytes = this.bytes.subarray(count)
    return taken
  }

  async takeUntil(mark: string): Promise<string> {
    for (;;) {
      const at = this.bytes.indexOf(mark)
      if (at >= 0) return (await this.take(at + mark.length)).toString('latin1')
      await this.more()
    }
  }

  /** What was read too much goes back: it is the server's. */
  finish(): void {
    if (this.bytes.length > 0) this.socket.unshift(this.bytes)
  }

  private async more(): Promise<void> {
    let chunk = this.socket.read() as Buffer | null
    while (chunk === null) {
      const gone = new AbortController()
      const signal = gone.signal
      await Promise.race([
        once(this.socket, 'readable', { signal }),
        once(this.socket, 'close', { signal }).then(() => {
          throw new Error('the proxy closed the connection')
        }),
      ]).finally(() => gone.abort())
      chunk = this.socket.read() as Buffer | null
    }
    this.bytes = Buffer.concat([this.bytes, chunk])
    if (this.bytes.length > ANSWER_BYTES_MAX)
      throw new Error('the proxy does not speak its protocol')
  }
}

const SOCKS_REPLIES = [
  'succeeded',
  'general failure',
  'not allowed by its rules',
  'network unreachable',
  'host unreachable',
  'connection refused',
  'time to live expired',
  'command not supported',
  'address type not supported',
]

function counted(text: string): Buffer {
  const bytes = Buffer.from(text)
  if (bytes.length > 255) throw new MqttError('INVALID', 'a name for the proxy is over 255 bytes')
  return Buffer.concat([Buffer.of(bytes.length), bytes])
}

/** Address type, address and port as RFC 1928, 5 writes them. */
async function socksAddress(proxy: Proxy, host: string, port: number): Promise<Buffer> {
  let name = host
  if (proxy.kind === 'socks5') [name] = await addressesOf(host)
  const portBytes = Buffer.of(port >> 8, port & 0xff)
  if (isIP(name) === 4)
    return Buffer.concat([Buffer.of(1, ...name.split('.').map(Number)), portBytes])
  if (isIP(name) === 6) return Buffer.concat([Buffer.of(4), ipv6Bytes(name), portBytes])
  return Buffer.concat([Buffer.of(3), counted(name), portBytes])
}

function ipv6Bytes(address: string): Buffer {
  // The URL parser writes every form of an IPv6 address, the one with dots included, in groups of hex digits.
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head, tail] = plain.split('::')
  const groups = (text: string | undefined) => (text ? text.split(':') : [])
  const front = groups(head)
  const back = groups(tail)
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => '0')
  const all = tail === undefined ? front : [...front, ...zeros, ...back]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

async function socks(socket: Socket, answers: Answers, proxy: Proxy, host: string, port: number) {
  const methods = proxy.username === '' ? [0] : [0, 2]
  socket.write(Buffer.of(5, methods.length, ...methods))
  const [version, method] = await answers.take(2)
  if (version !== 5) throw new Error('the proxy does not speak SOCKS5')
  if (method === 2) {
    const login = [Buffer.of(1), counted(proxy.username), counted(proxy.password)]
    socket.write(Buffer.concat(login))
    if ((await answers.take(2))[1] !== 0) throw new Error('the proxy refused user name or password')
  } else if (method !== 0) throw new Error('the proxy asks for a user name and password')
  const address = await socksAddress(proxy, host, port)
  socket.write(Buffer.concat([Buffer.of(5, 1, 0), address]))
  const [, reply, , kind] = await answers.take(4)
  if (reply !== 0) throw new Error(`the proxy could not connect: ${SOCKS_REPLIES[reply] ?? reply}`)
  const length = kind === 1 ? 4 : kind === 4 ? 16 : (await answers.take(1))[0]
  await answers.take(length + 2)
}

async function tunnel(socket: Socket, answers: Answers, proxy: Proxy, host: string, port: number) {
  const target = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
  const login = Buffer.from(`${proxy.username}:${proxy.password}`).toString('base64')
  const auth = proxy.username === '' ? '' : `Proxy-Authorization: Basic ${login}\r\n`
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${auth}\r\n`)
  const head = await answers.takeUntil('\r\n\r\n')
  const [status] = head.split('\r\n')
  if (!/^HTTP\/1\.[01] 2\d\d/.test(status)) throw new Error(`the proxy answered: ${status}`)
}

/** A socket to the proxy itself, at the first of its addresses that somebody listens at. */
async function socketTo({ host, port }: Proxy, own: OwnSide, signal: AbortSignal): Promise<Socket> {
  let first: unknown = null
  for (const address of loopbackAddresses(host, own.localAddress) ?? [host]) {
    const socket = connect({ ...own, host: address, port, noDelay: true })
    // While nothing of it is waited for, it may fail too.
    socket.on('error', () => undefined)
    try {
      await once(socket, 'connect', { signal })
      return socket
    } catch (error) {
      socket.destroy()
      signal.throwIfAborted()
      first ??= error
    }
  }
  throw first
}

/** A connection to `host:port` through the proxy. Rejects with the proxy's reason, or when `signal` gives it up. */
export async function connectThrough(
  proxy: Proxy,
  host: string,
  port: number,
  own: OwnSide,
  signal: AbortSignal,
): Promise<Socket> {
  signal.throwIfAborted()
  let socket: Socket | null = null
  const abort = (): void => void socket?.destroy(signal.reason as Error)
  signal.addEventListener('abort', abort, { once: true })
  try {
    socket = await socketTo(proxy, own, signal)
    const answers = new Answers(socket)
    const shake = proxy.kind === 'http' ? tunnel : socks
    await orAborted(shake(socket, answers, proxy, host, port), signal)
    answers.finish()
    return socket
  } catch (error) {
    socket?.destroy()
    throw new Error(`proxy ${proxy.host}:${proxy.port}: ${(error as Error).message}`, {
      cause: error,
    })
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

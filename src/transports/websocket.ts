/**
 * MQTT in WebSocket (MQTT 5.0, 6): from an HTTP request to a link. A request that asks for something else gets
 * an answer and is closed, or goes to the handler of whoever owns the listener.
 */
import { createHash } from 'node:crypto'
import {
  createServer,
  STATUS_CODES,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { LinkOwner, Peer } from './link.ts'
import { openWebSocketLink } from './websocket-link.ts'

export interface UpgradeSettings {
  /** Web sites whose pages may connect, as their Origin header says it; none: any. */
  readonly origins: readonly string[]
  /** The path of the URL; null: any. */
  readonly path: string | null
}

export interface WebSettings extends UpgradeSettings {
  /** Bytes of the headers of a request. */
  readonly headerBytesMax: number
  /** Answers requests that are no upgrade; null: nobody does. */
  readonly onRequest: RequestListener | null
}

export interface WebEntrance {
  /**
   * Takes a connection that begins with an HTTP request.
   *
   * @param stays Is called with the ms that the connection may stay from then on; 0, for ever: it is a link.
   */
  take(socket: Socket, peer: Peer, stays: (ms: number) => void): void
}

interface Visitor {
  readonly peer: Peer
  readonly stays: (ms: number) => void
}

const HEADERS_MAX = 100
/** ms that a connection may serve requests, and between two of them. */
const VISIT_MS_MAX = 300_000
const IDLE_MS_MAX = 5000
const PROTOCOLS = ['mqtt', 'mqttv3.1']
/** 16 bytes in base64. */
const KEY_PATTERN = /^[+/0-9A-Za-z]{22}==$/
/** What the answer to a key is made with (RFC 6455, 1.3). */
const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export function createWebEntrance<C>(settings: WebSettings, owner: LinkOwner<C>): WebEntrance {
  const visitors = new WeakMap<Duplex, Visitor>()
  const { onRequest } = settings
  const http: Server = createServer({
    maxHeaderSize: settings.headerBytesMax,
    keepAliveTimeout: IDLE_MS_MAX,
    noDelay: true,
  })
  const upgrade = createUpgrade(settings, owner)
  http.on('request', (request, response) => {
    const tooMany = request.rawHeaders.length > HEADERS_MAX * 2
    if (onRequest !== null && !tooMany) {
      visitors.get(request.socket)?.stays(VISIT_MS_MAX)
      onRequest(request, response)
      return
    }
    response.writeHead(tooMany ? 431 : 426, { Connection: 'close', Upgrade: 'websocket' })
    response.end('This is an MQTT broker: connect with WebSocket, subprotocol "mqtt".\n')
  })
  http.on('upgrade', (request, socket, head) => {
    const visitor = visitors.get(socket)
    if (visitor === undefined) return refuse(socket, 400)
    upgrade(request, socket, head, visitor.peer, () => visitor.stays(0))
  })
  return {
    take(socket, peer, stays) {
      visitors.set(socket, { peer, stays })
      http.emit('connection', socket)
      socket.resume()
    },
  }
}

/** Makes a link of a connection that asked for WebSocket, or refuses it. `opened` is called first. */
export type Upgrade = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  peer: Peer,
  opened: () => void,
) => void

export function createUpgrade<C>(settings: UpgradeSettings, owner: LinkOwner<C>): Upgrade {
  return (request, socket, head, peer, opened) => {
    const refusal = refusalOf(request, settings)
    if (refusal !== 0) return refuse(socket, refusal)
    if (!socket.readable || !socket.writable) return void socket.destroy()
    accept(socket as Socket, request)
    opened()
    // The core must not be given a Buffer: its `slice` would not copy.
    openWebSocketLink(owner, socket as Socket, peer, new Uint8Array(head))
  }
}

/** Says that from here on there are frames (RFC 6455, 4.2.2). */
function accept(socket: Socket, { headers }: IncomingMessage): void {
  socket.setTimeout(0).setNoDelay()
  const key = headers['sec-websocket-key'] as string
  const proof = createHash('sha1').update(`${key}${KEY_SUFFIX}`).digest('base64')
  const protocol = PROTOCOLS.find((name) => offeredBy(headers).includes(name)) as string
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${proof}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
  )
}

function offeredBy(headers: IncomingHttpHeaders): string[] {
  return (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
}

/** 0, or the status of the answer. */
function refusalOf(
  { headers, rawHeaders, method, url }: IncomingMessage,
  settings: UpgradeSettings,
): number {
  const { origins, path } = settings
  if (rawHeaders.length > HEADERS_MAX * 2) return 431
  if (path !== null && url?.split('?', 1)[0] !== path) return 404
  // Browsers always say where a page is from; other clients need not, and could say anything.
  if (origins.length > 0 && headers.origin !== undefined && !origins.includes(headers.origin))
    return 403
  return isHandshake(method, headers) ? 0 : 400
}

/** RFC 6455, 4.2.1, with a subprotocol that is MQTT's [MQTT-6.0.0-3]. */
function isHandshake(method: string | undefined, headers: IncomingHttpHeaders): boolean {
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    KEY_PATTERN.test(headers['sec-websocket-key'] ?? '') &&
    headers['sec-websocket-version'] === '13' &&
    offeredBy(headers).some((name) => PROTOCOLS.includes(name))
  )
}

const TEXTS: Readonly<Record<number, string>> = {
  400: 'A WebSocket handshake of version 13 with the subprotocol "mqtt" is needed (Sec-WebSocket-Protocol).',
  403: 'This web site may not connect (websockets_origin).',
  404: 'There is nothing at this path (websockets_path).',
  431: 'Too many headers.',
}

function refuse(socket: Duplex, status: number): void {
  const text = `${TEXTS[status]}\n`
  socket.on('error', () => {})
  socket.once('finish', () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nSec-WebSocket-Version: 13\r\n` +
      `Content-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  )
}

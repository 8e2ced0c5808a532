/**
 * MQTT in WebSocket (MQTT 5.0, 6): from an HTTP request to a link. A request that asks for something else gets
 * an answer and is closed, or goes to the handler of whoever owns the listener.
 */
import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { LinkOwner, Peer } from './link.ts'
import { openWebSocketLink } from './websocket-link.ts'

export interface UpgradeSettings {
  /** Web sites whose pages may connect, as their Origin header says it; none: any. */
  readonly origins: readonly string[]
  /** The path of the URL; null: any. */
  readonly path: string | null
  /** Bytes of a WebSocket message, asked at each connection. */
  messageBytesMax(): number
  /** The same before the client has logged in. */
  firstBytesMax(): number
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
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    handleProtocols: (offered) => PROTOCOLS.find((name) => offered.has(name)) ?? false,
  })
  return (request, socket, head, peer, opened) => {
    const refusal = refusalOf(request, settings)
    if (refusal !== 0) return refuse(socket, refusal)
    webSockets.options.maxPayload = Math.min(settings.firstBytesMax(), settings.messageBytesMax())
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      opened()
      openWebSocketLink(owner, webSocket, socket as Socket, peer, () => settings.messageBytesMax())
    })
  }
}

/** 0, or the status of the answer. */
function refusalOf(
  { headers, rawHeaders, url }: IncomingMessage,
  settings: UpgradeSettings,
): number {
  const { origins, path } = settings
  if (rawHeaders.length > HEADERS_MAX * 2) return 431
  if (path !== null && url?.split('?', 1)[0] !== path) return 404
  // Browsers always say where a page is from; other clients need not, and could say anything.
  if (origins.length > 0 && headers.origin !== undefined && !origins.includes(headers.origin))
    return 403
  // [MQTT-6.0.0-3]
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  return offered.some((name) => PROTOCOLS.includes(name)) ? 0 : 400
}

const TEXTS: Readonly<Record<number, string>> = {
  400: 'The subprotocol "mqtt" is needed (Sec-WebSocket-Protocol).',
  403: 'This web site may not connect (websockets_origin).',
  404: 'There is nothing at this path (websockets_path).',
  431: 'Too many headers.',
}

function refuse(socket: Duplex, status: number): void {
  const text = `${TEXTS[status]}\n`
  socket.on('error', () => {})
  socket.once('finish', () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n` +
      `Content-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  )
}

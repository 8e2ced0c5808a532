/**
 * A core's link in a WebSocket. What the core writes at the end of a turn is one binary frame; frames that come
 * are a stream of bytes, wherever packets begin and end in them [MQTT-6.0.0-2].
 */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { WebSocket } from 'ws'
import type { Link, ListenerOptions, TlsFacts } from '../ports/ports.ts'
import { errorText, LINGER_MS, type LinkOwner, type Peer } from './link.ts'

/** Close codes (RFC 6455, 7.4.1). */
const NORMAL_CLOSURE = 1000
const UNSUPPORTED_DATA = 1003
/** Less of a message is no progress: a ping now and then, a drip. */
const PROGRESS_BYTES_MIN = 1000
const BINARY = { binary: true, compress: false, fin: true, mask: false }

/** Makes a WebSocket, just opened, a link of its owner's core. `socket` is the one below it; `messageBytesMax` holds after the login. */
export function openWebSocketLink<C>(
  owner: LinkOwner<C>,
  webSocket: WebSocket,
  socket: Socket,
  peer: Peer,
  messageBytesMax: () => number,
): void {
  const link = new WebSocketLink(owner, webSocket, socket, peer, messageBytesMax)
  webSocket.on('message', (data, isBinary) => link.onMessage(data as Buffer, isBinary))
  webSocket.on('error', (error) => (link.reason = errorText(error)))
  webSocket.on('close', () => link.onClose())
  link.connection = owner.core.accept(link)
}

interface Receiver {
  _maxPayload: number
}

class WebSocketLink<C> implements Link {
  readonly remote: string
  readonly listener: ListenerOptions
  readonly tls: TlsFacts | null
  /** Set right after the core accepted the link, before anything is read. */
  connection!: C
  reason = ''
  private readonly leave: () => void
  private readonly owner: LinkOwner<C>
  private readonly webSocket: WebSocket
  private readonly socket: Socket
  private readonly encrypted: boolean
  private ended = false
  private paused = false
  /** The socket has an array of the core's. */
  private holding = false
  private linger: NodeJS.Timeout | null = null
  /** Bytes that had come when the last message was whole, or when the core last asked. */
  private seenBytes = 0
  private readonly messageBytesMax: () => number
  private readonly onWritten: () => void

  constructor(
    owner: LinkOwner<C>,
    webSocket: WebSocket,
    socket: Socket,
    { remote, tls, leave }: Peer,
    messageBytesMax: () => number,
  ) {
    this.messageBytesMax = messageBytesMax
    this.owner = owner
    this.leave = leave
    this.webSocket = webSocket
    this.socket = socket
    this.encrypted = socket instanceof TLSSocket
    this.remote = remote
    this.listener = owner.listener
    this.tls = tls
    this.onWritten = () => {
      if (!this.holding || socket.writableLength > 0) return
      this.holding = false
      this.owner.core.linkDrained(this.connection)
    }
  }

  write(bytes: Uint8Array, length: number): boolean {
    const { webSocket, socket } = this
    if (this.ended || webSocket.readyState !== webSocket.OPEN) return true
    const idle = socket.writableLength === 0
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, length)
    webSocket.send(data, BINARY, this.onWritten)
    // As in `link.ts`: the kernel took it all, or TLS has a copy.
    if (socket.writableLength === 0 || (idle && this.encrypted)) return true
    this.holding = true
    return false
  }

  pause(): void {
    this.paused = true
    this.webSocket.pause()
  }

  resume(): void {
    this.paused = false
    this.webSocket.resume()
  }

  /** `ws` has a bound for the whole life of a connection; this is where it is kept. */
  opened(): void {
    const { _receiver: receiver } = this.webSocket as unknown as { _receiver: Receiver }
    receiver._maxPayload = this.messageBytesMax()
  }

  makesProgress(): boolean {
    const { bytesRead } = this.socket
    const hasGrown = bytesRead - this.seenBytes >= PROGRESS_BYTES_MIN
    this.seenBytes = bytesRead
    return hasGrown
  }

  end(): void {
    this.close(NORMAL_CLOSURE)
  }

  onMessage(data: Buffer, isBinary: boolean): void {
    if (this.ended) return
    // [MQTT-6.0.0-1]
    if (!isBinary) {
      this.reason = 'protocol error: a WebSocket frame of text'
      return this.close(UNSUPPORTED_DATA)
    }
    this.seenBytes = this.socket.bytesRead
    const { buffer, byteOffset, length } = data
    this.owner.core.receive(this.connection, new Uint8Array(buffer, byteOffset, length), 0, length)
  }

  onClose(): void {
    this.ended = true
    this.leave()
    if (this.linger !== null) clearTimeout(this.linger)
    const reason = this.reason === '' ? 'connection closed by client' : this.reason
    this.owner.core.linkClosed(this.connection, reason)
  }

  private close(code: number): void {
    if (this.ended) return
    this.ended = true
    this.leave()
    const { webSocket } = this
    // Read on, or the peer's answer to the close frame stays unseen.
    if (this.paused) webSocket.resume()
    webSocket.close(code)
    this.linger = setTimeout(() => webSocket.terminate(), LINGER_MS)
  }
}

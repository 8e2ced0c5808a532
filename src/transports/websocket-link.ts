/**
 * A core's link in a WebSocket. What the core writes at the end of a turn is one binary frame; frames that come
 * are a stream of bytes, wherever packets begin and end in them [MQTT-6.0.0-2].
 *
 *     open ── end(), a bad frame: close frame ──▶ ending ── peer's close frame, FIN, or 2 s ──▶ closed
 *       └── peer's close frame: answered ──▶ closed
 */
import type { Socket } from 'node:net'
import {
  destroySocket,
  LINGER_MS,
  SocketLink,
  startLink,
  type LinkOwner,
  type Peer,
} from './link.ts'
import {
  CloseCode,
  closeFrame,
  FrameReader,
  pongFrame,
  writeHead,
  type FrameFailure,
} from './websocket-frames.ts'
import { writeNow } from './write-now.ts'

const HEAD_BYTES_MAX = 10
/** Frames of up to this size are put together, so that they are one system call. */
const SMALL_BYTES_MAX = 16 * 1024

/** Holds a small frame while it is written; what the kernel does not take is copied. */
const scratch = new Uint8Array(HEAD_BYTES_MAX + SMALL_BYTES_MAX)

/**
 * Makes `socket`, upgraded, a link of its owner's core. `head` is what was read from it already.
 */
export function openWebSocketLink<C>(
  owner: LinkOwner<C>,
  socket: Socket,
  peer: Peer,
  head: Uint8Array,
): void {
  startLink(new WebSocketLink(owner, socket, peer), head)
}

class WebSocketLink<C> extends SocketLink<C> {
  private readonly frames = new FrameReader()

  override take(bytes: Uint8Array, length: number): void {
    const { frames } = this
    if (frames.closeCode > 0 || frames.failure !== null) return
    const end = frames.read(bytes, 0, length)
    if (end > 0 && !this.ended) this.owner.core.receive(this.connection, bytes, 0, end)
    if (frames.ping !== null) this.pong()
    if (frames.closeCode > 0) this.closedByPeer(frames.closeCode)
    else if (frames.failure !== null) this.refuse(frames.failure)
  }

  override write(bytes: Uint8Array, length: number): boolean {
    const { socket } = this
    if (this.ended || socket.destroyed || length === 0) return true
    const idle = socket.writableLength === 0
    const headLength = writeHead(scratch, length)
    if (length > SMALL_BYTES_MAX) {
      this.put(scratch, headLength)
      return super.write(bytes, length)
    }
    scratch.set(length === bytes.length ? bytes : bytes.subarray(0, length), headLength)
    this.put(scratch, headLength + length)
    if (socket.writableLength === 0 || (idle && this.encrypted)) return true
    // The array is free, but what comes next has to wait.
    this.borrowsArray = true
    return false
  }

  /** A frame that has begun has to be ended: what is sent goes as a whole, by {@link write}. */
  override writeSome(): number {
    return 0
  }

  override end(): void {
    this.endWith(CloseCode.normal)
  }

  /** Writes what is copied where the kernel does not take it. */
  private put(bytes: Uint8Array, length: number): void {
    const { socket } = this
    const written = this.encrypted ? 0 : writeNow(socket, bytes, length)
    if (written < length) socket.write(bytes.slice(written, length), this.onWritten)
  }

  /** A peer that does not read what it is sent gets the answer to its last ping, not to all of them. */
  private pong(): void {
    const { frames, socket } = this
    if (this.ended || socket.destroyed || socket.writableLength > 0) return
    const pong = pongFrame(frames.ping as Uint8Array)
    frames.ping = null
    this.put(pong, pong.length)
  }

  override drained(): void {
    if (this.frames.ping !== null) this.pong()
    super.drained()
  }

  /** Nothing comes behind its close frame: the socket is what is left. */
  private closedByPeer(code: number): void {
    this.overWith(() => this.answerClose(code))
  }

  private answerClose(code: number): void {
    const { socket } = this
    const isAnswer = this.ended
    this.ended = true
    if (!isAnswer && !socket.destroyed) {
      const answer = closeFrame(code)
      this.put(answer, answer.length)
    }
    this.report('connection closed by client')
    if (!socket.destroyed) this.hangUp()
  }

  private refuse({ code, text }: FrameFailure): void {
    if (this.ended) return
    this.endWith(code)
    this.report(text)
  }

  private endWith(code: number): void {
    if (this.ended) return
    this.ended = true
    this.leave()
    const { socket } = this
    if (socket.destroyed) return
    const close = closeFrame(code)
    this.put(close, close.length)
    // A bad frame is the last thing that is understood of this peer: there is no answer to wait for.
    if (code !== CloseCode.normal) return this.hangUp()
    socket.resume()
    this.linger = setTimeout(destroySocket, LINGER_MS, socket)
  }
}

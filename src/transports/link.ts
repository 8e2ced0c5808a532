/**
 * A core's link over a socket. What happens for every message (read, write) runs without closure, promise or
 * event; what happens once in a connection's life goes by events.
 *
 *     open ── end() ──▶ ending ── peer's FIN, or 2 s ──▶ closed
 *       └── peer's FIN: told to the core, answers already asked for still go out ──▶ closed
 *       └── error ──▶ closed
 */
import { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { getSystemErrorMap } from 'node:util'
import type { Link, ListenerOptions, TlsFacts } from '../ports/ports.ts'
import type { LinkCore } from './core.ts'
import { writeBothNow, writeNow } from './write-now.ts'
import { FULL_READS_PER_TURN, READ_BUFFER_BYTES, readInto } from './read-buffer.ts'

/** ms in which a closing connection may send its last bytes and see the peer close. */
export const LINGER_MS = 2000

const linkKey = Symbol('link')

type LinkedSocket = Socket & { [linkKey]: SocketLink<unknown> }

/** What the links of one listener share. */
export interface LinkOwner<C> {
  readonly core: LinkCore<C>
  readonly listener: ListenerOptions
}

/** Who is at the other end. */
export interface Peer {
  /** `address:port`, or the path of a unix socket. */
  readonly remote: string
  /** null: no TLS. */
  readonly tls: TlsFacts | null
  /** Has {@link socketFailed} and {@link socketClosed} called: a link on this very socket does not listen for them; null: none. */
  readonly raw: Socket | null
  /** To be called when either side has ended the connection, which may be some time before it is closed; it counts once. */
  leave(): void
}

/**
 * Makes `socket`, paused, a link of its owner's core. `head` is what was read from it already; null: nothing.
 */
export function openLink<C>(
  owner: LinkOwner<C>,
  socket: Socket,
  peer: Peer,
  head: Uint8Array | null,
): void {
  startLink(new SocketLink(owner, socket, peer), head)
}

/** Tells the core of a link, and begins to read. */
export function startLink<C>(link: SocketLink<C>, head: Uint8Array | null): void {
  const { socket, owner } = link
  const linked = socket as LinkedSocket
  linked[linkKey] = link
  forgetEnd(linked)
  linked.on('end', onEnd)
  if (socket !== link.peer.raw) {
    linked.on('error', onError)
    linked.on('close', onClose)
  }
  readInto(linked, onBytes)
  link.connection = owner.core.accept(link)
  if (head !== null && head.length > 0) link.take(head, head.length)
  if (!link.paused) socket.resume()
}

const nodesListeners = new Socket().listeners('end') as (() => void)[]

/** What Node itself does at the peer's end is nothing where each side ends for itself; and two listeners take an array. */
function forgetEnd(socket: Socket): void {
  if (socket.allowHalfOpen) for (const listener of nodesListeners) socket.off('end', listener)
}

export class SocketLink<C> implements Link {
  readonly peer: Peer
  readonly owner: LinkOwner<C>
  readonly socket: Socket
  /** TLS: its bytes must not pass it by on the way to the descriptor. */
  readonly encrypted: boolean
  /** Set right after the core accepted the link, before anything is read. */
  connection!: C
  /** No more is taken from the core, and what the peer still sends is not looked at. */
  ended = false
  /** The core was told that the link is gone. */
  reported = false
  paused = false
  /** The socket has an array of the core's. */
  borrowsArray = false
  /** Reads that filled the buffer, one right after the other. */
  fullReads = 0
  reason = ''
  linger: NodeJS.Timeout | null = null
  private whenWritten: (() => void) | null = null
  private whenTaken: (() => void) | null = null

  constructor(owner: LinkOwner<C>, socket: Socket, peer: Peer) {
    this.owner = owner
    this.socket = socket
    this.encrypted = (socket as Partial<TLSSocket>).encrypted === true
    this.peer = peer
  }

  get remote(): string {
    return this.peer.remote
  }

  get listener(): ListenerOptions {
    return this.owner.listener
  }

  get tls(): TlsFacts | null {
    return this.peer.tls
  }

  /**
   * For a write that goes through the stream, made with the first of them: a socket that keeps up never needs one. Node calls
   * it late and in bundles: only an empty socket says that the array is free.
   */
  get onWritten(): () => void {
    this.whenWritten ??= () => {
      if (this.socket.writableLength === 0) this.drained()
    }
    return this.whenWritten
  }

  /** Its place is another's. */
  leave(): void {
    this.peer.leave()
  }

  /** Bytes came; they are reused after the call. */
  take(bytes: Uint8Array, length: number): void {
    if (!this.ended) this.owner.core.receive(this.connection, bytes, 0, length)
  }

  write(bytes: Uint8Array, length: number): boolean {
    const { socket } = this
    if (this.ended || socket.destroyed) return true
    if (this.encrypted) return this.encrypt(bytes, length)
    const written = writeNow(socket, bytes, length)
    if (written === length) return true
    socket.write(
      Buffer.from(bytes.buffer, bytes.byteOffset + written, length - written),
      this.onWritten,
    )
    // The kernel usually took it all within the call.
    if (socket.writableLength === 0) return true
    this.borrowsArray = true
    return false
  }

  writeSome(head: Uint8Array, headLength: number, body: Uint8Array): number {
    const { socket } = this
    if (this.ended || socket.destroyed) return headLength + body.length
    return this.encrypted ? 0 : writeBothNow(socket, head.subarray(0, headLength), body)
  }

  /** An idle TLS socket encrypts within the call: it has a copy then, and the array is free. */
  private encrypt(bytes: Uint8Array, length: number): boolean {
    const { socket } = this
    const idle = socket.writableLength === 0
    socket.write(Buffer.from(bytes.buffer, bytes.byteOffset, length), this.onWritten)
    if (idle) return true
    this.borrowsArray = true
    return false
  }

  pause(): void {
    this.paused = true
    this.socket.pause()
  }

  resume(): void {
    this.paused = false
    const { whenTaken } = this
    this.whenTaken = null
    if (whenTaken !== null) whenTaken()
    else if (!this.ended) this.socket.resume()
  }

  /**
   * The peer has ended, and `then` is what follows. Its end comes even where the socket is paused, if it was read ahead or lay
   * with what was encrypted; what it said before may still wait in the core, is heard first, and keeps its place until then.
   * It may hear on: what waits for the disk is answered.
   */
  overWith(then: () => void): void {
    const over = (): void => {
      this.leave()
      this.owner.core.whenAnswered(this.connection, () => setImmediate(then))
    }
    if (this.paused && !this.ended) this.whenTaken ??= over
    else over()
  }

  end(): void {
    if (this.ended) return
    this.ended = true
    this.leave()
    if (!this.socket.destroyed) this.hangUp()
  }

  /** Ends the socket's side that is ours. */
  hangUp(): void {
    const { socket } = this
    socket.end()
    // Read on, or the peer's FIN stays unseen; and closing with unread input resets the connection, which may
    // take the last packet from the peer.
    socket.resume()
    this.linger ??= setTimeout(destroySocket, LINGER_MS, socket)
  }

  /** The socket is empty: the array, if it has one, is the core's again. */
  drained(): void {
    if (!this.borrowsArray) return
    this.borrowsArray = false
    if (!this.reported) this.owner.core.linkDrained(this.connection)
  }

  report(reason: string): void {
    if (this.reported) return
    this.reported = true
    this.owner.core.linkClosed(this.connection, reason)
  }
}

function onBytes(this: LinkedSocket, bytes: Uint8Array, length: number): void {
  const link = this[linkKey]
  link.take(bytes, length)
  if (length < READ_BUFFER_BYTES) link.fullReads = 0
  else if (++link.fullReads >= FULL_READS_PER_TURN) yieldTurn(link)
}

/** A peer that sends faster than it is read would keep every other one waiting. */
function yieldTurn(link: SocketLink<unknown>): void {
  link.fullReads = 0
  if (link.paused && !link.ended) return
  link.socket.pause()
  setImmediate(takeTurn, link)
}

function takeTurn(link: SocketLink<unknown>): void {
  if (!link.paused || link.ended) link.socket.resume()
}

/** The peer closed its side. What it asked for before is answered at the end of this turn. */
function onEnd(this: LinkedSocket): void {
  const link = this[linkKey]
  if (link.ended) this.destroySoon()
  else link.overWith(() => leave(link))
}

function leave(link: SocketLink<unknown>): void {
  link.report('connection closed by client')
  link.end()
}

function onError(this: LinkedSocket, error: NodeJS.ErrnoException): void {
  socketFailed(this, error)
}

function onClose(this: LinkedSocket): void {
  socketClosed(this)
}

/** Of a socket that need not be a link yet. */
export function socketFailed(socket: Socket, error: NodeJS.ErrnoException): void {
  const link = linkOn(socket)
  if (link !== undefined) link.reason = errorText(error)
}

/** The same. */
export function socketClosed(socket: Socket): void {
  const link = linkOn(socket)
  if (link === undefined) return
  link.ended = true
  if (link.linger !== null) clearTimeout(link.linger)
  link.report(link.reason === '' ? 'connection closed by client' : link.reason)
}

function linkOn(socket: Socket): SocketLink<unknown> | undefined {
  return (socket as Partial<LinkedSocket>)[linkKey]
}

export function destroySocket(socket: Socket): void {
  socket.destroy()
}

/** Made once: Node makes a new one for each who asks, and thousands of connections may break at once. */
const errorMap = getSystemErrorMap()

/** As strerror writes it: `Connection reset by peer`. */
export function errorText({ errno, message }: NodeJS.ErrnoException): string {
  const text = errorMap.get(errno ?? 0)?.[1] ?? message
  return text.charAt(0).toUpperCase() + text.slice(1)
}

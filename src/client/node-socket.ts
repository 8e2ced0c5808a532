/** Wires over sockets: TCP, unix sockets, TLS over either. */
import type { OnReadOpts, Socket } from 'node:net'
import type { Wire, WireEvents } from './ports.ts'

/** One buffer for all: what is read is used up within the call. */
const READ_BYTES = 64 * 1024
const readBuffer: Uint8Array = new Uint8Array(READ_BYTES)

/** After `end` the server has this long to close its side. */
const LINGER_MS = 2_000

/** The option for `net.connect` by which a socket reads into the shared buffer. */
export function sharedRead(events: WireEvents): OnReadOpts {
  return {
    buffer: readBuffer,
    callback: (length: number): boolean => {
      events.received(readBuffer, 0, length)
      return true
    },
  }
}

export class SocketWire implements Wire {
  private readonly socket: Socket
  private readonly events: WireEvents
  private isHolding = false
  private error: Error | null = null
  /** Node calls it late and in bundles: only an empty socket says that the array is free. */
  private readonly onWritten = (): void => {
    if (!this.isHolding || this.socket.writableLength > 0) return
    this.isHolding = false
    this.events.drained()
  }

  /**
   * @param openEvent The socket's event after which it can be written to; null: it can already.
   * @param reads Whether the socket reads by {@link sharedRead}.
   */
  constructor(socket: Socket, events: WireEvents, openEvent: string | null, reads: boolean) {
    this.socket = socket
    this.events = events
    socket.setNoDelay(true)
    socket.on('error', (error) => (this.error = error))
    socket.on('close', () => events.closed(this.error))
    if (!reads) socket.on('data', (chunk: Uint8Array) => events.received(chunk, 0, chunk.length))
    if (openEvent === null) process.nextTick(() => events.opened())
    else socket.once(openEvent, () => events.opened())
  }

  write(bytes: Uint8Array, length: number): boolean {
    const { socket } = this
    if (socket.destroyed) return true
    socket.write(Buffer.from(bytes.buffer, bytes.byteOffset, length), this.onWritten)
    // Mostly the kernel took it all within the call.
    if (socket.writableLength === 0) return true
    this.isHolding = true
    return false
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  end(): void {
    const { socket } = this
    if (socket.destroyed) return
    socket.end()
    socket.resume()
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    timer.unref()
    socket.once('close', () => clearTimeout(timer))
  }

  destroy(): void {
    this.socket.destroy()
  }
}

/**
 * One read buffer for all sockets (docs/decisions/0001-socket-reads.md).
 *
 * Node lets a *connecting* socket read into a buffer of its owner's (`onread`), and leaves no such way to
 * sockets that a server accepts: each read of those allocates 64 KiB. The same machinery serves both kinds,
 * so the option's two private properties are found by their values on a probe and set on accepted
 * sockets as well. When anything of that is not as expected, sockets emit 'data' as usual.
 */
import { Socket, type OnReadOpts, type SocketConstructorOpts } from 'node:net'

/** Also the most that one read takes. */
export const READ_BUFFER_BYTES = 64 * 1024

/** Whole reads of one socket in one turn; then the others have theirs. */
export const FULL_READS_PER_TURN = 4

/** Called with the socket as `this`; the bytes are reused after the call. */
export type OnBytes<S extends Socket> = (this: S, bytes: Uint8Array, length: number) => void

interface ReadHandle {
  useUserBuffer(buffer: Uint8Array): void
}

interface SharedRead {
  readonly bufferKey: symbol
  readonly callbackKey: symbol
}

const buffer = new Uint8Array(READ_BUFFER_BYTES)

/** The two properties that the option becomes, or null where this Node keeps it elsewhere. */
function findSharedRead(): SharedRead | null {
  const callback = (): boolean => true
  const onread: OnReadOpts = { buffer, callback }
  const probe = new Socket({ onread } as SocketConstructorOpts)
  const values = probe as unknown as Record<symbol, unknown>
  const keys = Object.getOwnPropertySymbols(probe)
  probe.destroy()
  const bufferKey = keys.find((key) => values[key] === buffer)
  const callbackKey = keys.find((key) => values[key] === callback)
  return bufferKey === undefined || callbackKey === undefined ? null : { bufferKey, callbackKey }
}

const shared = findSharedRead()

/** Whether this Node leaves us the way; without it each socket reads into memory of its own. */
export const canShareReads = shared !== null

function readHandle(socket: Socket): ReadHandle | null {
  const handle = (socket as unknown as { _handle?: Partial<ReadHandle> | null })._handle
  return typeof handle?.useUserBuffer === 'function' ? (handle as ReadHandle) : null
}

/**
 * Gives `socket`, just accepted, to `onBytes`. One function serves all sockets: nothing is allocated for one.
 *
 * @returns whether it reads into the shared buffer.
 */
export function readInto<S extends Socket>(socket: S, onBytes: OnBytes<S>): boolean {
  const handle = shared === null ? null : readHandle(socket)
  if (shared === null || handle === null) {
    socket.on('data', plainReader(onBytes))
    return false
  }
  const values = socket as unknown as Record<symbol, unknown>
  values[shared.bufferKey] = buffer
  values[shared.callbackKey] = sharedReader(onBytes)
  handle.useUserBuffer(buffer)
  return true
}

type Reader<F> = WeakMap<OnBytes<never>, F>
type SharedReader = (this: Socket, length: number, bytes: Uint8Array) => boolean
type PlainReader = (this: Socket, chunk: Buffer) => void

const sharedReaders: Reader<SharedReader> = new WeakMap()
const plainReaders: Reader<PlainReader> = new WeakMap()

function sharedReader<S extends Socket>(onBytes: OnBytes<S>): SharedReader {
  let reader = sharedReaders.get(onBytes)
  reader ??= function (this: Socket, length) {
    onBytes.call(this as S, buffer, length)
    return true
  }
  sharedReaders.set(onBytes, reader)
  return reader
}

function plainReader<S extends Socket>(onBytes: OnBytes<S>): PlainReader {
  let reader = plainReaders.get(onBytes)
  reader ??= function (this: Socket, chunk) {
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)
    onBytes.call(this as S, bytes, bytes.length)
  }
  plainReaders.set(onBytes, reader)
  return reader
}

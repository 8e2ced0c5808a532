/**
 * Writing without the stream (docs/decisions/0009-socket-writes.md).
 *
 * A stream's write makes a request object, a callback and a tick for bytes that the kernel takes at once
 * nearly always: on a broker that is a third of what a message costs. A socket is a file descriptor that does
 * not block, so the same bytes can be written to it directly; what the kernel does not take goes through the
 * stream, which waits for it and meets the errors.
 */
import { writeSync, writevSync } from 'node:fs'
import type { Socket } from 'node:net'

interface DescriptorHandle {
  /** -1: none (closed, or Windows). */
  readonly fd?: number
}

/** -1: it has none, or its stream is not empty. */
export function descriptorOf(socket: Socket): number {
  const fd = (socket as unknown as { _handle?: DescriptorHandle | null })._handle?.fd
  return fd === undefined || socket.writableLength > 0 ? -1 : fd
}

/** Writes what the kernel takes of `bytes[0..length)`; returns how much. Only while the stream is empty. */
export function writeNow(socket: Socket, bytes: Uint8Array, length: number): number {
  const fd = descriptorOf(socket)
  if (fd < 0) return 0
  try {
    return writeSync(fd, bytes, 0, length)
  } catch {
    // EAGAIN: the kernel's buffer is full. Anything else the stream's own write will meet.
    return 0
  }
}

/** The same of two arrays, one behind the other: one call, and one packet where it is short. */
export function writeBothNow(socket: Socket, first: Uint8Array, second: Uint8Array): number {
  const fd = descriptorOf(socket)
  if (fd < 0) return 0
  try {
    return writevSync(fd, [first, second])
  } catch {
    return 0
  }
}

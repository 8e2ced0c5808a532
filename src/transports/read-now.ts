/** Reading without the stream: what lies in a socket that nobody has read from yet. */
import { readSync } from 'node:fs'
import type { Socket } from 'node:net'
import { announcedBytes } from '../codec/frame.ts'
import { descriptorOf } from './write-now.ts'

/** More than a client says before it is answered. */
const HEAD_BYTES_MAX = 16_384
/** Nothing is there yet. */
const NOTHING = -1
/** First byte of a CONNECT. */
const CONNECT = 0x10

let room: Uint8Array | null = null

/**
 * What came from a peer while `socket` was paused, to be handled before what comes next; null: nothing. 'gone': it has left meanwhile,
 * and nothing of what it said is worth anything without an answer. `own` leaves out what a load balancer has put before that.
 */
export function readHead(socket: Socket, own: (head: Buffer) => Buffer): Buffer | null | 'gone' {
  const fd = descriptorOf(socket)
  if (fd < 0) return null
  room ??= new Uint8Array(HEAD_BYTES_MAX)
  const first = readSome(fd, room, 0)
  if (first === NOTHING) return null
  if (first === 0) return 'gone'
  // Whether the end is behind it shows when one asks once more.
  const more = first === HEAD_BYTES_MAX ? NOTHING : readSome(fd, room, first)
  const head = Buffer.from(room.subarray(0, first + Math.max(0, more)))
  return more === 0 && !speaksOn(own(head)) ? 'gone' : head
}

/** 0: the peer has ended, or the connection is broken. */
function readSome(fd: number, into: Uint8Array, at: number): number {
  try {
    return readSync(fd, into, at, into.length - at, null)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? NOTHING : 0
  }
}

/** A client may publish behind its CONNECT, and leave, without waiting for an answer. */
function speaksOn(head: Uint8Array): boolean {
  const bytes = announcedBytes(head, 0, head.length)
  return head[0] === CONNECT && bytes >= 0 && bytes < head.length
}

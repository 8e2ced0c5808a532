/**
 * The least that a program on Node does for a message that comes alone: `node-relay.js PORT`. It reads and writes as our
 * broker does and knows who wants a topic, but no session, right, wildcard, limit or QoS 2, and no packet that is cut in two. What a
 * row costs here is Node's and the kernel's; what it costs beyond that is a broker's.
 */
import { createServer, type Socket } from 'node:net'
import { readInto } from '../../src/transports/read-buffer.ts'
import { writeNow } from '../../src/transports/write-now.ts'

const receivers = new Map<string, Socket>()
const decoder = new TextDecoder()

type Answer = (
  socket: Socket,
  bytes: Uint8Array,
  start: number,
  bodyStart: number,
  end: number,
) => void

/** By packet type. */
const ANSWERS: Readonly<Record<number, Answer | undefined>> = {
  1: (socket) => say(socket, [0x20, 2, 0, 0]),
  3: pass,
  8: subscribe,
  12: (socket) => say(socket, [0xd0, 0]),
}

function say(socket: Socket, bytes: readonly number[]): void {
  writeNow(socket, Uint8Array.from(bytes), bytes.length)
}

/** The text at `at`, behind its length. */
function textAt(bytes: Uint8Array, at: number): string {
  const from = at + 2
  return decoder.decode(bytes.subarray(from, from + bytes[at] * 256 + bytes[at + 1]))
}

function pass(from: Socket, bytes: Uint8Array, start: number, at: number, end: number): void {
  const topic = textAt(bytes, at)
  const receiver = receivers.get(topic)
  if (receiver !== undefined) writeNow(receiver, bytes.subarray(start, end), end - start)
  if ((bytes[start] & 0b110) === 0) return
  const id = at + 2 + bytes[at] * 256 + bytes[at + 1]
  say(from, [0x40, 2, bytes[id], bytes[id + 1]])
}

function subscribe(
  socket: Socket,
  bytes: Uint8Array,
  _start: number,
  at: number,
  end: number,
): void {
  receivers.set(textAt(bytes, at + 2), socket)
  say(socket, [0x90, 3, bytes[at], bytes[at + 1], bytes[end - 1]])
}

function onBytes(this: Socket, bytes: Uint8Array, length: number): void {
  for (let at = 0; at < length;) {
    let remaining = 0
    let next = at + 1
    for (let shift = 0; ; shift += 7) {
      remaining |= (bytes[next] & 127) << shift
      if (bytes[next++] < 128) break
    }
    const end = next + remaining
    if (end > length) throw new Error('a packet is cut: this relay is for messages one by one')
    ANSWERS[bytes[at] >> 4]?.(this, bytes, at, next, end)
    at = end
  }
}

const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
  socket.on('error', () => socket.destroy())
  readInto(socket, onBytes)
  socket.resume()
})
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 })

/** One connection of a load: bytes in, bytes out, and what it counts. */
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'
import { connect as connectTls } from 'node:tls'
import { connectFrame, type ProtocolVersion, type PublishTemplate } from './frames.ts'
import { newLatency } from './latency.ts'
import type { Link, Load } from './model.ts'
import { scanFrames } from './scan.ts'

/** Larger reads fall out of the processor's second-level cache before they are scanned. */
const READ_BYTES = 1 << 17
/**
 * Room before the read area: the cut-off frame of the last read goes there, so every frame lies in
 * one piece.
 */
const HEADROOM_BYTES = 1 << 17
const FIRST_OUT_BYTES = 512

//   |<-- headroom: carry, right-aligned -->|<-- what read() filled -->|
const arena = Buffer.allocUnsafeSlow(HEADROOM_BYTES + READ_BYTES)
const arenaView = new DataView(arena.buffer, arena.byteOffset, arena.byteLength)
const readArea = arena.subarray(HEADROOM_BYTES)

export function newLoad(port: number, version: ProtocolVersion, tls = false): Load {
  return {
    port,
    tls,
    version,
    expiresAtMs: null,
    links: [],
    latency: newLatency(),
    ackLatency: null,
    connected: 0,
    subscribed: 0,
    acked: 0,
    delivered: 0,
    dead: 0,
    failure: '',
    onProgress: () => undefined,
  }
}

/** Opens a connection to 127.0.0.1 and sends its CONNECT. */
export function openLink(load: Load, clientId: string, clean = true, port = load.port): Link {
  const onread = {
    buffer: readArea,
    callback: (bytesRead: number): boolean => {
      readTurn(load, link, bytesRead)
      return true
    },
  }
  const place = { host: '127.0.0.1', port, noDelay: true, onread }
  const socket = load.tls ? connectTls({ ...place, rejectUnauthorized: false }) : connect(place)
  // A TLS socket does not take it as an option.
  if (load.tls) socket.setNoDelay(true)
  const link: Link = {
    id: load.links.length,
    socket,
    out: Buffer.allocUnsafeSlow(FIRST_OUT_BYTES),
    outLength: 0,
    spare: Buffer.allocUnsafeSlow(0),
    writing: false,
    onWritten: () => writeEnded(link),
    carry: Buffer.allocUnsafeSlow(0),
    carryLength: 0,
    packetId: 0,
    inflight: 0,
    sent: 0,
    done: 0,
    sentMs: load.ackLatency === null ? null : new Float64Array(65536),
    closing: false,
    dead: false,
  }
  socket.on('error', (error) => {
    load.failure ||= error.message
  })
  socket.on('close', () => {
    link.dead = true
    if (!link.closing) load.dead++
    load.onProgress()
  })
  load.links.push(link)
  append(link, connectFrame(load.version, clientId, clean, secondsLeft(load)))
  flush(link)
  return link
}

function secondsLeft({ expiresAtMs }: Load): number | undefined {
  return expiresAtMs === null
    ? undefined
    : Math.max(1, Math.round((expiresAtMs - Date.now()) / 1000))
}

function readTurn(load: Load, link: Link, bytesRead: number): void {
  const start = HEADROOM_BYTES - link.carryLength
  if (link.carryLength > 0) link.carry.copy(arena, start, 0, link.carryLength)
  const end = HEADROOM_BYTES + bytesRead
  // An answer is never longer than what it answers.
  reserve(link, end - start)
  const rest = scanFrames(load, link, arena, arenaView, start, end)
  link.carryLength = end - rest
  if (link.carryLength > HEADROOM_BYTES) throw new Error('frame too large for the load client')
  if (link.carryLength > 0) {
    if (link.carry.length < link.carryLength) {
      link.carry = Buffer.allocUnsafeSlow(link.carryLength * 2)
    }
    arena.copy(link.carry, 0, rest, end)
  }
  flush(link)
  load.onProgress()
}

/** Makes room for `length` more bytes in the output. */
export function reserve(link: Link, length: number): void {
  const needed = link.outLength + length
  if (needed <= link.out.length) return
  const grown = Buffer.allocUnsafeSlow(Math.max(needed, link.out.length * 2))
  link.out.copy(grown, 0, 0, link.outLength)
  link.out = grown
}

export function append(link: Link, bytes: Uint8Array): void {
  reserve(link, bytes.length)
  link.out.set(bytes, link.outLength)
  link.outLength += bytes.length
}

/**
 * Hands everything appended so far to the kernel in one write; a write under way flushes the rest
 * when it ends.
 */
export function flush(link: Link): void {
  if (link.outLength === 0 || link.writing || link.dead) return
  const length = link.outLength
  const bytes = link.out
  link.outLength = 0
  link.socket.write(length === bytes.length ? bytes : bytes.subarray(0, length), link.onWritten)
  // Usually the kernel took it all at once, and the buffer, still warm in the cache, is free again
  // already.
  if (link.socket.writableLength === 0) return
  link.writing = true
  link.out = link.spare
  link.spare = bytes
}

/** Write callbacks come late and in bundles; only an empty socket buffer says that ours is free. */
function writeEnded(link: Link): void {
  if (!link.writing || link.socket.writableLength > 0) return
  link.writing = false
  flush(link)
}

/** Closes a link on purpose. */
export function closeLink(link: Link): void {
  link.closing = true
  link.socket.destroy()
}

export function nextPacketId(link: Link): number {
  link.packetId = link.packetId === 0xffff ? 1 : link.packetId + 1
  return link.packetId
}

/** Appends one PUBLISH with a fresh packet id. */
export function appendPublish(link: Link, template: PublishTemplate): void {
  const at = link.outLength
  append(link, template.bytes)
  link.sent++
  if (template.qos === 0) return
  link.inflight++
  link.out.writeUInt16BE(nextPacketId(link), at + template.packetIdAt)
}

/**
 * Resolves when `reached` holds; it is asked once per turn of the event loop that read something,
 * and by a slow clock.
 * @throws when a connection was lost, refused, or `limitMs` passed.
 */
export function until(
  load: Load,
  reached: () => boolean,
  limitMs: number,
  what: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const deadline = performance.now() + limitMs
    let settled = false
    let scheduled = false
    const settle = (error?: Error): void => {
      settled = true
      clearInterval(clock)
      load.onProgress = () => undefined
      if (error === undefined) resolve()
      else reject(error)
    }
    const check = (): void => {
      scheduled = false
      if (settled) return
      if (load.failure !== '') settle(new Error(`${what}: ${load.failure}`))
      else if (load.dead > 0) settle(new Error(`${what}: ${load.dead} connections lost`))
      else if (reached()) settle()
      else if (performance.now() > deadline) {
        settle(new Error(`${what}: not done within ${limitMs / 1000} s`))
      }
    }
    const clock = setInterval(check, 50)
    load.onProgress = () => {
      if (!scheduled) setImmediate(check)
      scheduled = true
    }
    check()
  })
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

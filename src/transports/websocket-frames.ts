/**
 * Frames of a client (RFC 6455, 5) as they come, in pieces of any size: what they carry is unmasked where it lies and
 * moved together, so that a piece's data is one run of bytes, there at once however long its frame is.
 *
 *     read   [ head | masked data | head | masked … ]
 *     left   [ data | data … ]
 *
 * Control frames are short and kept until they are whole. Nothing is allocated for what a frame announces.
 */
import { isUtf8 } from 'node:buffer'

/** Close codes (RFC 6455, 7.4.1). */
export const CloseCode = {
  normal: 1000,
  protocolError: 1002,
  unsupportedData: 1003,
  invalidData: 1007,
  tooBig: 1009,
} as const

/** Why the connection cannot go on. */
export interface FrameFailure {
  readonly code: number
  readonly text: string
}

const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** Two bytes, eight of length, four of mask. */
const HEAD_BYTES_MAX = 14
const CONTROL_BYTES_MAX = 125
const LENGTH_16_BITS = 126
const LENGTH_64_BITS = 127
/** Views of words are worth their making from so many bytes on. */
const WORDS_MIN = 128
/** No code in the close frame (RFC 6455, 7.1.5). */
const NO_CODE = 1005

const NO_BYTES = new Uint8Array(0)

export class FrameReader {
  /** The last ping that was not answered yet; null: none. Earlier ones need no answer (RFC 6455, 5.5.3). */
  ping: Uint8Array | null = null
  /** The code that the peer closes with, 0: it has not; what comes behind is not looked at. */
  closeCode = 0
  /** What comes behind is not looked at. */
  failure: FrameFailure | null = null
  private readonly head = new Uint8Array(HEAD_BYTES_MAX)
  private headLength = 0
  /** Bytes that the frame under way still lacks; -1: its head is not whole. */
  private left = -1
  private opcode = 0
  private isFinal = false
  private readonly mask = new Uint8Array(4)
  private maskAt = 0
  /** A message is under way, the rest of its fragments are due. */
  private hasBegun = false
  private control = NO_BYTES
  private controlLength = 0

  /** Takes `bytes[start..end)`; what they carry is in `bytes[start..]` then, up to the index returned. */
  read(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    let out = start
    while (at < end && this.failure === null && this.closeCode === 0) {
      if (this.left < 0) {
        at = this.readHead(bytes, at, end)
        // Not whole, or of a frame that carries nothing, or must not.
        if (this.left < 0 || this.failure !== null) continue
      }
      const count = Math.min(this.left, end - at)
      if (this.opcode >= Opcode.close) this.takeControl(bytes, at, count)
      else {
        this.unmask(bytes, at, count, bytes, out)
        out += count
      }
      at += count
      this.left -= count
      if (this.left === 0) this.endFrame()
    }
    return out
  }

  /** Returns how far it came; the head is whole when `left` is known. */
  private readHead(bytes: Uint8Array, start: number, end: number): number {
    const { head } = this
    let at = start
    while (at < end) {
      head[this.headLength++] = bytes[at++]
      if (this.headLength < 2) continue
      // Who masks nothing has no mask to wait for.
      if (this.headLength === 2 && !this.isGoodHead()) return at
      if (this.headLength === headBytes(head[1] & 0x7f)) {
        this.beginFrame()
        break
      }
    }
    return at
  }

  private isGoodHead(): boolean {
    const first = this.head[0]
    const second = this.head[1]
    const opcode = first & 0x0f
    const length = second & 0x7f
    const isFinal = first >= 0x80
    const { hasBegun } = this
    if ((first & 0x70) !== 0) return this.fail('has a reserved bit')
    if (second < 0x80) return this.fail('is not masked')
    if (opcode > Opcode.pong || (opcode > Opcode.binary && opcode < Opcode.close))
      return this.fail(`has opcode ${opcode}, which means nothing`)
    if (opcode >= Opcode.close && (!isFinal || length > CONTROL_BYTES_MAX))
      return this.fail('of control is long or a fragment')
    if (opcode === Opcode.continuation && !hasBegun) return this.fail('continues nothing')
    if (opcode < Opcode.close && opcode !== Opcode.continuation && hasBegun)
      return this.fail('begins within a message')
    // [MQTT-6.0.0-1]
    if (opcode === Opcode.text) return this.fail('is text', CloseCode.unsupportedData)
    this.opcode = opcode
    this.isFinal = isFinal
    return true
  }

  /**
   * The head is whole. A length in more bytes than it needs is taken, as everybody takes it. How much a message holds is
   * nobody's concern: clients put all the packets into one that have waited, and each of those is judged for itself.
   */
  private beginFrame(): void {
    const { head, headLength, mask } = this
    for (let index = 0; index < 4; index++) mask[index] = head[headLength - 4 + index]
    this.maskAt = 0
    this.headLength = 0
    this.left = lengthIn(head)
    if (this.opcode >= Opcode.close) {
      if (this.control.length === 0) this.control = new Uint8Array(CONTROL_BYTES_MAX)
      this.controlLength = 0
    } else {
      this.hasBegun = true
      if (this.left > Number.MAX_SAFE_INTEGER) this.fail('is too long', CloseCode.tooBig)
    }
    if (this.left === 0) this.endFrame()
  }

  private takeControl(bytes: Uint8Array, at: number, count: number): void {
    this.unmask(bytes, at, count, this.control, this.controlLength)
    this.controlLength += count
  }

  /** `to` may be `from`, at an earlier index. */
  private unmask(from: Uint8Array, at: number, count: number, to: Uint8Array, out: number): void {
    const { mask, maskAt } = this
    const words = count < WORDS_MIN ? 0 : unmaskWords(from, at, count >> 2, to, out, mask, maskAt)
    for (let index = words << 2; index < count; index++)
      to[out + index] = from[at + index] ^ mask[(maskAt + index) & 3]
    this.maskAt = (maskAt + count) & 3
  }

  private endFrame(): void {
    this.left = -1
    if (this.failure !== null) return
    const { opcode } = this
    if (opcode === Opcode.ping) this.ping = this.control.slice(0, this.controlLength)
    else if (opcode === Opcode.close) this.takeClose()
    else if (opcode !== Opcode.pong && this.isFinal) this.hasBegun = false
  }

  private takeClose(): void {
    const { control, controlLength } = this
    if (controlLength === 0) {
      this.closeCode = NO_CODE
      return
    }
    const code = (control[0] << 8) | control[1]
    if (controlLength === 1 || !isCloseCode(code)) {
      this.fail('closes with a code that there is not')
      return
    }
    if (!isUtf8(control.subarray(2, controlLength))) {
      this.fail('closes with a reason that is not UTF-8', CloseCode.invalidData)
      return
    }
    this.closeCode = code
  }

  private fail(text: string, code: number = CloseCode.protocolError): false {
    this.failure = { code, text: `protocol error: a WebSocket frame ${text}` }
    return false
  }
}

/** Four bytes at a time: three times as fast, wherever they lie. Returns `count`. */
function unmaskWords(
  from: Uint8Array,
  at: number,
  count: number,
  to: Uint8Array,
  out: number,
  mask: Uint8Array,
  maskAt: number,
): number {
  const source = new DataView(from.buffer, from.byteOffset + at)
  const target = new DataView(to.buffer, to.byteOffset + out)
  const word =
    mask[maskAt] |
    (mask[(maskAt + 1) & 3] << 8) |
    (mask[(maskAt + 2) & 3] << 16) |
    (mask[(maskAt + 3) & 3] << 24)
  for (let index = 0; index < count << 2; index += 4)
    target.setInt32(index, source.getInt32(index, true) ^ word, true)
  return count
}

/** Bytes of a head with this length field; a client's frames are masked. */
function headBytes(length: number): number {
  if (length < LENGTH_16_BITS) return 6
  return length === LENGTH_16_BITS ? 8 : 14
}

/** Beyond 2^53 it is inexact, and refused. */
function lengthIn(head: Uint8Array): number {
  const short = head[1] & 0x7f
  if (short < LENGTH_16_BITS) return short
  let length = 0
  for (let index = 2; index < (short === LENGTH_16_BITS ? 4 : 10); index++)
    length = length * 256 + head[index]
  return length
}

/** Codes that may be sent (RFC 6455, 7.4, and IANA's register). */
function isCloseCode(code: number): boolean {
  if (code >= 3000) return code <= 4999
  return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)
}

/** The head of a binary frame of `length` bytes, at the beginning of `head`; returns its length, 10 at most. */
export function writeHead(head: Uint8Array, length: number): number {
  head[0] = 0x80 | Opcode.binary
  if (length < LENGTH_16_BITS) {
    head[1] = length
    return 2
  }
  const count = length < 65_536 ? 2 : 8
  head[1] = count === 2 ? LENGTH_16_BITS : LENGTH_64_BITS
  let rest = length
  for (let index = count + 1; index > 1; index--) {
    head[index] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return count + 2
}

/** A pong that answers a ping with `payload`. */
export function pongFrame(payload: Uint8Array): Uint8Array {
  return Uint8Array.of(0x80 | Opcode.pong, payload.length, ...payload)
}

/** A close frame; what the peer said without a code is answered without one. */
export function closeFrame(code: number): Uint8Array {
  const first = 0x80 | Opcode.close
  return code === NO_CODE
    ? Uint8Array.of(first, 0)
    : Uint8Array.of(first, 2, code >> 8, code & 0xff)
}

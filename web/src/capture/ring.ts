/**
 * The messages a connection keeps: payload bytes in one circular array, the rest in columns. Bounded by
 * bytes and by count; the oldest make room for the newest.
 *
 *     bytes   [ ..new|    free    |old …………………………………… new ]
 *                    ^write       ^offset of the oldest
 */
import type { Properties, Qos } from '../model/message.ts'

export interface Entry {
  /** Milliseconds since 1970. */
  timeMs: number
  topicId: number
  outgoing: boolean
  qos: Qos
  retain: boolean
  dup: boolean
  /** Absent: at QoS 0, and where it is not known. */
  packetId?: number
  payload: Uint8Array
  properties: Properties | null
}

const QOS = 3
const RETAIN = 4
const DUP = 8
const OUTGOING = 16
const REFUSED = 32
const GONE = 64

const FIRST_BYTES = 1 << 20

export class Ring {
  /** Sequence number of the oldest message kept. */
  first = 0
  /** Sequence number of the next message. */
  next = 0
  /** How many messages made room for newer ones. */
  madeRoom = 0
  /** Called with each message that makes room, while it can still be read. */
  onEvict: (seq: number) => void = () => {}

  private readonly countMax: number
  private readonly bytesMax: number
  private bytes: Uint8Array
  private write = 0
  private readonly times: Float64Array
  private readonly topic: Uint32Array
  private readonly offset: Uint32Array
  private readonly length: Uint32Array
  private readonly flags: Uint8Array
  private readonly packetIds: Uint16Array
  private readonly propertyLists: (Properties | null)[]

  /** `countMax` messages and `bytesMax` payload bytes at most. */
  constructor(countMax: number, bytesMax: number) {
    this.countMax = countMax
    this.bytesMax = bytesMax
    this.bytes = new Uint8Array(Math.min(FIRST_BYTES, bytesMax))
    this.times = new Float64Array(countMax)
    this.topic = new Uint32Array(countMax)
    this.offset = new Uint32Array(countMax)
    this.length = new Uint32Array(countMax)
    this.flags = new Uint8Array(countMax)
    this.packetIds = new Uint16Array(countMax)
    this.propertyLists = []
  }

  /** Bytes reserved for payloads so far. */
  get bytesReserved(): number {
    return this.bytes.length
  }

  /** The message's sequence number; -1: its payload alone is larger than everything that may be kept. */
  push(entry: Entry): number {
    const { length } = entry.payload
    if (length >= this.bytesMax) return -1
    if (this.next - this.first === this.countMax) this.makeRoom()
    const offset = this.allocate(length)
    this.bytes.set(entry.payload, offset)
    const slot = this.next % this.countMax
    this.times[slot] = entry.timeMs
    this.topic[slot] = entry.topicId
    this.offset[slot] = offset
    this.length[slot] = length
    this.flags[slot] =
      entry.qos |
      (entry.retain ? RETAIN : 0) |
      (entry.dup ? DUP : 0) |
      (entry.outgoing ? OUTGOING : 0)
    this.packetIds[slot] = entry.packetId ?? 0
    this.propertyLists[slot] = entry.properties
    return this.next++
  }

  has(seq: number): boolean {
    return seq >= this.first && seq < this.next
  }

  timeMs(seq: number): number {
    return this.times[seq % this.countMax] ?? 0
  }

  topicId(seq: number): number {
    return this.topic[seq % this.countMax] ?? 0
  }

  size(seq: number): number {
    return this.length[seq % this.countMax] ?? 0
  }

  qos(seq: number): Qos {
    return ((this.flags[seq % this.countMax] ?? 0) & QOS) as Qos
  }

  isRetained(seq: number): boolean {
    return ((this.flags[seq % this.countMax] ?? 0) & RETAIN) !== 0
  }

  isDup(seq: number): boolean {
    return ((this.flags[seq % this.countMax] ?? 0) & DUP) !== 0
  }

  isOutgoing(seq: number): boolean {
    return ((this.flags[seq % this.countMax] ?? 0) & OUTGOING) !== 0
  }

  /** A published message that the broker did not take. */
  isRefused(seq: number): boolean {
    return ((this.flags[seq % this.countMax] ?? 0) & REFUSED) !== 0
  }

  markRefused(seq: number): void {
    const slot = seq % this.countMax
    if (this.has(seq)) this.flags[slot] = (this.flags[slot] ?? 0) | REFUSED
  }

  /** 0: none is known. */
  packetId(seq: number): number {
    return this.packetIds[seq % this.countMax] ?? 0
  }

  /** A person has removed it from the list. */
  isGone(seq: number): boolean {
    return ((this.flags[seq % this.countMax] ?? 0) & GONE) !== 0
  }

  markGone(seq: number): void {
    const slot = seq % this.countMax
    if (this.has(seq)) this.flags[slot] = (this.flags[slot] ?? 0) | GONE
  }

  properties(seq: number): Properties | null {
    return this.propertyLists[seq % this.countMax] ?? null
  }

  /** The payload where it lies: to be copied by whoever keeps it beyond the next `push`. */
  payload(seq: number): Uint8Array {
    const slot = seq % this.countMax
    const offset = this.offset[slot] ?? 0
    return this.bytes.subarray(offset, offset + (this.length[slot] ?? 0))
  }

  clear(): void {
    while (this.first < this.next) this.evict()
    this.write = 0
    this.madeRoom = 0
  }

  private makeRoom(): void {
    this.evict()
    this.madeRoom++
  }

  private evict(): void {
    this.onEvict(this.first)
    this.propertyLists[this.first % this.countMax] = null
    this.first++
  }

  private allocate(length: number): number {
    for (;;) {
      const at = this.place(length)
      if (at !== -1) {
        this.write = at + length
        return at
      }
      if (this.bytes.length < this.bytesMax) this.grow()
      else this.makeRoom()
    }
  }

  /** Where `length` bytes fit without touching a message, or -1. */
  private place(length: number): number {
    const capacity = this.bytes.length
    if (this.first === this.next) return length <= capacity ? 0 : -1
    const oldest = this.offset[this.first % this.countMax] ?? 0
    // Strictly less: were they equal, full would look like empty.
    if (this.write < oldest) return length < oldest - this.write ? this.write : -1
    if (length <= capacity - this.write) return this.write
    return length < oldest ? 0 : -1
  }

  /** Twice the room; the messages move to its beginning, oldest first. */
  private grow(): void {
    const bytes = new Uint8Array(Math.min(this.bytes.length * 2, this.bytesMax))
    let at = 0
    for (let seq = this.first; seq < this.next; seq++) {
      const slot = seq % this.countMax
      bytes.set(this.payload(seq), at)
      this.offset[slot] = at
      at += this.length[slot] ?? 0
    }
    this.bytes = bytes
    this.write = at
  }
}

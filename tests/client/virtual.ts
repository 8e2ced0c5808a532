/** A client in virtual time, on a server that a test plays: packets in, packets out, no socket and no clock. */
import assert from 'node:assert/strict'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { readFrame, type FrameHeader } from '../../src/codec/frame.ts'
import {
  PacketType,
  type Packet,
  type Properties,
  type PublishPacket,
  type Version,
} from '../../src/codec/packets.ts'
import { MqttClient } from '../../src/client/client.ts'
import type { ConnectOptions } from '../../src/client/options.ts'
import type { Dial, Runtime, Wire, WireEvents } from '../../src/client/ports.ts'

interface Timer {
  dueMs: number
  fire: () => void
}

/** Time that passes when it is told to. */
export class VirtualTime implements Runtime {
  nowMs = 1_000
  unit = 0
  /** Ends of turns at which something was to be done. */
  turns = 0
  private timers = new Set<Timer>()
  private calls: (() => void)[] = []
  readonly random = {
    fill: (bytes: Uint8Array) => void bytes.fill(7),
    unit: () => this.unit,
  }

  monotonicMs(): number {
    return this.nowMs
  }

  setTimer(delayMs: number, fire: () => void): object {
    const timer = { dueMs: this.nowMs + delayMs, fire }
    this.timers.add(timer)
    return timer
  }

  clearTimer(timer: object | number): void {
    this.timers.delete(timer as Timer)
  }

  soon(call: () => void): void {
    this.calls.push(call)
  }

  /** Everything that can happen without time passing, promises included. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 10; quiet++) {
      const { calls } = this
      this.calls = []
      for (const call of calls) call()
      if (calls.length > 0) {
        quiet = 0
        this.turns++
      }
      await Promise.resolve()
    }
  }

  /** Lets `ms` pass, firing what is due on the way, in order. */
  async pass(ms: number): Promise<void> {
    const end = this.nowMs + ms
    await this.settle()
    for (;;) {
      const due = [...this.timers].filter(({ dueMs }) => dueMs <= end)
      if (due.length === 0) break
      const next = due.reduce((a, b) => (b.dueMs < a.dueMs ? b : a))
      this.nowMs = Math.max(this.nowMs, next.dueMs)
      this.timers.delete(next)
      next.fire()
      await this.settle()
    }
    this.nowMs = end
  }
}

/** One connection, seen from the server. */
export class ServerSide {
  readonly received: Packet[] = []
  /** The client closed: `end` in an orderly way, `destroy` at once. */
  closedBy: 'end' | 'destroy' | null = null
  isPaused = false
  /** The network takes nothing: what is written stays with the client's wire. */
  isBlocked = false
  private readonly events: WireEvents
  private readonly time: VirtualTime
  private readonly version: Version
  private bytes = new ByteWriter(new Uint8Array(1024))

  constructor(events: WireEvents, time: VirtualTime, version: Version) {
    this.events = events
    this.time = time
    this.version = version
  }

  wire(): Wire {
    const close = (how: 'end' | 'destroy') => {
      if (this.closedBy !== null) return
      this.closedBy = how
      this.time.soon(() => this.events.closed(null))
    }
    return {
      write: (bytes, length) => this.take(bytes, length),
      pause: () => (this.isPaused = true),
      resume: () => (this.isPaused = false),
      end: () => close('end'),
      destroy: () => close('destroy'),
    }
  }

  open(): Promise<void> {
    this.events.opened()
    return this.time.settle()
  }

  /** Sends packets in one chunk, or in chunks of `chunkBytes`. */
  async send(packets: Packet | readonly Packet[], chunkBytes = Infinity): Promise<void> {
    const out = new ByteWriter(new Uint8Array(256))
    for (const packet of [packets].flat<(Packet | readonly Packet[])[]>())
      encodePacket(out, this.version, packet)
    for (let at = 0; at < out.length; at += chunkBytes) {
      const chunk = out.bytes.slice(at, Math.min(out.length, at + chunkBytes))
      this.events.received(chunk, 0, chunk.length)
      // The array is the wire's again.
      chunk.fill(0xff)
    }
    await this.time.settle()
  }

  async sendBytes(...bytes: number[]): Promise<void> {
    this.events.received(Uint8Array.from(bytes), 0, bytes.length)
    await this.time.settle()
  }

  /** The network fails. */
  async cut(error: Error | null = new Error('the network is down')): Promise<void> {
    this.closedBy = 'destroy'
    this.events.closed(error)
    await this.time.settle()
  }

  /** The server closes, without a word. */
  closeAsServer(): Promise<void> {
    return this.cut(null)
  }

  async drain(): Promise<void> {
    this.isBlocked = false
    this.events.drained()
    await this.time.settle()
  }

  /** What came since the last call. */
  taken(): Packet[] {
    return this.received.splice(0)
  }

  /** The last packet that came, which must be of `type`. */
  last<Type extends Packet['type']>(type: Type): Packet & { type: Type } {
    const packet = this.received.at(-1)
    assert.equal(packet?.type, type)
    return packet as Packet & { type: Type }
  }

  /** The one packet that came since the last call. */
  only<Type extends Packet['type']>(type: Type): Packet & { type: Type } {
    const packets = this.taken()
    assert.deepEqual(
      packets.map((packet) => packet.type),
      [type],
    )
    return packets[0] as Packet & { type: Type }
  }

  private take(bytes: Uint8Array, length: number): boolean {
    this.bytes.append(bytes, 0, length)
    const frame: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }
    let at = 0
    while (readFrame(this.bytes.bytes, at, this.bytes.length, frame)) {
      const { first, bodyStart, frameEnd } = frame
      const options = { fromClient: true }
      this.received.push(
        decodePacket(this.version, first, this.bytes.bytes, bodyStart, frameEnd, options),
      )
      at = frameEnd
    }
    const rest = this.bytes.bytes.slice(at, this.bytes.length)
    this.bytes.length = 0
    this.bytes.append(rest, 0, rest.length)
    return !this.isBlocked
  }
}

export interface Play {
  readonly client: MqttClient
  readonly time: VirtualTime
  /** Every connection so far; the last one is the current one. */
  readonly servers: readonly ServerSide[]
  /** The current connection. */
  server(): ServerSide
  /** Opens the current connection and accepts it; returns it. */
  accept(options?: { sessionPresent?: boolean; properties?: Properties }): Promise<ServerSide>
}

export function play(options: ConnectOptions = {}): Play {
  const time = new VirtualTime()
  const servers: ServerSide[] = []
  const dial: Dial = (events) => {
    const server = new ServerSide(events, time, options.version ?? 5)
    servers.push(server)
    return server.wire()
  }
  const client = new MqttClient({ clientId: 'c', ...options }, time, dial)
  const server = () => servers[servers.length - 1]
  return {
    client,
    time,
    servers,
    server,
    async accept({ sessionPresent = false, properties = {} } = {}) {
      const current = server()
      await current.open()
      await current.send({ type: PacketType.connack, sessionPresent, code: 0, properties })
      return current
    },
  }
}

/** A PUBLISH as a server sends it. */
export function publishTo(
  topic: string,
  payload: string,
  fields: Partial<PublishPacket> = {},
): PublishPacket {
  return {
    type: PacketType.publish,
    dup: false,
    qos: 0,
    retain: false,
    topic,
    packetId: 0,
    properties: {},
    payload: new TextEncoder().encode(payload),
    ...fields,
  }
}

export function ack(
  type: 4 | 5 | 6 | 7,
  packetId: number,
  reason = 0,
  properties: Properties = {},
): Packet {
  return { type, packetId, reason, properties }
}

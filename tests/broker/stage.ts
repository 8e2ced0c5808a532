/** The core alone, with a clock that is moved by hand: what depends on time is tested without waiting for it. */
import type { Limits } from '../../src/ports/limits.ts'
import type { Control, Link, Observer } from '../../src/ports/ports.ts'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { readFrame, type FrameHeader } from '../../src/codec/frame.ts'
import type { Packet, Version } from '../../src/codec/packets.ts'
import { MemoryData } from '../../src/store/memory-store.ts'
import { listener, SimNode, Timeline } from '../sim/world.ts'
import * as make from '../support/packets.ts'
import { nameOf, type PacketName, type PacketOf } from '../support/packets.ts'

export interface Stage {
  readonly time: Timeline
  readonly node: SimNode
  /** Lets this much time pass. */
  pass(ms: number): void
  /** Everybody leaves, without a will, and nothing stays retained. */
  clear(): void
  /** A connection, nothing said. */
  open(version?: Version): Actor
  /** One with an accepted CONNECT. */
  connect(clientId: string, options?: make.ConnectOptions, version?: Version): Actor
}

/** A client at the far end of a link without delay. */
export class Actor implements Link {
  readonly remote = 'actor'
  readonly tls = null
  writeSome: Link['writeSome'] = null
  readonly listener = listener
  readonly version: Version
  readonly inbox: Packet[] = []
  /** Size of the largest packet that came, in bytes with its header. */
  largestFrame = 0
  isClosed = false
  isPaused = false
  /** Reads nothing: the first write stays in the link. */
  isStuck = false
  /** What is no whole packet yet. */
  private readonly came = new ByteWriter(new Uint8Array(256))
  private readonly stage: Stage
  private readonly connection: ReturnType<SimNode['broker']['accept']>

  constructor(stage: Stage, version: Version) {
    this.stage = stage
    this.version = version
    this.connection = stage.node.broker.accept(this)
  }

  send(...packets: Packet[]): void {
    this.sendBytes(this.bytesOf(...packets))
  }

  bytesOf(...packets: Packet[]): Uint8Array {
    const out = new ByteWriter(new Uint8Array(256))
    for (const packet of packets) encodePacket(out, this.version, packet)
    return out.bytes.slice(0, out.length)
  }

  sendBytes(bytes: Uint8Array): void {
    this.put(bytes)
    this.stage.pass(0)
  }

  /** As `send`, in one write, and the broker's turn is not ended. */
  put(bytes: Uint8Array): void {
    this.stage.node.broker.receive(this.connection, bytes, 0, bytes.length)
  }

  subscribe(filter: string, qos: 0 | 1 | 2): void {
    this.send(make.subscribe(1, [{ filter, qos }]))
    this.take('suback')
  }

  /** Takes what stays in the link, and no more. */
  drain(): void {
    this.stage.node.broker.linkDrained(this.connection)
    this.stage.pass(0)
  }

  /** The line is cut. */
  cut(): void {
    this.isClosed = true
    this.stage.node.broker.linkClosed(this.connection, 'Connection reset by peer')
    this.stage.pass(0)
  }

  /** Takes the first packet of this type out of what came; undefined: none did. */
  take<N extends PacketName>(name: N): PacketOf[N] | undefined {
    const index = this.inbox.findIndex((packet) => nameOf(packet) === name)
    return index < 0 ? undefined : (this.inbox.splice(index, 1)[0] as PacketOf[N])
  }

  /** The payloads that came, as text. */
  payloads(): string[] {
    return this.inbox.flatMap((packet) =>
      'payload' in packet ? [new TextDecoder().decode(packet.payload)] : [],
    )
  }

  write(bytes: Uint8Array, length: number): boolean {
    if (this.isStuck) return false
    // A large packet comes in two parts: its header, and the payload it shares with others.
    const { came } = this
    came.append(bytes, 0, length)
    const frame: FrameHeader = { first: 0, bodyStart: 0, frameEnd: 0 }
    let at = 0
    for (; readFrame(came.bytes, at, came.length, frame); at = frame.frameEnd) {
      const { first, bodyStart, frameEnd } = frame
      this.largestFrame = Math.max(this.largestFrame, frameEnd - at)
      this.inbox.push(
        decodePacket(this.version, first, came.bytes, bodyStart, frameEnd, { fromClient: false }),
      )
    }
    came.bytes.copyWithin(0, at, came.length)
    came.length -= at
    return true
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  end(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.stage.node.broker.linkClosed(this.connection, 'connection closed by client')
  }
}

export function createStage(
  limits: Partial<Limits> = {},
  observer?: Observer,
  control?: Control,
  storeDelayMs = 0,
): Stage {
  const time = new Timeline()
  const node = new SimNode({
    time,
    random: () => 0.5,
    data: new MemoryData(),
    alone: true,
    name: 'stage',
    storeDelayMs,
    limits,
    observer,
    control,
  })
  const actors: Actor[] = []
  const stage: Stage = {
    time,
    node,
    pass: (ms) => time.run(time.nowMs + ms),
    clear() {
      const { broker } = node
      for (const actor of actors) {
        if (!actor.isClosed && !actor.isStuck) actor.send(make.disconnect())
        actor.cut()
      }
      const topics: string[] = []
      broker
        .inspector()
        .retained('#')
        .next(100_000, (message) => void topics.push(message.topicName))
      for (const topic of topics) broker.dropRetained(topic)
      stage.pass(0)
    },
    open(version = 5) {
      const actor = new Actor(stage, version)
      actors.push(actor)
      return actor
    },
    connect(clientId, options = {}, version = 5) {
      const actor = stage.open(version)
      actor.send(make.connect(version, { clientId, ...options }))
      if (actor.take('connack')?.code !== 0) throw new Error(`${clientId} was not let in`)
      return actor
    },
  }
  stage.pass(0)
  return stage
}

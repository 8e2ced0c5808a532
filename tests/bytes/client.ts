/**
 * A client that publishes and receives as the standard wants it, acknowledges in a way of its own, and hands what comes
 * to the ledger.
 */
import type { Version } from '../model/steps.ts'
import type { Ledger, Owed } from './ledger.ts'
import { shorten } from './ledger.ts'
import { describePayload } from './content.ts'
import {
  ackBytes,
  otherPacket,
  PacketReader,
  publishPacket,
  readPublish,
  Type,
  type PublishCame,
  type ToPublish,
} from './wire.ts'

/** The client's end of a connection. */
export interface Wire {
  send(bytes: Buffer): void
  /** At once; what is under way is lost. */
  cut(): void
}

export interface Net {
  open(receive: (bytes: Uint8Array) => void, closed: () => void, mount: string): Wire
  /** ms until then. */
  later(ms: number, run: () => void): void
}

export interface ClientPlan {
  readonly clientId: string
  readonly version: Version
  readonly isDurable: boolean
  /** 5.0 only; 0: not said. */
  readonly receiveMaximum: number
  readonly aliasMaximum: number
  readonly packetBytesMax: number
  readonly mount: string
  /** ms that acknowledgements wait for each other; 0: each goes at once; Infinity: until {@link BytesClient.release}. */
  readonly ackMs: number
  /** Messages that it has unacknowledged at most. */
  readonly window: number
  readonly will: {
    readonly topic: string
    readonly payload: Buffer
    readonly qos: 0 | 1 | 2
  } | null
}

export interface Subscription {
  readonly filter: string
  readonly qos: 0 | 1 | 2
  readonly nl: boolean
  readonly rap: boolean
  readonly rh: 0 | 1 | 2
}

export class BytesClient {
  readonly plan: ClientPlan
  /** By subscription identifier; 0: those without. */
  readonly owed = new Map<number, Owed>()
  isOpen = false
  /** Of its own will: a connection that ends otherwise is a fault. */
  isLeaving = false
  connects = 0
  /** What comes is looked at by this instead of the ledger. */
  look: ((came: PublishCame) => string | null) | null = null
  private readonly net: Net
  private readonly ledger: Ledger
  private readonly fail: (text: string) => void
  private wire: Wire | null = null
  private reader = new PacketReader()
  private aliases = new Map<number, string>()
  private acks: Buffer[] = []
  private ackMs: number
  private isAckDue = false
  private readonly received = new Map<number, Buffer>()
  private readonly toSend: ToPublish[] = []
  private readonly unacknowledged = new Set<number>()
  private lastId = 0
  private isMute = false
  isHeard = true
  private window: number
  private whenOpen: (() => void) | null = null
  private readonly subacks = new Map<number, () => void>()

  constructor(plan: ClientPlan, net: Net, ledger: Ledger, fail: (text: string) => void) {
    this.plan = plan
    this.net = net
    this.ledger = ledger
    this.fail = (text) => fail(`${plan.clientId}: ${text}`)
    this.ackMs = plan.ackMs
    this.window = plan.window
  }

  connect(whenOpen: () => void = () => {}): void {
    const { plan } = this
    this.reader = new PacketReader()
    this.aliases = new Map()
    this.acks = []
    this.whenOpen = whenOpen
    this.isLeaving = false
    this.connects++
    const wire = this.net.open(
      (bytes) => this.receive(wire, bytes),
      () => this.closed(wire),
      plan.mount,
    )
    this.wire = wire
    const { version, receiveMaximum, aliasMaximum, packetBytesMax } = plan
    const properties = {
      ...(plan.isDurable && { sessionExpiryInterval: 100_000 }),
      ...(receiveMaximum > 0 && { receiveMaximum }),
      ...(aliasMaximum > 0 && { topicAliasMaximum: aliasMaximum }),
      ...(packetBytesMax < Infinity && { maximumPacketSize: packetBytesMax }),
    }
    const will = plan.will === null ? undefined : { ...plan.will, retain: false }
    wire.send(
      otherPacket(
        {
          cmd: 'connect',
          clientId: plan.clientId,
          protocolId: 'MQTT',
          protocolVersion: version,
          clean: !plan.isDurable,
          keepalive: 0,
          ...(will !== undefined && { will }),
          ...(version === 5 && { properties }),
        },
        version,
      ),
    )
  }

  subscribe(messageId: number, subscriptions: Subscription[], id: number, done: () => void): void {
    const properties = id > 0 ? { properties: { subscriptionIdentifier: id } } : {}
    this.subacks.set(messageId, done)
    this.wire?.send(
      otherPacket(
        {
          cmd: 'subscribe',
          messageId,
          subscriptions: subscriptions.map((each) => ({ ...each, topic: each.filter })),
          ...properties,
        },
        this.plan.version,
      ),
    )
  }

  publish(it: ToPublish): void {
    this.toSend.push(it)
    this.sendMore()
  }

  /** All that it was to publish is acknowledged, or sent at QoS 0. */
  get isIdle(): boolean {
    return this.toSend.length === 0 && this.unacknowledged.size === 0
  }

  /** Asks whether all that it has sent is dealt with; {@link isHeard} says so. */
  ping(): void {
    this.isHeard = false
    this.wire?.send(otherPacket({ cmd: 'pingreq' }, this.plan.version))
  }

  /** The last bytes that it says. */
  sendLast(bytes: Buffer): void {
    this.wire?.send(bytes)
    this.isMute = true
  }

  /** From now on it acknowledges at once. */
  release(): void {
    this.ackMs = 0
    this.flushAcks()
  }

  cut(): void {
    this.isLeaving = true
    this.isOpen = false
    this.wire?.cut()
    this.wire = null
  }

  private closed(wire: Wire): void {
    if (wire !== this.wire) return
    this.wire = null
    this.isOpen = false
    if (!this.isLeaving) this.fail('the broker closed the connection')
  }

  private receive(wire: Wire, bytes: Uint8Array): void {
    if (wire !== this.wire) return
    try {
      this.reader.read(bytes, (first, body) => this.take(first, body))
    } catch (error) {
      this.fail((error as Error).message)
    }
  }

  private take(first: number, body: Buffer): void {
    this.ledger.packets++
    const type = first >> 4
    const id = body.length >= 2 ? body.readUInt16BE(0) : 0
    const reason = this.plan.version === 5 && body.length > 2 ? body[2] : 0
    if (type === Type.publish) this.takePublish(first, body)
    else if (type === Type.connack) this.opened(body)
    else if (type === Type.suback) this.subacks.get(id)?.()
    else if (type === Type.pubrel) this.takeRelease(id)
    else if (type === Type.pubrec && reason < 0x80) this.acknowledge(ackBytes(Type.pubrel, id))
    else if (type === Type.puback || type === Type.pubcomp) {
      if (reason >= 0x80) this.fail(`refused with 0x${reason.toString(16)}`)
      if (!this.unacknowledged.delete(id)) this.fail(`${type} for ${id}, which is none of its own`)
      this.sendMore()
    } else if (type === Type.pingresp) this.isHeard = true
    else this.fail(`packet of type ${type}, reason ${reason}`)
  }

  private opened(body: Buffer): void {
    if (body[1] !== 0) return this.fail(`refused with ${body[1]}`)
    if ((body[0] === 1) !== (this.plan.isDurable && this.connects > 1))
      return this.fail(`session present ${body[0]}`)
    if (this.plan.version === 5) this.window = Math.min(this.window, receiveMaximumIn(body))
    this.isOpen = true
    this.whenOpen?.()
    this.sendMore()
  }

  private takePublish(first: number, body: Buffer): void {
    const came = this.named(readPublish(this.plan.version, first, body))
    const { qos, packetId, payload } = came
    if (qos === 1) this.acknowledge(ackBytes(Type.puback, packetId))
    if (qos === 2) {
      this.acknowledge(ackBytes(Type.pubrec, packetId))
      const known = this.received.get(packetId)
      if (known !== undefined) {
        if (!came.dup || !known.equals(payload))
          this.fail(
            `${packetId} again, as ${describePayload(payload)}, was ${describePayload(known)}`,
          )
        return
      }
      this.received.set(packetId, payload)
    }
    const problem = this.look === null ? this.judge(came) : this.look(came)
    if (problem !== null)
      this.fail(`QoS ${qos} on ${shorten(came.topic)}: ${describePayload(payload)}: ${problem}`)
  }

  private judge(came: PublishCame): string | null {
    const owed = this.owed.get(came.subscriptionId)
    return owed === undefined ? `subscription ${came.subscriptionId}` : this.ledger.take(owed, came)
  }

  private named(came: PublishCame): PublishCame {
    const { alias, topic } = came
    if (alias === 0) return came
    if (alias > this.plan.aliasMaximum) this.fail(`alias ${alias}`)
    if (topic !== '') this.aliases.set(alias, topic)
    const known = this.aliases.get(alias)
    if (known === undefined) this.fail(`alias ${alias} stands for nothing`)
    return { ...came, topic: known ?? '' }
  }

  private takeRelease(id: number): void {
    this.received.delete(id)
    this.acknowledge(ackBytes(Type.pubcomp, id))
  }

  private acknowledge(bytes: Buffer): void {
    this.acks.push(bytes)
    if (this.ackMs === 0) this.flushAcks()
    else if (this.ackMs < Infinity && !this.isAckDue) {
      this.isAckDue = true
      this.net.later(this.ackMs, () => {
        this.isAckDue = false
        this.flushAcks()
      })
    }
  }

  private flushAcks(): void {
    if (this.acks.length > 0 && !this.isMute) this.wire?.send(Buffer.concat(this.acks))
    this.acks = []
  }

  private sendMore(): void {
    if (!this.isOpen || this.wire === null) return
    let sent = 0
    const frames: Buffer[] = []
    while (sent < this.toSend.length) {
      const next = this.toSend[sent]
      if (next.qos > 0 && this.unacknowledged.size >= this.window) break
      sent++
      const id = next.qos === 0 ? 0 : this.freeId()
      if (id > 0) this.unacknowledged.add(id)
      frames.push(publishPacket(this.plan.version, id, next, false))
    }
    this.toSend.splice(0, sent)
    if (frames.length > 0) this.wire.send(Buffer.concat(frames))
  }

  private freeId(): number {
    do this.lastId = (this.lastId % 65_535) + 1
    while (this.unacknowledged.has(this.lastId))
    return this.lastId
  }
}

/** Receive Maximum in a CONNACK of 5.0. */
function receiveMaximumIn(body: Buffer): number {
  const packet = otherPacketIn(body)
  return packet ?? 65_535
}

const TWO_BYTES = new Set([0x21, 0x22, 0x13])
const FOUR_BYTES = new Set([0x11, 0x27])
const ONE_BYTE = new Set([0x24, 0x25, 0x28, 0x29, 0x2a])

function otherPacketIn(body: Buffer): number | null {
  let at = 3
  while (at < body.length) {
    const id = body[at++]
    if (id === 0x21) return body.readUInt16BE(at)
    if (TWO_BYTES.has(id)) at += 2
    else if (FOUR_BYTES.has(id)) at += 4
    else if (ONE_BYTE.has(id)) at += 1
    else at += 2 + body.readUInt16BE(at)
  }
  return null
}

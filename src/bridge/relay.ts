/**
 * What crosses an open bridge. Both ends speak MQTT, so every packet of a message's way has its counterpart on the other
 * side, under the same packet identifier:
 *
 *     broker ── PUBLISH 7 ──▶ relay ── PUBLISH 7 ──▶ remote          and the same from right to left
 *            ◀── PUBREC 7 ──        ◀── PUBREC 7 ──
 *             ── PUBREL 7 ──▶        ── PUBREL 7 ──▶
 *            ◀── PUBCOMP 7 ─        ◀── PUBCOMP 7 ──
 *
 * So the state of an exchange is where it is safe: in the session of our broker and in that of the other one. The relay
 * remembers nothing that a crash could lose; a message is acknowledged by who has it, never by who passes it on.
 */
import { appendAck } from '../codec/ack.ts'
import { ByteWriter } from '../codec/byte-writer.ts'
import { PacketType, type AckPacket, type Qos } from '../codec/packets.ts'
import { ProtocolError } from '../codec/protocol-error.ts'
import { appendPublish, emptyParts, publishSize } from '../codec/encode-publish.ts'
import { forwardableProperties, parsePublish, PublishView } from '../codec/publish.ts'
import { Reason, reasonText } from '../codec/reason-codes.ts'
import { passedOn, readAnswer } from './answers.ts'
import { countHop } from './hops.ts'
import type { Runtime } from '../client/ports.ts'
import type { LocalEnd } from './local-end.ts'
import { Names } from './names.ts'
import type { RemoteInfo } from './greeting.ts'
import type { RemoteEnd } from './remote-end.ts'
import type { BridgeSettings } from './settings.ts'
import { Sweep } from './sweep.ts'
import type { TopicMap } from './topic-map.ts'

/** Refusals that say "not now": the message stays where it is and is sent again by the next connection. */
const PASSING_REASONS = new Set<number>([
  Reason.unspecifiedError,
  Reason.implementationSpecificError,
  Reason.quotaExceeded,
])
const ERRORS_FROM = 0x80
/** What our broker and its end of the bridge speak. */
const LOCAL_VERSION = 5
const CROSSED_ENOUGH = 'has crossed enough bridges, or has no room for their count'
/** A remote that sends more than this before its messages may cross is cut. */
const EARLY_BYTES_MAX = 16 * 1024 * 1024

/** Counted since the bridge was made. */
export interface RelayCounts {
  sent: number
  received: number
  /** Not passed on for good: too large, too many hops, refused by the other side. */
  dropped: number
}

/** What the relay cannot decide. */
export interface RelayEvents {
  /** The link must go, at the end of the turn; what is under way is sent again by the next one. */
  cut(why: string): void
  warn(text: string): void
  /** A message crossed. */
  crossed(): void
}

export class Relay {
  private readonly settings: BridgeSettings
  private readonly sendsQos2: boolean
  private readonly names: Names
  private readonly remote: RemoteEnd
  private readonly counts: RelayCounts
  private readonly events: RelayEvents
  private readonly runtime: Runtime
  private local: LocalEnd | null = null
  private info: RemoteInfo | null = null

  private readonly fromLocal = new PublishView(true)
  private readonly fromRemote = new PublishView(true)
  private readonly aliasesOut = new Map<string, number>()
  private readonly parts = emptyParts()

  /** For the broker, until the chunk is through; `spare` collects while it takes them. */
  private toLocal = new ByteWriter(new Uint8Array(4096))
  private spare = new ByteWriter(new Uint8Array(4096))
  private isHandingOver = false
  private isScheduled = false
  private isCut = false
  /** QoS 2 from our broker, sent at QoS 1: its PUBACK stands for PUBREC. */
  private readonly lowered = new Set<number>()
  /** QoS 2 from our broker, done with at our side: its PUBREL is answered here. */
  private readonly answeredHere = new Set<number>()
  /** QoS 2 from a remote that has forgotten it, released here: the broker's PUBCOMP is nobody else's. */
  private readonly releasedHere = new Set<number>()
  /** QoS 2 from the remote that was not passed on: its PUBREL is answered here. */
  private readonly refusedHere = new Set<number>()
  private sweep: Sweep | null = null

  constructor(
    settings: BridgeSettings,
    topics: TopicMap,
    remote: RemoteEnd,
    counts: RelayCounts,
    runtime: Runtime,
    events: RelayEvents,
  ) {
    this.settings = settings
    this.sendsQos2 = topics.sendsQos2
    this.names = new Names(topics, settings.topicAliasMaximum, settings.bounds.topicLevelsMax)
    this.remote = remote
    this.counts = counts
    this.runtime = runtime
    this.events = events
  }

  /** The remote is ready; packets from the local side may come from now on. */
  openRemote(info: RemoteInfo): void {
    this.info = info
  }

  /** Whether the remote may hold identifiers of QoS 2 messages, and will get others. */
  get mayCollide(): boolean {
    const { info } = this
    return info !== null && info.sessionPresent && info.maximumQos === 2 && this.sendsQos2
  }

  /** Before the local side comes in. `done(isWhole)`: see {@link Sweep}. */
  freeIdentifiers(done: (isWhole: boolean) => void): void {
    const { output, version } = this.remote
    const sweep = (this.sweep = new Sweep(this.runtime, (isWhole) => {
      this.sweep = null
      done(isWhole)
    }))
    sweep.append(output.writer, version)
    output.written()
  }

  /** {@link freeIdentifiers} waits, and for the very first answer. */
  get sweepsInVain(): boolean {
    return this.sweep !== null && this.sweep.isInVain
  }

  end(): void {
    this.sweep?.end()
  }

  /** The local side is ready: what came meanwhile goes to it. */
  openLocal(local: LocalEnd): void {
    this.local = local
    this.handOver()
  }

  /**
   * The remote lost our session, and with it what it sent at QoS 2 and we have not seen released: nobody will. It is
   * ours since we said PUBREC, so it goes on its way, and its identifiers are free for others. To be called before
   * {@link openLocal}: what came meanwhile may be under the same identifiers.
   */
  releaseUnreleased(local: LocalEnd, packetIds: readonly number[]): void {
    const out = new ByteWriter(new Uint8Array(1024))
    for (const packetId of packetIds) {
      this.releasedHere.add(packetId)
      appendAck(out, 5, PacketType.pubrel, packetId, 0)
    }
    local.send(out.bytes, out.length)
  }

  // ── from our broker ──

  /** A packet from our broker. */
  takeLocal(first: number, bytes: Uint8Array, start: number, bodyStart: number, end: number): void {
    const type = first >> 4
    if (this.isCut) return
    if (type === PacketType.publish) return this.sendPublish(bytes, start, bodyStart, end)
    if (type < PacketType.puback || type > PacketType.pubcomp) return
    const ack = readAnswer(LOCAL_VERSION, first, bytes, bodyStart, end)
    this.sendAck(type as AckPacket['type'], ack & 0xffff, ack >>> 16)
  }

  private sendPublish(bytes: Uint8Array, start: number, bodyStart: number, end: number): void {
    const { fromLocal: view, info, settings, remote } = this
    if (info === null) return
    parsePublish(view, 5, bytes, start, bodyStart, end)
    const topic = this.names.ofLocal(view)
    const renamed = this.names.thereOf(topic)
    if (renamed === null) return this.dropLocal(view, `'${topic}' would have no name there`)
    const { qos, packetId } = view
    const own = forwardableProperties(view)
    const properties = countHop(view, own, settings.hopsMax, remote.version, settings.bounds)
    if (properties === null) return this.dropLocal(view, `'${topic}' ${CROSSED_ENOUGH}`)
    const sentQos = Math.min(qos, info.maximumQos) as Qos
    const retain = view.retain && settings.outgoingRetain && info.retainAvailable
    const flags = (sentQos > 0 && view.dup ? 8 : 0) | (sentQos << 1) | (retain ? 1 : 0)
    this.fill(renamed, properties, view)
    const expiry = view.messageExpirySeconds
    let alias = this.aliasFor(topic, info)
    let size = this.sizeOf(flags, packetId, expiry, alias)
    if (size > info.packetBytesMax && alias !== 0) {
      // What is not told now must not be used later.
      if (alias > 0) this.aliasesOut.delete(topic)
      alias = 0
      size = this.sizeOf(flags, packetId, expiry, 0)
    }
    if (size > info.packetBytesMax)
      return this.dropLocal(view, `'${topic}' is too large: ${size} bytes`)
    const { writer } = remote.output
    const id = Math.abs(alias)
    appendPublish(writer, remote.version, flags, packetId, this.parts, expiry, null, id, alias < 0)
    remote.output.written()
    this.counts.sent++
    this.events.crossed()
    if (sentQos === qos) return
    if (sentQos === 1) this.lowered.add(packetId)
    else this.answerLocal(view)
  }

  private fill(topic: Uint8Array, properties: Uint8Array, view: PublishView): void {
    const { parts } = this
    parts.topic = topic
    parts.topicEnd = topic.length
    parts.properties = properties
    parts.propertiesEnd = properties.length
    parts.payload = view.bytes
    parts.payloadStart = view.payloadStart
    parts.payloadEnd = view.payloadEnd
  }

  /** Bytes of the packet that {@link fill} prepared; `alias` as {@link aliasFor} says. */
  private sizeOf(flags: number, packetId: number, expiry: number, alias: number): number {
    const { version } = this.remote
    const id = Math.abs(alias)
    return publishSize(version, flags, packetId, this.parts, expiry, null, id, alias < 0)
  }

  /** The alias to send with `topic`, 0: none; negative: the remote knows it. */
  private aliasFor(topic: string, { topicAliasMaximum }: RemoteInfo): number {
    if (topicAliasMaximum === 0) return 0
    const known = this.aliasesOut.get(topic)
    if (known !== undefined) return -known
    const free = this.aliasesOut.size + 1
    if (free > topicAliasMaximum) return 0
    this.aliasesOut.set(topic, free)
    return free
  }

  private dropLocal(view: PublishView, why: string): void {
    this.counts.dropped++
    this.events.warn(`not sent: ${why}`)
    this.answerLocal(view)
  }

  /** Acknowledges to our broker what the remote will not. */
  private answerLocal({ qos, packetId, dup }: PublishView): void {
    if (qos === 0) return
    const type = qos === 1 ? PacketType.puback : PacketType.pubrec
    // Of one that was sent before, the remote may hold the identifier: only PUBREL frees it there.
    if (qos === 2 && !dup) this.answeredHere.add(packetId)
    appendAck(this.toLocal, 5, type, packetId, 0)
    this.handOverSoon()
  }

  private sendAck(type: AckPacket['type'], packetId: number, said: number): void {
    const reason = passedOn(said)
    if (type === PacketType.pubrel) {
      const lowers = (this.info?.maximumQos ?? 2) < 2
      if (this.answeredHere.delete(packetId) || lowers) {
        appendAck(this.toLocal, 5, PacketType.pubcomp, packetId, 0)
        return this.handOverSoon()
      }
    } else if (type === PacketType.pubcomp && this.releasedHere.delete(packetId)) return
    if (reason >= ERRORS_FROM && PASSING_REASONS.has(reason))
      return this.cut(`this broker cannot take a message now: ${reasonText(reason)}`)
    if (reason >= ERRORS_FROM && type < PacketType.pubrel) {
      this.counts.dropped++
      this.events.warn(`a message from the remote is refused: ${reasonText(said)}`)
    }
    const { output, version } = this.remote
    appendAck(output.writer, version, type, packetId, reason)
    output.written()
    // Below 5.0 a refusal looks like success: the remote goes on with PUBREL, which our broker does not expect.
    if (reason >= ERRORS_FROM && version < 5 && type === PacketType.pubrec)
      this.refusedHere.add(packetId)
  }

  // ── from the remote ──

  /** A packet from the remote. Throws ProtocolError on what ends the connection. */
  takeRemote(
    first: number,
    bytes: Uint8Array,
    start: number,
    bodyStart: number,
    end: number,
  ): void {
    const type = first >> 4
    if (this.isCut) return
    if (type === PacketType.publish) this.receivePublish(bytes, start, bodyStart, end)
    else {
      const ack = readAnswer(this.remote.version, first, bytes, bodyStart, end)
      this.receiveAck(type as AckPacket['type'], ack & 0xffff, ack >>> 16)
    }
    if (this.local === null && this.toLocal.length > EARLY_BYTES_MAX)
      throw new ProtocolError(Reason.quotaExceeded, 'too much before the bridge was open')
  }

  private receivePublish(bytes: Uint8Array, start: number, bodyStart: number, end: number): void {
    const { fromRemote: view, remote, settings } = this
    parsePublish(view, remote.version, bytes, start, bodyStart, end)
    const topic = this.names.ofRemote(view)
    const renamed = this.names.hereOf(topic)
    if (renamed === null) return this.refuseRemote(view, topic)
    const { qos, packetId } = view
    const properties = countHop(view, forwardableProperties(view), settings.hopsMax, LOCAL_VERSION)
    if (properties === null) return this.dropRemote(view, `'${topic}' ${CROSSED_ENOUGH}`)
    this.fill(renamed, properties, view)
    const retain = view.retain && settings.bounds.retainAvailable
    const flags = (view.dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0)
    const expiry = view.messageExpirySeconds
    const { toLocal, parts } = this
    appendPublish(toLocal, LOCAL_VERSION, flags, packetId, parts, expiry, null, 0, false)
    this.counts.received++
    this.events.crossed()
  }

  /**
   * What no `topic` line asks for. A session that was there before may have kept messages of lines that are gone, and any client
   * may send to our client id where brokers have that (`direct_topic`): they are acknowledged, or they would come for ever.
   * Everything else is a fault of the remote.
   */
  private refuseRemote(view: PublishView, topic: string): void {
    if (this.names.isAsked(topic))
      return this.dropRemote(view, `'${topic}' would have no name here`)
    const isToUs = topic.endsWith(`/${this.settings.remoteClientId}`)
    if (this.info?.sessionPresent === false && !isToUs)
      throw new ProtocolError(Reason.protocolError, `'${topic}' is not what we subscribed to`)
    this.dropRemote(view, `no topic line asks for '${topic}'`)
  }

  /** Acknowledges to the remote what our broker does not get. */
  private dropRemote({ qos, packetId, dup }: PublishView, why: string): void {
    this.counts.dropped++
    this.events.warn(`not passed on: ${why}`)
    if (qos === 0) return
    const { output, version } = this.remote
    const type = qos === 1 ? PacketType.puback : PacketType.pubrec
    // One that was sent before, our broker may hold since then: only PUBREL makes it go its way.
    if (qos === 2 && !dup) this.refusedHere.add(packetId)
    appendAck(output.writer, version, type, packetId, 0)
    output.written()
  }

  private receiveAck(type: AckPacket['type'], packetId: number, said: number): void {
    const reason = passedOn(said)
    if (type === PacketType.pubcomp && this.sweep !== null) return this.sweep.answered()
    if (type === PacketType.pubrel && this.refusedHere.delete(packetId)) {
      const { output, version } = this.remote
      appendAck(output.writer, version, PacketType.pubcomp, packetId, 0)
      return output.written()
    }
    const isRefusal = reason >= ERRORS_FROM && type !== PacketType.pubcomp
    if (isRefusal && PASSING_REASONS.has(reason))
      return this.cut(`the remote cannot take a message now: ${reasonText(reason)}`)
    if (isRefusal && type !== PacketType.pubrel) {
      this.counts.dropped++
      this.events.warn(`the remote refused a message: ${reasonText(said)}`)
    }
    if (type === PacketType.puback && this.lowered.delete(packetId)) {
      if (reason < ERRORS_FROM) this.answeredHere.add(packetId)
      return appendAck(this.toLocal, 5, PacketType.pubrec, packetId, reason)
    }
    appendAck(this.toLocal, 5, type, packetId, reason)
  }

  /** Nothing crosses any more: an acknowledgement behind the refused one must not overtake it. */
  private cut(why: string): void {
    this.isCut = true
    this.runtime.soon(() => this.events.cut(why))
  }

  // ── handing over ──

  /** The chunk from the remote is through: what it made for our broker goes there. */
  handOver(): void {
    if (this.local === null || this.isHandingOver) return
    this.isHandingOver = true
    // While our broker takes them, it may write, and more may collect.
    while (this.toLocal.length > 0) {
      const full = this.toLocal
      this.toLocal = this.spare
      this.spare = full
      this.local.send(full.bytes, full.length)
      full.length = 0
    }
    this.isHandingOver = false
  }

  private handOverSoon(): void {
    if (this.isScheduled || this.isHandingOver) return
    this.isScheduled = true
    this.runtime.soon(() => {
      this.isScheduled = false
      this.handOver()
    })
  }
}

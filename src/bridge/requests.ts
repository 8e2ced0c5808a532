/**
 * What a bridge asks of the remote before messages cross, and what is answered of it:
 *
 *     notification, UNSUBSCRIBE …, SUBSCRIBE …        in mosquitto's order, a packet for each filter
 *
 * All of it is answered before the first message is sent: a request takes an identifier, and none may have two meanings.
 */
import { PacketType, type Packet } from '../codec/packets.ts'
import { ProtocolError } from '../codec/protocol-error.ts'
import { Reason, reasonText } from '../codec/reason-codes.ts'
import { notification, type RemoteInfo, type Speech } from './greeting.ts'
import type { BridgeSettings } from './settings.ts'
import type { TopicMap, WantedFilter } from './topic-map.ts'

const PACKET_IDS = 65_535
const ERRORS_FROM = 0x80

/** A packet that is not answered yet. */
interface Request {
  readonly answer: Packet['type']
  /** As in the log: a packet and its filter. */
  readonly name: string
  readonly wanted: WantedFilter | null
}

/** What requests need of the connection. */
export interface Asker {
  /** False, and nothing is sent: it is larger than the remote takes. */
  say(packet: Packet): boolean
  /** Whether a message of ours is under way under this packet identifier. */
  isUnderWay(packetId: number): boolean
}

export class Requests {
  /** Filters that the remote sends at a lower QoS than asked for, as text. */
  readonly lowered: string[] = []
  private readonly asker: Asker
  /** By packet identifier. */
  private readonly due = new Map<number, Request>()
  private lastId = 0
  /**
   * The remote may hold messages that earlier connections sent, and nobody knows which: it may have no room for another one,
   * and may know one by the next identifier.
   */
  private readonly mayHold: boolean

  constructor(asker: Asker, mayHold: boolean) {
    this.asker = asker
    this.mayHold = mayHold
  }

  /** Sends them. Returns why it cannot be; null: it is done. */
  ask(
    settings: BridgeSettings,
    topics: TopicMap,
    { isBrief }: Speech,
    info: RemoteInfo,
  ): string | null {
    if (tellsRemote(settings)) this.tell(settings, info, isBrief)
    if (settings.attemptUnsubscribe && !isBrief)
      for (const filter of topics.unwantedFilters) this.unsubscribe(filter)
    const isTooLarge = topics.remoteFilters.find((wanted) => !this.subscribe(wanted))
    if (isTooLarge === undefined) return null
    return `the subscription to '${isTooLarge.filter}' is too large for the remote`
  }

  get isAnswered(): boolean {
    return this.due.size === 0
  }

  /** Nothing is left that the bridge could not do without. */
  get isDispensable(): boolean {
    for (const { wanted } of this.due.values()) if (wanted !== null) return false
    return true
  }

  /** The first that is not answered, as text. */
  get firstDue(): string {
    for (const { name } of this.due.values()) return name
    return ''
  }

  /** Whether a PUBACK with this identifier answers our notification. */
  awaitsPuback(packetId: number): boolean {
    return this.due.get(packetId)?.answer === PacketType.puback
  }

  /** Nothing, where this answers none of them. */
  answered(packetId: number, answer: Packet['type']): void {
    if (this.due.get(packetId)?.answer === answer) this.due.delete(packetId)
  }

  /** Returns why the bridge cannot be, null: granted. Throws ProtocolError. */
  granted(packetId: number, codes: readonly number[], isV5: boolean): string | null {
    const { wanted = null } = this.due.get(packetId) ?? {}
    if (wanted === null) return null
    const [code] = codes
    if (codes.length !== 1)
      throw new ProtocolError(Reason.protocolError, `SUBACK with ${codes.length} codes for one`)
    const { filter, qos } = wanted
    if (code >= ERRORS_FROM) {
      const why = isV5 ? reasonText(code) : 'refused'
      return `the remote does not let us subscribe to '${filter}': ${why}`
    }
    if (code < qos) this.lowered.push(`'${filter}' at QoS ${code} instead of ${qos}`)
    this.due.delete(packetId)
    return null
  }

  private tell(settings: BridgeSettings, info: RemoteInfo, isBrief: boolean): void {
    if (this.mayHold || isBrief || info.maximumQos === 0)
      this.asker.say(notification(settings, info, '1', 0, 0))
    else
      this.request(PacketType.puback, 'the notification', null, (packetId) =>
        notification(settings, info, '1', 1, packetId),
      )
  }

  private unsubscribe(filter: string): void {
    this.request(PacketType.unsuback, `UNSUBSCRIBE '${filter}'`, null, (packetId) => ({
      type: PacketType.unsubscribe,
      packetId,
      filters: [filter],
      properties: {},
    }))
  }

  private subscribe(wanted: WantedFilter): boolean {
    const { filter, qos } = wanted
    const options = {
      noLocal: true,
      retainAsPublished: true,
      // Only what is new to the session: before 5.0 every SUBSCRIBE brings all that is retained once more.
      retainHandling: 1 as const,
    }
    return this.request(PacketType.suback, `SUBSCRIBE '${filter}'`, wanted, (packetId) => ({
      type: PacketType.subscribe,
      packetId,
      filters: [{ filter, qos, ...options }],
      properties: {},
    }))
  }

  /** False: it is larger than the remote takes, and was not sent. */
  private request(
    answer: Packet['type'],
    name: string,
    wanted: WantedFilter | null,
    packetOf: (packetId: number) => Packet,
  ): boolean {
    const packetId = this.freeId()
    if (!this.asker.say(packetOf(packetId))) return false
    this.due.set(packetId, { answer, name, wanted })
    return true
  }

  /**
   * An identifier under which no message is under way: the remote may hold that message under it. Where nobody knows what
   * it holds, those that messages, which count up from 1, come to last.
   */
  private freeId(): number {
    const { mayHold } = this
    let id = this.lastId
    let left = PACKET_IDS
    do id = mayHold ? (id > 1 ? id - 1 : PACKET_IDS) : (id % PACKET_IDS) + 1
    while (this.asker.isUnderWay(id) && --left > 0)
    this.lastId = id
    return id
  }
}

/** Whether the remote hears that we are here, and by our will that we are gone. */
export function tellsRemote({ notifications, notificationsLocalOnly }: BridgeSettings): boolean {
  return notifications && !notificationsLocalOnly
}

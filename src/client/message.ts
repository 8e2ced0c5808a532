/** A message as handlers and iterators get it. */
import { PacketType, type Properties, type Qos } from '../codec/packets.ts'
import { isReasonAllowed } from '../codec/reason-codes.ts'
import { MqttError } from './errors.ts'

const decoder = new TextDecoder()

/** Whom a message tells that it is done with, so that it can be acknowledged. */
export interface Acknowledger {
  settled(message: Message): void
}

/** All of it is a copy, yours to keep. */
export class Message {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  /** It was retained by the server and is not news (unless the subscription asks for `retainAsPublished`). */
  readonly retain: boolean
  /** It may have been delivered before. */
  readonly dup: boolean
  /** 0 at QoS 0. */
  readonly packetId: number
  /** MQTT 5.0: content type, response topic, correlation data, expiry, subscription identifiers, user properties. */
  readonly properties: Properties
  /**
   * How many still need it before it is acknowledged; 0: settled.
   * @internal
   */
  keepers = 1
  /**
   * Of the network connection that it came by last.
   * @internal
   */
  epoch = 0
  /**
   * What its PUBACK or PUBREC will say.
   * @internal
   */
  reason = 0
  /** @internal */
  private readonly owner: Acknowledger | null
  private manualKeepers = 0

  constructor(
    topic: string,
    payload: Uint8Array,
    qos: Qos,
    retain: boolean,
    dup: boolean,
    packetId: number,
    properties: Properties,
    owner: Acknowledger | null,
  ) {
    this.topic = topic
    this.payload = payload
    this.qos = qos
    this.retain = retain
    this.dup = dup
    this.packetId = packetId
    this.properties = properties
    this.owner = owner
  }

  /** The payload as text; bytes that are no UTF-8 become U+FFFD. */
  text(): string {
    return decoder.decode(this.payload)
  }

  /** The payload as JSON. @throws SyntaxError when it is none. */
  json(): unknown {
    return JSON.parse(this.text())
  }

  /**
   * Acknowledges the message, once, for a subscription with `acknowledge: 'manual'`; elsewhere it does nothing.
   * Acknowledgements leave in the order in which the messages came [MQTT-4.6.0-2].
   *
   * @param reason MQTT 5.0: from 0x80 on the server is told that the message was refused.
   * @throws MqttError `INVALID` on a reason that PUBACK cannot have (MQTT 5.0, 3.4.2.1).
   */
  ack(reason = 0): void {
    if (!isReasonAllowed(PacketType.puback, reason))
      throw new MqttError('INVALID', `an acknowledgement cannot have the reason ${reason}`)
    if (this.manualKeepers === 0) return
    this.manualKeepers--
    if (reason !== 0) this.reason = reason
    this.dropKeeper()
  }

  /** @internal */
  addKeeper(): void {
    this.keepers++
  }

  /** @internal */
  addManualKeeper(): void {
    this.keepers++
    this.manualKeepers++
  }

  /** @internal */
  dropKeeper(): void {
    if (--this.keepers === 0 && this.qos > 0) this.owner?.settled(this)
  }
}

/** PUBACK, PUBREC, PUBREL and PUBCOMP from the server (MQTT 5.0, 3.4 to 3.7 and 4.3). */
import { decodePacket } from '../codec/decode.ts'
import { PacketType, type AckPacket, type Properties } from '../codec/packets.ts'
import { ProtocolError } from '../codec/protocol-error.ts'
import { Reason } from '../codec/reason-codes.ts'
import type { Core, Outgoing } from './model.ts'
import { complete } from './publishing.ts'
import { sendAck } from './send.ts'

const NO_PROPERTIES: Properties = Object.freeze({})
const FROM_SERVER = { fromClient: false }

type AckHandler = (core: Core, packetId: number, reason: number, properties: Properties) => void

const HANDLERS: Readonly<Record<number, AckHandler>> = {
  [PacketType.puback]: onPuback,
  [PacketType.pubrec]: onPubrec,
  [PacketType.pubrel]: onPubrel,
  [PacketType.pubcomp]: onPubcomp,
}

/** Takes the acknowledgement `bytes[bodyStart..end)`. Throws ProtocolError as `decodePacket` does. */
export function onAck(
  core: Core,
  first: number,
  bytes: Uint8Array,
  bodyStart: number,
  end: number,
): void {
  const type = first >> 4
  // Nearly all of them: an identifier and nothing else.
  if (end - bodyStart === 2) {
    const packetId = (bytes[bodyStart] << 8) | bytes[bodyStart + 1]
    if (packetId === 0) throw new ProtocolError(Reason.protocolError, 'packet identifier 0')
    core.settings.onPacket?.('in', {
      type: type as AckPacket['type'],
      packetId,
      reason: 0,
      properties: {},
    })
    return HANDLERS[type](core, packetId, 0, NO_PROPERTIES)
  }
  const { version, onPacket } = core.settings
  const packet = decodePacket(version, first, bytes, bodyStart, end, FROM_SERVER) as AckPacket
  onPacket?.('in', packet)
  HANDLERS[type](core, packet.packetId, packet.reason, packet.properties)
}

function publishOf(core: Core, packetId: number, qos: 1 | 2): Outgoing | null {
  const exchange = core.exchanges.get(packetId)
  return exchange?.kind === 'publish' && exchange.qos === qos ? exchange : null
}

/** Of a message that is not under way: late, after its connection was lost; there is nothing to do. */
function onPuback(core: Core, packetId: number, reason: number, properties: Properties): void {
  const message = publishOf(core, packetId, 1)
  if (message !== null) complete(core, message, reason, properties)
}

/** From 0x80 on the exchange ends here [MQTT-4.3.3-4]; otherwise PUBREL follows, for an unknown one too. */
function onPubrec(core: Core, packetId: number, reason: number, properties: Properties): void {
  const message = publishOf(core, packetId, 2)
  if (message !== null && reason >= 0x80) return complete(core, message, reason, properties)
  if (reason >= 0x80) return
  if (message !== null) message.released = true
  const known = message !== null || core.settings.version < 5
  sendAck(core, PacketType.pubrel, packetId, known ? 0 : Reason.packetIdentifierNotFound)
}

function onPubcomp(core: Core, packetId: number, _reason: number, properties: Properties): void {
  const message = publishOf(core, packetId, 2)
  if (message?.released === true) complete(core, message, 0, properties)
}

/** The server has let go of a message to us: its identifier is free again [MQTT-4.3.3-13]. */
function onPubrel(core: Core, packetId: number): void {
  core.inboundBefore.delete(packetId)
  const known = core.inbound.delete(packetId) || core.settings.version < 5
  sendAck(core, PacketType.pubcomp, packetId, known ? 0 : Reason.packetIdentifierNotFound)
}

/** Packets out: the cold ones as values, acknowledgements byte by byte. */
import { appendAck } from '../codec/ack.ts'
import { encodePacket } from '../codec/encode.ts'
import type { AckPacket, Packet } from '../codec/packets.ts'
import { MqttError } from './errors.ts'
import type { Core } from './model.ts'

/** Throws RangeError or TypeError on a value that does not fit its field; nothing is sent then. */
export function send(core: Core, packet: Packet): void {
  const { output, settings } = core
  encodePacket(output.writer, settings.version, packet)
  output.written()
  settings.onPacket?.('out', packet)
}

export function sendAck(
  core: Core,
  type: AckPacket['type'],
  packetId: number,
  reason: number,
): void {
  const { output, settings } = core
  appendAck(output.writer, settings.version, type, packetId, reason)
  output.written()
  settings.onPacket?.('out', { type, packetId, reason, properties: {} })
}

const PACKET_ID_MAX = 0xffff

/** A packet identifier that no exchange uses [MQTT-2.2.1-3]. Throws MqttError `QUEUE_FULL` when all are. */
export function nextPacketId(core: Core): number {
  const { exchanges } = core
  if (exchanges.size >= PACKET_ID_MAX) {
    throw new MqttError('QUEUE_FULL', 'all 65,535 packet identifiers are in use')
  }
  let id = core.lastPacketId
  do id = id === PACKET_ID_MAX ? 1 : id + 1
  while (exchanges.has(id))
  core.lastPacketId = id
  return id
}

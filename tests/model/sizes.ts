/** How long a PUBLISH of the server is (3.1.2.11.4). */
import type { Candidate, Connection, Message } from './state.ts'
import { bytesOf, RICH } from './wire.ts'

/** Longer than the client takes, without the help of an alias. */
export function isTooLarge(connection: Connection, message: Message, way: Candidate): boolean {
  if (connection.maximumPacketSize === Infinity) return false
  const rich = message.forwarded === '' ? {} : RICH
  const packet = {
    cmd: 'publish' as const,
    topic: message.topic,
    payload: message.payload,
    qos: way.qos,
    retain: way.retain,
    dup: false,
    messageId: 1,
    properties: {
      ...rich,
      ...(message.expiresAtMs < Infinity && { messageExpiryInterval: 1 }),
      ...(way.subscriptionId > 0 && { subscriptionIdentifier: way.subscriptionId }),
    },
  }
  return bytesOf(packet, connection.version).length > connection.maximumPacketSize
}

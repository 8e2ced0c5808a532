/** `-d`: a line for each packet, as mosquitto's library writes them. */
import { PacketType, type AckPacket, type Packet, type PublishPacket } from '../../codec/packets.ts'

/** For the lines a client without an id of its own has. */
const NO_ID = '(null)'

const flag = (value: boolean): number => (value ? 1 : 0)

type PacketOf<T> = T extends AckPacket['type'] ? AckPacket : Extract<Packet, { type: T }>
type Table = {
  readonly [T in Packet['type']]?: (packet: PacketOf<T>) => readonly string[]
}

function publishText({ dup, qos, retain, packetId, topic, payload }: PublishPacket) {
  return `PUBLISH (d${flag(dup)}, q${qos}, r${flag(retain)}, m${packetId}, '${topic}', ... (${payload.length} bytes))`
}

const SENT: Table = {
  [PacketType.connect]: () => ['CONNECT'],
  [PacketType.publish]: (packet) => [publishText(packet)],
  [PacketType.puback]: ({ packetId, reason }) => [`PUBACK (m${packetId}, rc${reason})`],
  [PacketType.pubrec]: ({ packetId, reason }) => [`PUBREC (m${packetId}, rc${reason})`],
  [PacketType.pubrel]: ({ packetId }) => [`PUBREL (m${packetId})`],
  [PacketType.pubcomp]: ({ packetId }) => [`PUBCOMP (m${packetId})`],
  [PacketType.subscribe]: ({ packetId, filters }) =>
    filters.map(({ filter, qos, noLocal, retainAsPublished, retainHandling }) => {
      const options = (flag(noLocal) << 2) | (flag(retainAsPublished) << 3) | (retainHandling << 4)
      return `SUBSCRIBE (Mid: ${packetId}, Topic: ${filter}, QoS: ${qos}, Options: 0x${options.toString(16).padStart(2, '0')})`
    }),
  [PacketType.unsubscribe]: ({ packetId, filters }) =>
    filters.map((filter) => `UNSUBSCRIBE (Mid: ${packetId}, Topic: ${filter})`),
  [PacketType.pingreq]: () => ['PINGREQ'],
  [PacketType.disconnect]: () => ['DISCONNECT'],
  [PacketType.auth]: () => ['AUTH'],
}

const RECEIVED: Table = {
  [PacketType.connack]: ({ code }) => [`CONNACK (${code})`],
  [PacketType.publish]: (packet) => [publishText(packet)],
  [PacketType.puback]: ({ packetId, reason }) => [`PUBACK (Mid: ${packetId}, RC:${reason})`],
  [PacketType.pubrec]: ({ packetId }) => [`PUBREC (Mid: ${packetId})`],
  [PacketType.pubrel]: ({ packetId }) => [`PUBREL (Mid: ${packetId})`],
  [PacketType.pubcomp]: ({ packetId, reason }) => [`PUBCOMP (Mid: ${packetId}, RC:${reason})`],
  [PacketType.suback]: () => ['SUBACK'],
  [PacketType.unsuback]: () => ['UNSUBACK'],
  [PacketType.pingresp]: () => ['PINGRESP'],
  [PacketType.auth]: () => ['AUTH'],
}

/** Makes the lines of one connection; it remembers the id that the broker assigns. */
export class PacketLines {
  private id: string

  constructor(clientId: string) {
    this.id = clientId === '' ? NO_ID : clientId
  }

  /** None, one, or one for each filter; without line feeds. */
  of(direction: 'in' | 'out', packet: Packet): string[] {
    if (packet.type === PacketType.connack) this.id = packet.properties.assignedClientId ?? this.id
    if (direction === 'in' && packet.type === PacketType.disconnect) {
      return [`Received DISCONNECT (${packet.reason})`]
    }
    const table = direction === 'in' ? RECEIVED : SENT
    const describe = table[packet.type] as ((packet: Packet) => readonly string[]) | undefined
    const verb = direction === 'in' ? 'received' : 'sending'
    const lines = (describe?.(packet) ?? []).map((text) => `Client ${this.id} ${verb} ${text}`)
    if (packet.type === PacketType.suback) {
      lines.push(`Subscribed (mid: ${packet.packetId}): ${packet.codes.join(', ')}`)
    }
    return lines
  }
}

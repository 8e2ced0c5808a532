/** A server in place of a cloud's: TLS, MQTT, and the platform's own rules. Who breaks one is cut, and the rule noted. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { readFrame, type FrameHeader } from '../../src/codec/frame.ts'
import {
  PacketType,
  type ConnectPacket,
  type Packet,
  type PublishPacket,
  type Version,
} from '../../src/codec/packets.ts'
import * as make from '../support/packets.ts'

export interface CloudRules {
  readonly version: Version
  /** A device must have a certificate that the server's authority signed. */
  readonly clientCertificate: boolean
  /** The only protocol that a client may ask for; null: none is asked for. */
  readonly alpn: string | null
  readonly retain: boolean
  /** Seconds, least and most. */
  readonly keepAlive: readonly [number, number]
  /** What is wrong with a CONNECT; null: nothing. */
  login(connect: ConnectPacket): string | null
  mayPublish(topic: string): boolean
  maySubscribe(filter: string): boolean
}

export interface CloudStandIn {
  readonly port: number
  readonly broken: readonly string[]
  readonly logins: readonly ConnectPacket[]
  /** Filters of each SUBSCRIBE. */
  readonly subscribed: readonly (readonly string[])[]
  readonly published: readonly PublishPacket[]
  /** Resolves when `isTrue`; asked whenever a packet came or a rule was broken. */
  until(isTrue: () => boolean): Promise<void>
  /** To the device that came last. */
  send(packet: Packet): void
  close(): Promise<void>
}

/** What all three have in common: no SUBSCRIBE of more filters than this. */
const FILTERS_MAX = 8

export async function startCloud(tls: TlsOptions, rules: CloudRules): Promise<CloudStandIn> {
  const broken: string[] = []
  const logins: ConnectPacket[] = []
  const subscribed: string[][] = []
  const published: PublishPacket[] = []
  const sockets = new Set<TLSSocket>()
  let latest: TLSSocket | null = null
  const waiting = new Set<() => void>()
  const news = (): void => waiting.forEach((look) => look())

  const write = (socket: TLSSocket, packet: Packet): void => {
    const out = new ByteWriter(new Uint8Array(256))
    encodePacket(out, rules.version, packet)
    socket.write(out.bytes.slice(0, out.length))
  }
  const answer = (socket: TLSSocket, packet: Packet): void => {
    const ack = { packetId: 'packetId' in packet ? packet.packetId : 0, properties: {} }
    if (packet.type === PacketType.connect) {
      logins.push(packet)
      latest = socket
      const { connack: type } = PacketType
      write(socket, { type, sessionPresent: false, code: 0, properties: {} })
    } else if (packet.type === PacketType.subscribe) {
      subscribed.push(packet.filters.map(({ filter }) => filter))
      const codes = packet.filters.map(({ qos }) => qos)
      write(socket, { type: PacketType.suback, codes, ...ack })
    } else if (packet.type === PacketType.unsubscribe)
      write(socket, { type: PacketType.unsuback, codes: [], ...ack })
    else if (packet.type === PacketType.publish) {
      published.push(packet)
      if (packet.qos === 1) write(socket, make.ack('puback', packet.packetId))
    } else if (packet.type === PacketType.pingreq) write(socket, { type: PacketType.pingresp })
  }
  const server = createServer(
    {
      ...tls,
      requestCert: rules.clientCertificate,
      rejectUnauthorized: rules.clientCertificate,
      ...(rules.alpn !== null && { ALPNProtocols: [rules.alpn] }),
    },
    (socket) => {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
      const refuse = (rule: string): void => {
        broken.push(rule)
        socket.destroy()
        news()
      }
      if (rules.alpn !== null && socket.alpnProtocol !== rules.alpn) return refuse('ALPN')
      readPackets(socket, rules, (packet) => {
        const rule = ruleBroken(packet, rules)
        if (rule !== null) return refuse(rule)
        answer(socket, packet)
        news()
      })
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    broken,
    logins,
    subscribed,
    published,
    until: (isTrue) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!isTrue()) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    send(packet) {
      if (latest !== null) write(latest, packet)
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function readPackets(socket: TLSSocket, rules: CloudRules, take: (packet: Packet) => void): void {
  let bytes = new Uint8Array(0)
  socket.on('data', (chunk: Uint8Array) => {
    const all = new Uint8Array(bytes.length + chunk.length)
    all.set(bytes)
    all.set(chunk, bytes.length)
    const frame: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }
    let at = 0
    for (; !socket.destroyed && readFrame(all, at, all.length, frame); at = frame.frameEnd) {
      const { first, bodyStart, frameEnd } = frame
      const from = { fromClient: true }
      take(decodePacket(rules.version, first, all, bodyStart, frameEnd, from))
    }
    bytes = all.slice(at)
  })
}

/** The rule that a packet breaks; null: none. */
function ruleBroken(packet: Packet, rules: CloudRules): string | null {
  if (packet.type === PacketType.connect) return loginBroken(packet, rules)
  if (packet.type === PacketType.publish) {
    const { qos, retain, topic } = packet
    if (qos === 2) return 'PUBLISH at QoS 2'
    if (retain && !rules.retain) return 'a retained message'
    return rules.mayPublish(topic) ? null : `PUBLISH to ${topic}`
  }
  if (packet.type === PacketType.subscribe) {
    if (packet.filters.length > FILTERS_MAX) return 'more than 8 filters'
    if (packet.filters.some(({ qos }) => qos === 2)) return 'SUBSCRIBE at QoS 2'
    const wrong = packet.filters.find(({ filter }) => !rules.maySubscribe(filter))
    return wrong === undefined ? null : `SUBSCRIBE to ${wrong.filter}`
  }
  if (packet.type === PacketType.pubrel) return 'PUBREL, of QoS 2'
  if (packet.type === PacketType.unsubscribe) return 'UNSUBSCRIBE of what was not subscribed to'
  return null
}

function loginBroken(packet: ConnectPacket, { version, keepAlive, login }: CloudRules) {
  if (packet.bridge) return 'the bit of a bridge'
  if (packet.version !== version) return `version ${packet.version}`
  if (packet.will !== null) return 'a will'
  const [least, most] = keepAlive
  const { keepAliveSeconds } = packet
  if (keepAliveSeconds < least || keepAliveSeconds > most) return `keep alive ${keepAliveSeconds}`
  return login(packet)
}

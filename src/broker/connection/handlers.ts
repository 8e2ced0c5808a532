/** By packet type: who handles what an open connection sends besides PUBLISH. */
import { LogType } from '../../base/log.ts'
import type { DecodeOptions } from '../../codec/decode-options.ts'
import { decodePacket } from '../../codec/decode.ts'
import { appendSimple } from '../../codec/encode.ts'
import { PacketType, type AuthPacket, type DisconnectPacket } from '../../codec/packets.ts'
import { ProtocolError } from '../../codec/protocol-error.ts'
import { Reason } from '../../codec/reason-codes.ts'
import { output } from '../delivery/outbox.ts'
import { onAck } from '../routing/acks.ts'
import type { Core } from '../state/core.ts'
import type { Connection, OpenConnection } from '../state/model.ts'
import { logReceived, logSent } from '../state/words.ts'
import { onDisconnect } from './disconnect.ts'
import { onAuth } from './proving.ts'
import { onFilterList } from './requests.ts'

/** How what clients send is decoded. */
export function decodeOptionsOf(core: Core): DecodeOptions {
  return { fromClient: true, limits: core.ports.limits }
}

export type Handler = (
  core: Core,
  connection: OpenConnection,
  first: number,
  bytes: Uint8Array,
  bodyStart: number,
  frameEnd: number,
) => void

/** By packet type: what an open connection may send besides PUBLISH. */
export const HANDLERS: readonly (Handler | undefined)[] = tableOf({
  [PacketType.connect]: () => {
    throw new ProtocolError(Reason.protocolError, 'a second CONNECT')
  },
  [PacketType.publish]: () => undefined,
  [PacketType.puback]: onAck,
  [PacketType.pubrec]: onAck,
  [PacketType.pubrel]: onAck,
  [PacketType.pubcomp]: onAck,
  [PacketType.subscribe]: onFilterList,
  [PacketType.unsubscribe]: onFilterList,
  [PacketType.pingreq]: onPing,
  [PacketType.disconnect]: handleDisconnect,
  [PacketType.auth]: handleAuth,
})

function tableOf(handlers: Record<number, Handler>): (Handler | undefined)[] {
  return Array.from({ length: 16 }, (_, type) => handlers[type])
}

function handleDisconnect(
  core: Core,
  connection: OpenConnection,
  first: number,
  bytes: Uint8Array,
  bodyStart: number,
  frameEnd: number,
): void {
  const { version } = connection
  const packet = decodePacket(version, first, bytes, bodyStart, frameEnd, decodeOptionsOf(core))
  onDisconnect(core, connection, packet as DisconnectPacket)
}

export function handleAuth(
  core: Core,
  connection: Connection,
  first: number,
  bytes: Uint8Array,
  bodyStart: number,
  frameEnd: number,
): void {
  const packet = decodePacket(5, first, bytes, bodyStart, frameEnd, decodeOptionsOf(core))
  onAuth(core, connection, packet as AuthPacket)
}

function onPing(
  core: Core,
  connection: OpenConnection,
  _first: number,
  _bytes: Uint8Array,
  bodyStart: number,
  frameEnd: number,
): void {
  if (bodyStart !== frameEnd) throw new ProtocolError(Reason.malformedPacket, 'PINGREQ with a body')
  if (core.ports.log.mask & LogType.debug) {
    logReceived(core, connection, 'PINGREQ')
    logSent(core, connection, 'PINGRESP')
  }
  appendSimple(output(core, connection), PacketType.pingresp)
  core.stats.messagesSent++
}

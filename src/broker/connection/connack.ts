/** CONNACK: the answer to CONNECT (MQTT 5.0, 3.2). */
import { PacketType, type Properties } from '../../codec/packets.ts'
import { connackReturnCode, Reason } from '../../codec/reason-codes.ts'
import { closeConnection } from './closing.ts'
import type { Core } from '../state/core.ts'
import type { Identity } from '../../ports/ports.ts'
import type { Connection } from '../state/model.ts'
import { takeWill } from '../routing/wills.ts'
import { sendPacket } from '../delivery/outbox.ts'
import { logSent, refusalWords } from '../state/words.ts'

/** Refusals that a 3.x client is not told: the standard has no return code for them. */
const SILENT_IN_3 = new Set<number>([
  Reason.qosNotSupported,
  Reason.retainNotSupported,
  Reason.topicNameInvalid,
  Reason.malformedPacket,
  Reason.protocolError,
  Reason.serverBusy,
  Reason.badAuthenticationMethod,
])

/**
 * Answers CONNECT with a refusal and closes [MQTT-3.2.2-5, -7].
 *
 * @param detail For the client too.
 * @param told What those are told who look on: who it was, and in which words it is said why.
 */
export function refuse(
  core: Core,
  connection: Connection,
  reason: number,
  detail = '',
  told: { readonly who: Identity | null; readonly because: string } | null = null,
): void {
  const { version } = connection
  if (version === 5 || !SILENT_IN_3.has(reason)) {
    const properties: Properties = detail === '' ? {} : { reasonString: detail }
    if (version === 5) limitProperties(connection, properties)
    const code = version === 5 ? reason : connackReturnCode(reason)
    sendPacket(core, connection, {
      type: PacketType.connack,
      sessionPresent: false,
      code,
      properties,
    })
    logSent(core, connection, 'CONNACK', `0, ${code}`)
  }
  takeWill(core, connection)
  const text = reason === Reason.banned && detail !== '' ? detail : refusalWords(reason)
  const { who, because } = told ?? { who: connection.identity, because: text }
  core.ports.observer?.refused?.(who, connection.link.remote, because || text)
  closeConnection(core, connection, { text, reason: -1 })
}

function limitProperties(connection: Connection, properties: Properties): void {
  const { maxQos } = connection.link.listener
  if (maxQos < 2) properties.maximumQos = maxQos
}

/** Answers CONNECT with success; false: the client does not take packets of that size, and will not be answered. */
export function welcome(
  core: Core,
  connection: Connection,
  sessionPresent: boolean,
  properties: Properties,
): boolean {
  const { limits } = core.ports
  const { listener } = connection.link
  limitProperties(connection, properties)
  if (limits.inflightMax > 0) properties.receiveMaximum = limits.inflightMax
  if (!limits.retainAvailable) properties.retainAvailable = 0
  properties.maximumPacketSize = limits.packetBytesMax
  if (listener.topicAliasMaximum > 0) properties.topicAliasMaximum = listener.topicAliasMaximum
  logSent(core, connection, 'CONNACK', `${sessionPresent ? 1 : 0}, 0`)
  const present = sessionPresent && connection.version > 3
  const packet = { type: PacketType.connack, sessionPresent: present, code: 0, properties }
  return sendPacket(core, connection, packet)
}

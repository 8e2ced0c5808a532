/** What CONNACK tells a client of its session, where that is not what it asked for. */
import type { ConnectPacket, Properties } from '../../codec/packets.ts'
import type { Core, Opening } from '../state/core.ts'
import type { Session } from '../state/model.ts'
import { expiryOf } from './session-rules.ts'

export function cappedExpiry(core: Core, packet: ConnectPacket, isOurs: boolean): number {
  const wanted = expiryOf(packet)
  const capMs = core.ports.limits.sessionExpiryMsMax
  return capMs > 0 && !isOurs ? Math.min(wanted, Math.ceil(capMs / 1000)) : wanted
}

export function answerProperties(core: Core, opening: Opening, session: Session): Properties {
  const { packet, assigned } = opening
  const properties: Properties = {}
  if (assigned) properties.assignedClientId = session.clientId
  const keepAlive = keepAliveOf(core, packet)
  if (keepAlive !== packet.keepAliveSeconds) properties.serverKeepAliveSeconds = keepAlive
  if (packet.version === 5 && session.expirySeconds !== expiryOf(packet))
    properties.sessionExpirySeconds = session.expirySeconds
  const { proof } = opening.connection
  if (proof !== null) properties.authenticationMethod = proof.method
  if (proof !== null && proof.data !== null) properties.authenticationData = proof.data
  return properties
}

export function keepAliveOf(core: Core, packet: ConnectPacket): number {
  const max = core.ports.limits.keepAliveSecondsMax
  const { keepAliveSeconds } = packet
  return max > 0 && (keepAliveSeconds === 0 || keepAliveSeconds > max) ? max : keepAliveSeconds
}

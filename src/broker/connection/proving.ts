/**
 * Enhanced authentication (MQTT 5.0, 4.12): AUTH goes back and forth as a method wants it, before CONNACK and again whenever the
 * client likes.
 *
 *     CONNECT(method) ──▶ opening ──continue──▶ proving ──AUTH──▶ opening ── … ──done──▶ CONNACK
 *     AUTH(re-authenticate) ──▶ open ──continue──▶ AUTH ── … ──done──▶ AUTH(success); else DISCONNECT
 */
import { PacketType, type AuthPacket } from '../../codec/packets.ts'
import { ProtocolError } from '../../codec/protocol-error.ts'
import { Reason } from '../../codec/reason-codes.ts'
import type { AuthRequest, Exchange, ExchangeStep } from '../../ports/ports.ts'
import { sendPacket } from '../delivery/outbox.ts'
import { askTurnEnd, type Core } from '../state/core.ts'
import { isOpen, Phase, type Connection, type OpenConnection } from '../state/model.ts'
import type { Proof } from '../state/proof.ts'
import { logReceived, logSent } from '../state/words.ts'
import { closeFor } from './closing.ts'
import { refuse } from './connack.ts'

/** How a run ended: the client is who it says, or the reason why not. */
export type Settled = Exclude<ExchangeStep, { kind: 'continue' }>

/** Begins with what CONNECT brought; `settle` is called unless the connection is closed before that. */
export function prove(
  core: Core,
  connection: Connection,
  request: AuthRequest,
  method: string,
  data: Uint8Array | null,
  settle: (step: Settled) => void,
): void {
  const exchange = begin(core, request, method)
  // [MQTT-4.12.0-1]
  if (exchange === null) return refuse(core, connection, Reason.badAuthenticationMethod)
  connection.proof = { method, exchange, isBusy: false, data: null, settle }
  advance(core, connection, connection.proof, exchange, data)
}

function begin(core: Core, request: AuthRequest, method: string): Exchange | null {
  const { exchange } = core.ports.auth
  return exchange === null ? null : exchange(request, method)
}

/** An AUTH packet [MQTT-4.12.0-3]. Throws ProtocolError 0x82 on one that nothing led to, or of another method. */
export function onAuth(core: Core, connection: Connection, packet: AuthPacket): void {
  const { proof } = connection
  const { reason, properties } = packet
  logReceived(core, connection, 'AUTH')
  if (proof === null)
    throw new ProtocolError(Reason.protocolError, 'AUTH without an authentication method')
  // [MQTT-4.12.0-5], [MQTT-4.12.1-1]
  if (properties.authenticationMethod !== proof.method)
    throw new ProtocolError(Reason.protocolError, 'AUTH of another authentication method')
  if (proof.isBusy)
    throw new ProtocolError(Reason.protocolError, 'AUTH before the last was answered')
  const data = properties.authenticationData ?? null
  if (reason === Reason.reauthenticate) return proveAnew(core, connection, proof, data)
  if (reason !== Reason.continueAuthentication || proof.exchange === null)
    throw new ProtocolError(Reason.protocolError, `AUTH with reason ${reason}`)
  if (connection.phase === Phase.proving) connection.setPhase(Phase.opening)
  advance(core, connection, proof, proof.exchange, data)
}

function proveAnew(
  core: Core,
  connection: Connection,
  proof: Proof,
  data: Uint8Array | null,
): void {
  if (!isOpen(connection) || proof.exchange !== null)
    throw new ProtocolError(Reason.protocolError, 'a re-authentication is not due')
  const { link, identity } = connection
  const { clientId, username, remote } = identity
  const request: AuthRequest = {
    clientId,
    username,
    password: null,
    version: 5,
    remote,
    listener: link.listener,
    tls: link.tls,
    proven: false,
  }
  const exchange = begin(core, request, proof.method)
  if (exchange === null) return closeFor(core, connection, Reason.notAuthorized)
  proof.exchange = exchange
  proof.settle = (step) => settledAnew(core, connection, proof, step)
  advance(core, connection, proof, exchange, data)
}

/** The session goes on as that of the same user, with the rights of the new login; anybody else has to connect anew. */
function settledAnew(core: Core, connection: OpenConnection, proof: Proof, step: Settled): void {
  const { identity } = connection
  if (step.kind === 'refused') return closeFor(core, connection, step.reason)
  if ((step.username ?? identity.username) !== identity.username)
    return closeFor(core, connection, Reason.notAuthorized, 'another user')
  identity.login = step.login
  const { originOf } = core.ports.auth
  identity.origin = originOf === null ? '' : originOf(identity)
  if (connection.will !== null) connection.will.message.publisherOrigin = identity.origin
  sendAuth(core, connection, proof.method, Reason.success, step.data)
}

function advance(
  core: Core,
  connection: Connection,
  proof: Proof,
  exchange: Exchange,
  data: Uint8Array | null,
): void {
  proof.isBusy = true
  exchange.next(data, (step) => {
    proof.isBusy = false
    if (connection.phase === Phase.closed) return
    if (step.kind !== 'continue') {
      proof.exchange = null
      if (step.kind === 'done') proof.data = step.data
      return proof.settle(step)
    }
    sendAuth(core, connection, proof.method, Reason.continueAuthentication, step.data)
    if (connection.phase === Phase.opening) listen(core, connection)
  })
}

/** The client's next AUTH is due; other input still waits for the CONNACK. */
function listen(core: Core, connection: Connection): void {
  connection.setPhase(Phase.proving)
  core.opened.push(connection)
  askTurnEnd(core)
}

function sendAuth(
  core: Core,
  connection: Connection,
  method: string,
  reason: number,
  data: Uint8Array | null,
): void {
  logSent(core, connection, 'AUTH', `rc${reason}`)
  sendPacket(core, connection, {
    type: PacketType.auth,
    reason,
    properties:
      data === null
        ? { authenticationMethod: method }
        : { authenticationMethod: method, authenticationData: data },
  })
}

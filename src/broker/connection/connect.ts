/** CONNECT: who may come in, and as what (MQTT 5.0, 3.1). */
import { connectVersion } from '../../codec/connect.ts'
import type { ConnectPacket, Properties } from '../../codec/packets.ts'
import { Reason } from '../../codec/reason-codes.ts'
import { isWellFormedUtf8 } from '../../codec/utf8.ts'
import { topicNameProblem } from '../../topics/names.ts'
import { isReserved } from '../../topics/reserved.ts'
import { refuse } from './connack.ts'
import { createMessage } from '../../ports/message.ts'
import { fitsMounted } from '../state/mount-point.ts'
import type { Core } from '../state/core.ts'
import { Phase, type Connection } from '../state/model.ts'
import { isDelayed } from '../routing/delayed.ts'
import { leaveWill } from '../routing/wills.ts'
import { openSession } from './open-session.ts'
import { prove } from './proving.ts'
import { bridgeUser } from '../../ports/ports.ts'
import { Pressure } from '../../ports/pressure.ts'

/** A rule CONNECT must pass: 0, or the reason it is refused for. */
type Rule = (core: Core, connection: Connection, packet: ConnectPacket) => number

/** In the order in which mosquitto answers; the first that fails is the answer. */
const RULES: readonly Rule[] = [
  versionRule,
  leavingRule,
  memoryRule,
  emptyIdRule,
  prefixRule,
  willRule,
  identityRule,
  userIdRule,
]

function versionRule(_core: Core, connection: Connection, packet: ConnectPacket): number {
  const accepted = connection.link.listener.acceptVersions.includes(packet.version)
  return accepted ? 0 : Reason.unsupportedProtocolVersion
}

/** Its clients are being sent to other nodes. */
function leavingRule(core: Core): number {
  return core.isLeaving ? Reason.useAnotherServer : 0
}

function memoryRule(core: Core): number {
  return core.pressure >= Pressure.refuse ? Reason.serverBusy : 0
}

function emptyIdRule(_core: Core, connection: Connection, packet: ConnectPacket): number {
  if (packet.clientId !== '') return 0
  if (packet.version === 3) return Reason.clientIdentifierNotValid
  if (packet.version === 4 && !packet.cleanStart) return Reason.clientIdentifierNotValid
  if (connection.link.listener.allowZeroLengthClientId) return 0
  return packet.version === 5 ? Reason.unspecifiedError : Reason.clientIdentifierNotValid
}

/** Of an id that we make it is the beginning that counts. */
function prefixRule(core: Core, connection: Connection, packet: ConnectPacket): number {
  const clientId = packet.clientId === '' ? connection.link.listener.autoIdPrefix : packet.clientId
  return clientId.startsWith(core.ports.limits.clientIdPrefix) ? 0 : Reason.notAuthorized
}

function willRule(core: Core, connection: Connection, packet: ConnectPacket): number {
  const { will } = packet
  if (will === null) return 0
  const { limits } = core.ports
  if (topicNameProblem(will.topic, limits.topicLevelsMax) !== null) return Reason.topicNameInvalid
  const whole = wholeName(connection, will.topic)
  if (!fitsMounted(connection.mount, whole)) return Reason.topicNameInvalid
  if (isReserved(whole)) return Reason.notAuthorized
  // A will has a delay of its own.
  if (isDelayed(core, connection.mount, whole)) return Reason.topicNameInvalid
  if (will.qos > connection.link.listener.maxQos) return Reason.qosNotSupported
  if (will.retain && !limits.retainAvailable) return Reason.retainNotSupported
  if (limits.payloadBytesMax > 0 && will.payload.length > limits.payloadBytesMax)
    return Reason.packetTooLarge
  const isText = will.properties.payloadFormat === 1
  if (isText && !isWellFormedUtf8(will.payload, 0, will.payload.length))
    return Reason.payloadFormatInvalid
  return 0
}

/** The topic with what the listener puts in front. */
function wholeName({ mount }: Connection, topic: string): string {
  return mount === null ? topic : mount.prefix + topic
}

/** The user is who TLS says; a client that TLS knows nothing of is nobody. */
function identityRule(_core: Core, connection: Connection, packet: ConnectPacket): number {
  const needsProof = connection.link.listener.usernameFrom !== 'connect'
  return needsProof && packet.username === null ? Reason.badUserNameOrPassword : 0
}

function userIdRule(_core: Core, connection: Connection, packet: ConnectPacket): number {
  const needsUser = connection.link.listener.useUsernameAsClientId
  return needsUser && !packet.username ? Reason.notAuthorized : 0
}

/** 0, or the reason of the first rule that it does not pass. */
function obstacleTo(core: Core, connection: Connection, packet: ConnectPacket): number {
  let reason = 0
  for (let next = 0; next < RULES.length && reason === 0; next++)
    reason = RULES[next](core, connection, packet)
  return reason
}

/** What the packet says before it is read whole: how it is answered when it cannot be. */
export function noteVersion(
  connection: Connection,
  bytes: Uint8Array,
  bodyStart: number,
  frameEnd: number,
): void {
  connection.version = connectVersion(bytes, bodyStart, frameEnd) || 4
}

export function onConnect(core: Core, connection: Connection, asked: ConnectPacket): void {
  const packet = withProvenUser(connection, asked)
  connection.version = packet.version
  const obstacle = connection.isOurs ? 0 : obstacleTo(core, connection, packet)
  if (obstacle !== 0) return turnAway(core, connection, packet, obstacle)
  connection.setPhase(Phase.opening)
  core.stats.connections++
  // An id that is the user name is told as one that we made [MQTT-3.2.2-16].
  const assigned = packet.clientId === ''
  const clientId = clientIdOf(core, connection, packet)
  adopt(core, connection, packet, clientId)
  const { link, version } = connection
  const { username, password } = packet
  const request = {
    clientId,
    username,
    password,
    version,
    remote: link.remote,
    listener: link.listener,
    tls: link.tls,
    proven: link.listener.usernameFrom !== 'connect',
  }
  if (connection.isOurs) return openSession(core, connection, packet, false)
  if (isTurnedAway(core, connection)) return
  const { authenticationMethod: method, authenticationData: data } = packet.properties
  const enter = (login: object | null, user: string | null): void => {
    welcomed(core, connection, login, user)
    if (isOutAfterAll(core, connection)) return
    openSession(core, connection, packet, assigned)
  }
  if (method !== undefined)
    return prove(core, connection, request, method, data ?? null, (step) => {
      if (step.kind === 'refused') return refuse(core, connection, step.reason)
      enter(step.login, step.username)
    })
  core.ports.auth.authenticate(request, (reason, login, user) => {
    if (connection.phase !== Phase.opening) return
    if (reason !== 0) return refuse(core, connection, reason)
    enter(login ?? null, user ?? null)
  })
}

/** Refuses what no rule lets in: the connection is nobody's yet, but who asks "why?" names it. */
function turnAway(core: Core, connection: Connection, packet: ConnectPacket, reason: number): void {
  const { remote, listener } = connection.link
  const { clientId, username } = packet
  const { clientIdPrefix } = core.ports.limits
  const isForPrefix = prefixRule(core, connection, packet) === reason
  const because = isForPrefix
    ? `its client ID does not begin with "${clientIdPrefix}" (clientid_prefixes)`
    : ''
  const who = { clientId, username, remote, listener, login: null, origin: '' }
  refuse(core, connection, reason, '', { who, because })
}

/** Refuses a client that may not even try. */
function isTurnedAway(core: Core, connection: Connection): boolean {
  const { admit } = core.ports.auth
  const refusal = admit === null || connection.identity === null ? null : admit(connection.identity)
  if (refusal !== null) refuse(core, connection, refusal.reason, refusal.detail)
  return refusal !== null
}

/** A login may have said that it is another user than CONNECT said, and it takes time: who it is may be kept out by now. */
function isOutAfterAll(core: Core, connection: Connection): boolean {
  const { recheck } = core.ports.auth
  const { identity } = connection
  if (recheck === null || identity === null) return false
  const refusal = recheck(identity)
  if (refusal !== null) refuse(core, connection, refusal.reason, refusal.detail)
  return refusal !== null
}

/** It was let in: what its rights come from is known now. */
function welcomed(
  core: Core,
  { identity, will }: Connection,
  login: object | null,
  username: string | null,
): void {
  if (identity === null) return
  if (username !== null) identity.username = username
  const { originOf } = core.ports.auth
  identity.login = login
  identity.origin = originOf === null ? '' : originOf(identity)
  if (will === null) return
  will.message.publisherUser = identity.username
  will.message.publisherOrigin = identity.origin
}

/** What TLS proved replaces the user name of the packet, and its password (`use_identity_as_username`). */
function withProvenUser({ link, isOurs }: Connection, packet: ConnectPacket): ConnectPacket {
  if (isOurs) return { ...packet, username: bridgeUser(packet.username) }
  const { usernameFrom } = link.listener
  if (usernameFrom === 'connect') return isBlank(packet) ? { ...packet, username: null } : packet
  const { identity = null, subject = null, pskIdentity = null } = link.tls ?? {}
  const username = usernameFrom === 'subject' ? subject : (identity ?? pskIdentity)
  return { ...packet, username, password: null }
}

/** A form whose fields were left empty: it says no more than one without them, as mosquitto has it. */
function isBlank({ username, password }: ConnectPacket): boolean {
  return username === '' && (password === null || password.length === 0)
}

function clientIdOf(core: Core, connection: Connection, packet: ConnectPacket): string {
  if (connection.link.listener.useUsernameAsClientId) return packet.username as string
  return packet.clientId === '' ? assignId(core, connection) : packet.clientId
}

/** What the connection remembers of its CONNECT. */
function adopt(core: Core, connection: Connection, packet: ConnectPacket, clientId: string): void {
  const { properties } = packet
  const { limits } = core.ports
  const { link } = connection
  const { username } = packet
  const { remote, listener } = link
  connection.identity = { clientId, username, remote, listener, login: null, origin: '' }
  connection.bridge = packet.bridge
  connection.cleanStart = packet.cleanStart
  connection.packetBytesMax = properties.maximumPacketSize ?? 0
  connection.problemInformation = properties.requestProblemInformation !== 0
  connection.receiveMaximum = windowOf(limits.windowMax, properties)
  const { topicAliasMaximumOut } = listener
  connection.aliasOutMaximum = Math.min(topicAliasMaximumOut, properties.topicAliasMaximum ?? 0)
  connection.shaped = connection.aliasOutMaximum === 0 && connection.mount === null
  const { will } = packet
  if (will === null) return
  const message = createMessage({
    ...will,
    topic: wholeName(connection, will.topic),
    publisher: clientId,
    publisherUser: username,
    wallMs: core.ports.clock.wallMs(),
  })
  leaveWill(core, connection, message, will.properties.willDelaySeconds ?? 0)
}

/** The client's Receive Maximum replaces our own window [MQTT-3.3.4-9]. */
function windowOf(windowMax: number, properties: Properties): number {
  return properties.receiveMaximum ?? windowMax
}

/** `auto-` and a random UUID in capitals, as mosquitto makes them [MQTT-3.1.3-6]. */
function assignId(core: Core, connection: Connection): string {
  const bytes = new Uint8Array(16)
  core.ports.random.fill(bytes)
  bytes[6] = (bytes[6] & 0x0f) | 0x40
  bytes[8] = (bytes[8] & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase()
  const parts = [8, 12, 16, 20, 32].map((end, index, ends) => hex.slice(ends[index - 1] ?? 0, end))
  return connection.link.listener.autoIdPrefix + parts.join('-')
}

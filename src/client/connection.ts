/**
 * A network connection from its first byte to its last, and the next one after it.
 *
 *     dial ──opened──▶ CONNECT ──CONNACK──▶ online ──cut, DISCONNECT, silence──▶ lost ──▶ wait ──▶ dial …
 *       └──────────────────┴─ refused, unreachable, too slow ─────────────────────┘  └──▶ finish
 */
import { checkFixedHeader, checkPadding } from '../codec/frame.ts'
import { decodePacket } from '../codec/decode.ts'
import {
  PacketType,
  type ConnackPacket,
  type DisconnectPacket,
  type Packet,
  type Properties,
} from '../codec/packets.ts'
import { ProtocolError } from '../codec/protocol-error.ts'
import { Reason } from '../codec/reason-codes.ts'
import { onAck } from './acks.ts'
import { onAuth, startAuthentication } from './authenticating.ts'
import { connectionText } from './connection-text.ts'
import {
  ConnectionRefusedError,
  DisconnectedError,
  MqttError,
  connackText,
  endedError,
  explain,
} from './errors.ts'
import { pauseIfFull } from './flow.ts'
import { Framer } from '../codec/framer.ts'
import { endAsking, onPingresp, watch } from './keepalive.ts'
import { defaultLimits, type Core, type ServerLimits } from './model.ts'
import { connectPacket } from './options.ts'
import { beginProbing, endProbing, endSilence, suspect } from './probing.ts'
import { collectResends, pump, rejectAll } from './publishing.ts'
import { forgetAcknowledgements, onPublish, resumeReceiving } from './receiving.ts'
import { send } from './send.ts'
import { closeSubscriptions, onSuback, onUnsuback, resumeSubscriptions } from './subscribing.ts'

/** A connection that lasted this long was a good one: the next attempts start with the short waits again. */
const LASTING_MS = 5_000
/** After DISCONNECT the server has this long to close. */
const LINGER_MS = 2_000

/** Codes after which trying again, as the same client and in the same place, would be wrong. */
const FINAL_REASONS = new Set<number>([
  Reason.unsupportedProtocolVersion,
  Reason.clientIdentifierNotValid,
  Reason.banned,
  Reason.badAuthenticationMethod,
  Reason.sessionTakenOver,
  Reason.useAnotherServer,
  Reason.serverMoved,
])
/** The same in a CONNACK of 3.x: version, identifier. */
const FINAL_RETURN_CODES = new Set([1, 2])

const FROM_SERVER = { fromClient: false }

/** Makes an attempt. */
export function open(core: Core): void {
  const { settings, runtime } = core
  const epoch = ++core.epoch
  core.phase = 'dialing'
  core.framer = new Framer(settings.packetBytesMax)
  core.limits = defaultLimits(settings)
  core.aliasesOut.clear()
  core.paused = false
  core.life = null
  core.lastReceivedMs = runtime.monotonicMs()
  setTimer(core, settings.connectTimeoutMs, () => {
    lost(core, new MqttError('TIMEOUT', `no CONNACK within ${settings.connectTimeoutMs} ms`))
  })
  const isCurrent = () => core.epoch === epoch
  core.wire = core.dial({
    login: (login) => isCurrent() && (core.login = login),
    opened: () => isCurrent() && greet(core),
    received: (bytes, start, end) => isCurrent() && receive(core, bytes, start, end),
    drained: () => isCurrent() && drained(core),
    closed: (error) => isCurrent() && lost(core, closedError(core, error)),
  })
}

/** At most one timer at a time; 0: none. */
function setTimer(core: Core, delayMs: number, fire: () => void): void {
  clearTimer(core)
  if (delayMs <= 0) return
  core.timer = core.runtime.setTimer(delayMs, () => {
    core.timer = null
    fire()
  })
}

function clearTimer(core: Core): void {
  if (core.timer !== null) core.runtime.clearTimer(core.timer)
  core.timer = null
}

function closedError(core: Core, cause: Error | null): MqttError {
  const wasOnline = core.phase === 'online'
  if (cause instanceof MqttError) return cause
  const why = cause === null ? 'the server closed the connection' : connectionText(cause)
  if (wasOnline) return new DisconnectedError('CLOSED', `connection lost: ${why}`, { cause })
  return new MqttError('CONNECT', `cannot connect: ${why}`, { cause })
}

function greet(core: Core): void {
  const { output, settings } = core
  core.phase = 'handshake'
  output.use(core.wire)
  const { authenticate } = settings
  if (authenticate === null) return sendConnect(core, undefined)
  startAuthentication(core, authenticate, (data) => sendConnect(core, data), fail)
}

function sendConnect(core: Core, authenticationData: Uint8Array | undefined): void {
  const { settings } = core
  const properties: Properties = { ...settings.properties }
  if (authenticationData !== undefined) properties.authenticationData = authenticationData
  // Coming back for a session that the server may have kept; without one that lasts, there is none.
  const lasts = settings.version < 5 ? !settings.cleanStart : properties.sessionExpirySeconds
  const cleanStart = core.connects > 0 && lasts ? false : settings.cleanStart
  try {
    const { clientId, login } = core
    send(core, { ...connectPacket(settings), ...login, clientId, cleanStart, properties })
    core.output.flush()
  } catch (error) {
    core.wire?.destroy()
    leave(core)
    finish(core, new MqttError('INVALID', (error as Error).message, { cause: error }))
  }
}

function drained(core: Core): void {
  core.output.drained()
  pump(core)
  if (core.output.isEmpty) core.settledAll?.()
}

/** Takes `bytes[start..end)` from the wire. */
function receive(core: Core, bytes: Uint8Array, start: number, end: number): void {
  const { epoch } = core
  core.lastReceivedMs = core.runtime.monotonicMs()
  try {
    core.framer.push(bytes, start, end, (first, packet, from, bodyStart, to) => {
      checkFixedHeader(first, core.settings.version)
      checkPadding(core.settings.version, packet, from, bodyStart)
      if (first >> 4 === PacketType.publish && isOnline(core))
        onPublish(core, packet, from, bodyStart, to)
      else dispatch(core, first, packet, bodyStart, to)
      return core.epoch === epoch
    })
  } catch (error) {
    if (core.epoch === epoch) fail(core, error)
    return
  }
  if (core.epoch !== epoch) return
  if (core.pumpWanted) pump(core)
  pauseIfFull(core)
}

function isOnline(core: Core): boolean {
  return core.phase === 'online' || core.phase === 'ending'
}

/** Everything but PUBLISH. */
function dispatch(
  core: Core,
  first: number,
  bytes: Uint8Array,
  bodyStart: number,
  end: number,
): void {
  const type = first >> 4
  if (type >= PacketType.puback && type <= PacketType.pubcomp && isOnline(core))
    return onAck(core, first, bytes, bodyStart, end)
  const packet = decodePacket(core.settings.version, first, bytes, bodyStart, end, FROM_SERVER)
  core.settings.onPacket?.('in', packet)
  if (core.phase === 'handshake' && packet.type === PacketType.connack)
    return onConnack(core, packet)
  if (packet.type === PacketType.auth) return onAuth(core, packet, fail)
  if (!isOnline(core)) throw unexpected(packet)
  onPacket(core, packet)
}

function onPacket(core: Core, packet: Packet): void {
  if (packet.type === PacketType.suback) return onSuback(core, packet)
  if (packet.type === PacketType.unsuback) return onUnsuback(core, packet)
  if (packet.type === PacketType.pingresp) {
    onPingresp(core)
    return endSilence(core)
  }
  if (packet.type === PacketType.disconnect) return onDisconnect(core, packet)
  throw unexpected(packet)
}

function unexpected({ type }: Packet): ProtocolError {
  return new ProtocolError(Reason.protocolError, `a packet of type ${type} has no place here`)
}

function onConnack(core: Core, packet: ConnackPacket): void {
  const { settings } = core
  const { code, properties, sessionPresent } = packet
  if (code !== 0) {
    const said = properties.reasonString === undefined ? '' : `: ${properties.reasonString}`
    const text = `connection refused: ${connackText(settings.version, code)}${said}`
    core.wire?.end()
    return lost(core, new ConnectionRefusedError('REFUSED', text, { reason: code, properties }))
  }
  settings.authenticate?.finish?.(properties.authenticationData)
  core.phase = 'online'
  core.limits = limitsOf(core, properties)
  core.clientId = properties.assignedClientId ?? core.clientId
  core.info = { sessionPresent, properties, reconnected: core.connects > 0 }
  core.connects++
  core.connectedAtMs = core.runtime.monotonicMs()
  core.state = 'connected'
  clearTimer(core)
  watch(core, setTimer, (error) => lost(core, error))
  // MQTT 3.1 does not say; a client that asked for its session must expect it.
  core.sessionKept = sessionPresent || (settings.version === 3 && !settings.cleanStart)
  resumeReceiving(core, core.sessionKept)
  resumeSubscriptions(core, sessionPresent)
  collectResends(core, core.sessionKept)
  beginProbing(core, () => pump(core))
  core.opened?.(null)
  core.opened = null
  core.events.emit('connect', core.info)
}

function limitsOf({ settings }: Core, properties: Properties): ServerLimits {
  const limits = defaultLimits(settings)
  const { serverKeepAliveSeconds, receiveMaximum = 0xffff, maximumPacketSize } = properties
  if (serverKeepAliveSeconds !== undefined) limits.keepAliveMs = serverKeepAliveSeconds * 1000
  limits.receiveMaximum = Math.min(receiveMaximum, limits.receiveMaximum)
  limits.packetBytesMax = maximumPacketSize ?? limits.packetBytesMax
  limits.maximumQos = properties.maximumQos === undefined ? 2 : properties.maximumQos === 1 ? 1 : 0
  limits.topicAliasMaximum = properties.topicAliasMaximum ?? 0
  limits.retainAvailable = properties.retainAvailable !== 0
  limits.wildcardAvailable = properties.wildcardSubscriptionAvailable !== 0
  limits.subscriptionIdsAvailable = properties.subscriptionIdsAvailable !== 0
  limits.sharedAvailable = properties.sharedSubscriptionAvailable !== 0
  return limits
}

function onDisconnect(core: Core, { reason, properties }: DisconnectPacket): void {
  const text = explain('the server disconnected', reason, properties)
  core.wire?.end()
  lost(core, new DisconnectedError('CLOSED', text, { reason, properties }))
}

/** The server broke the protocol, or a method of ours could not go on: say so, and close. */
export function fail(core: Core, error: unknown): void {
  const reason = error instanceof ProtocolError ? error.reason : Reason.implementationSpecificError
  const { message } = error as Error
  const isProtocol = error instanceof ProtocolError
  const text = isProtocol ? `the server broke the protocol: ${message}` : message
  if (core.settings.version === 5 && isOnline(core)) sendDisconnect(core, reason, {})
  core.wire?.end()
  lost(core, new MqttError(isProtocol ? 'PROTOCOL' : 'CONNECT', text, { reason, cause: error }))
}

function sendDisconnect(core: Core, reason: number, properties: Properties): void {
  send(core, { type: PacketType.disconnect, reason, properties })
  core.output.flush()
}

/** Lets go of the connection. What still comes from its wire is not listened to. */
function leave(core: Core): void {
  core.epoch++
  core.wire = null
  core.output.use(null)
  clearTimer(core)
  forgetAcknowledgements(core)
  core.reauthentication?.reject(new MqttError('CLOSED', 'the connection was lost'))
  core.reauthentication = null
  endAsking(core)
}

/** The connection is over, or was none. Comes back if it may. */
function lost(core: Core, error: MqttError): void {
  const { wire, phase } = core
  const wasOnline = phase === 'online'
  if (error.code === 'TIMEOUT') wire?.destroy()
  leave(core)
  if (wasOnline) suspect(core, error)
  if (phase === 'ending' || phase === 'ended') return finish(core, null)
  const delayMs = mayReturn(core, error) ? nextDelayMs(core, wasOnline) : null
  core.phase = 'idle'
  if (wasOnline) core.events.emit('disconnect', { error, reconnectInMs: delayMs })
  // A listener may have ended the client.
  if (core.state === 'ended') return
  if (delayMs === null) return finish(core, error)
  if (core.connects > 0) core.state = 'reconnecting'
  if (!wasOnline && core.events.has('error')) core.events.emit('error', error)
  setTimer(core, Math.max(1, delayMs), () => {
    core.events.emit('reconnect', { attempt: core.attempts })
    if (core.phase === 'idle') open(core)
  })
}

function mayReturn({ settings, connects }: Core, error: MqttError): boolean {
  const { reconnect, version } = settings
  if (reconnect === null || error.code === 'INVALID') return false
  if (connects === 0 && !reconnect.first) return false
  const isReturnCode = version < 5 && error instanceof ConnectionRefusedError
  if (isReturnCode) return !FINAL_RETURN_CODES.has(error.reason)
  // The next connection to the same address may well be to another: behind it stands a load balancer.
  if (error.reason === Reason.useAnotherServer && error.properties.serverReference === undefined)
    return true
  return !FINAL_REASONS.has(error.reason)
}

function nextDelayMs(core: Core, wasOnline: boolean): number {
  const { settings, runtime } = core
  if (wasOnline && runtime.monotonicMs() - core.connectedAtMs >= LASTING_MS) core.attempts = 0
  core.attempts++
  const { minMs, maxMs, jitter } = settings.reconnect ?? { minMs: 0, maxMs: 0, jitter: 0 }
  const delayMs = Math.min(maxMs, minMs * 2 ** Math.min(core.attempts - 1, 30))
  return delayMs * (1 - jitter * runtime.random.unit())
}

/** The end: of the client, for good. `error` null: its program wanted it. */
function finish(core: Core, error: MqttError | null): void {
  if (core.state === 'ended') return
  core.state = 'ended'
  core.phase = 'ended'
  clearTimer(core)
  if (core.claimTimer !== null) core.runtime.clearTimer(core.claimTimer)
  endProbing(core)
  const rejection = error ?? endedError()
  rejectAll(core, rejection)
  closeSubscriptions(core, error, rejection)
  core.opened?.(rejection)
  core.opened = null
  core.events.emit('end', error)
}

export interface Farewell {
  /** MQTT 5.0: 0, or 0x04 to have the will published. */
  reason: number
  properties: Properties
}

/** Sends DISCONNECT and closes. The `end` event follows. */
export function say(core: Core, { reason, properties }: Farewell): void {
  if (core.phase === 'ended') return
  const { wire } = core
  if (wire === null || core.phase !== 'online') return cut(core)
  core.phase = 'ending'
  send(core, { type: PacketType.disconnect, reason, properties })
  core.output.flush()
  setTimer(core, LINGER_MS, () => cut(core))
  closeWhenFlushed(core)
}

/** `end` before the wire has taken everything would lose the rest of it. */
function closeWhenFlushed(core: Core): void {
  if (core.output.isEmpty) core.wire?.end()
  else core.settledAll = () => closeWhenFlushed(core)
}

/** Closes at once, without a word: the server publishes the will. */
export function cut(core: Core): void {
  if (core.phase === 'ended') return
  core.wire?.destroy()
  leave(core)
  finish(core, null)
}

/**
 * What the core says in the log: mosquitto's sentences where mosquitto has one, because people's scripts look for them, and
 * what `log_format json` adds. Whoever is on the path of every message asks for the mask before it calls.
 */
import { LogType } from '../../base/log.ts'
import { thrownText } from '../../base/thrown.ts'
import { PacketType, type ConnectPacket, type SubscribeFilter } from '../../codec/packets.ts'
import { Reason, reasonText } from '../../codec/reason-codes.ts'
import type { Message } from '../../ports/message.ts'
import type { Delayed } from './delays.ts'
import type { Core } from './core.ts'
import { nameOf, type Connection, type OpenConnection, type Session } from './model.ts'

export const ACK_NAMES = ['PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP']

/** Of a connection that the broker ends. */
const ENDINGS = new Map<number, string>([
  [Reason.malformedPacket, 'malformed packet'],
  [Reason.protocolError, 'protocol error'],
  [Reason.notAuthorized, 'not authorised'],
  [Reason.keepAliveTimeout, 'exceeded timeout'],
  [Reason.packetTooLarge, 'oversize packet'],
  [Reason.sessionTakenOver, 'session taken over'],
  [Reason.administrativeAction, 'administrative action'],
  [Reason.receiveMaximumExceeded, 'receive maximum exceeded'],
  [Reason.quotaExceeded, 'quota exceeded'],
  [Reason.topicAliasInvalid, 'topic alias invalid'],
  [Reason.retainNotSupported, 'used disallowed feature (retain)'],
  [Reason.qosNotSupported, 'used disallowed feature (QoS)'],
  [Reason.serverShuttingDown, 'server shutting down'],
  [Reason.useAnotherServer, 'use another server'],
])

/** Of a CONNECT, where the words are others. */
const REFUSALS = new Map<number, string>([
  [Reason.malformedPacket, 'protocol error'],
  [Reason.unsupportedProtocolVersion, 'protocol error'],
  [Reason.clientIdentifierNotValid, 'client identifier not valid'],
  [Reason.badUserNameOrPassword, 'bad username or password'],
  [Reason.notAuthorized, 'not authorised'],
  [Reason.badAuthenticationMethod, 'bad authentication method'],
  [Reason.qosNotSupported, 'used disallowed feature (QoS)'],
  [Reason.retainNotSupported, 'used disallowed feature (retain)'],
  [Reason.serverBusy, 'server busy'],
  [Reason.banned, 'banned'],
  [Reason.useAnotherServer, 'use another server'],
])

export function endingWords(reason: number): string {
  return ENDINGS.get(reason) ?? reasonText(reason).toLowerCase()
}

export function refusalWords(reason: number): string {
  return REFUSALS.get(reason) ?? endingWords(reason)
}

// ── clients that come and go ───────────────────────────────────────────────────────────────────────

/** A client is there; it has not said who it is. */
export function logOpened(core: Core, { link, isOurs }: Connection): void {
  const { log, limits } = core.ports
  if (!limits.connectionMessages || !(log.mask & LogType.notice) || isOurs) return
  if (log.isTooOften?.('connection_opened') === true) return
  log.write(LogType.notice, `New connection from ${link.remote} on port ${link.listener.port}.`, {
    event: 'connection_opened',
    address: link.remote,
    port: link.listener.port,
  })
}

export function logConnected(core: Core, connection: Connection, packet: ConnectPacket): void {
  const { log, limits } = core.ports
  if (!limits.connectionMessages || !(log.mask & LogType.notice) || connection.isOurs) return
  const isDetailed = (log.mask & LogType.debug) !== 0
  if (!packet.bridge && !isDetailed && log.isTooOften?.('client_connected') === true) return
  const { remote } = connection.link
  const client = nameOf(connection)
  const username = connection.identity?.username ?? null
  const user = username === null ? '' : `, u'${username}'`
  const kind = packet.bridge ? 'bridge' : 'client'
  const clean = packet.cleanStart ? 1 : 0
  log.write(
    LogType.notice,
    `New ${kind} connected from ${remote} as ${client} ` +
      `(p${packet.version}, c${clean}, k${packet.keepAliveSeconds}${user}).`,
    {
      event: 'client_connected',
      address: remote,
      client,
      ...(username !== null && { username }),
      version: packet.version,
      clean_start: packet.cleanStart,
      keepalive: packet.keepAliveSeconds,
    },
  )
  if (!isDetailed) return
  const { will } = packet
  if (will === null) return log.write(LogType.debug, 'No will message specified.')
  const { length } = will.payload
  const retain = will.retain ? 1 : 0
  log.write(LogType.debug, `Will message specified (${length} bytes) (r${retain}, q${will.qos}).`)
  log.write(LogType.debug, `\t${will.topic}`)
}

export function logOusted(core: Core, { clientId: client }: Session): void {
  const { log } = core.ports
  if (log.mask & LogType.warning)
    log.write(
      LogType.warning,
      `Warning: client ${client} is out, with its session: a bridge has its client id now.`,
      { event: 'client_ousted', client },
    )
}

export function logOtherUser(core: Core, { link }: Connection, client: string): void {
  const { log } = core.ports
  if (!(log.mask & LogType.notice)) return
  log.write(
    LogType.notice,
    `Client ${client} [${link.remote}] refused: its session belongs to another user.`,
    {
      event: 'client_refused',
      address: link.remote,
      client,
      reason: 'session of another user',
    },
  )
}

export function logEnd(core: Core, connection: Connection, text: string): void {
  const { log, limits } = core.ports
  if (!limits.connectionMessages || !(log.mask & LogType.notice) || connection.isOurs) return
  const { remote } = connection.link
  const name = nameOf(connection)
  log.write(
    LogType.notice,
    `Client ${name} [${remote}] disconnected${text === '' ? '' : `: ${text}`}.`,
    {
      event: 'client_disconnected',
      address: remote,
      ...(connection.identity !== null && { client: name }),
      reason: text,
    },
  )
}

export function logExpired(core: Core, { clientId: client }: Session): void {
  const { log } = core.ports
  if (log.mask & LogType.notice)
    log.write(LogType.notice, `Expiring client ${client} due to timeout.`, {
      event: 'session_expired',
      client,
    })
}

/** Said once a connection. */
export function logDropping(core: Core, { clientId: client }: Session): void {
  const { log } = core.ports
  if (log.mask & LogType.notice)
    log.write(LogType.notice, `Outgoing messages are being dropped for client ${client}.`, {
      event: 'messages_dropped',
      client,
    })
}

export function logWillDenied(core: Core, session: Session, topic: string): void {
  const { log } = core.ports
  if (log.mask & LogType.notice)
    log.write(LogType.notice, `Denied will of ${session.clientId} to '${topic}'`)
}

export function logWillNotRetained(core: Core, session: Session, topic: string): void {
  const { log } = core.ports
  if (log.mask & LogType.warning)
    log.write(
      LogType.warning,
      `Warning: the will of ${session.clientId} to '${topic}' is not retained: too much is.`,
    )
}

export function logTooLarge(
  core: Core,
  { identity }: OpenConnection,
  message: Message,
  bytesMax: number,
): void {
  const { log } = core.ports
  if (log.mask & LogType.warning)
    log.write(
      LogType.warning,
      `Warning: a message of ${identity.clientId} to '${message.topicName}' is refused: it has ${message.size} bytes, and the store takes ${bytesMax}.`,
    )
}

export function logDelayed(core: Core, { author, message }: Delayed, what: string): void {
  const { log } = core.ports
  if (log.mask & LogType.warning)
    log.write(
      LogType.warning,
      `Warning: a delayed message of ${author.clientId} to '${message.topicName}' is ${what}.`,
    )
}

// ── packets ────────────────────────────────────────────────────────────────────────────────────────

export function logReceived(core: Core, connection: Connection, packet: string): void {
  const { log } = core.ports
  if (log.mask & LogType.debug)
    log.write(LogType.debug, `Received ${packet} from ${nameOf(connection)}`)
}

export function logSent(core: Core, connection: Connection, packet: string, details = ''): void {
  const { log } = core.ports
  const more = details === '' ? '' : ` (${details})`
  if (log.mask & LogType.debug)
    log.write(LogType.debug, `Sending ${packet} to ${nameOf(connection)}${more}`)
}

export function logPublish(
  core: Core,
  connection: OpenConnection,
  message: Message,
  verb: string,
): void {
  const { dup, qos, retain, packetId } = core.published
  const name = connection.identity.clientId
  const flags = `d${dup ? 1 : 0}, q${qos}, r${retain ? 1 : 0}, m${packetId}`
  core.ports.log.write(
    LogType.debug,
    `${verb} PUBLISH from ${name} (${flags}, '${message.topicName}', ... (${message.payloadLength} bytes))`,
  )
}

export function logPublishSent(
  core: Core,
  connection: Connection,
  message: Message,
  flags: number,
  packetId: number,
): void {
  const words = `d${flags >> 3}, q${(flags >> 1) & 3}, r${flags & 1}, m${packetId}`
  const { topicName, payloadLength } = message
  core.ports.log.write(
    LogType.debug,
    `Sending PUBLISH to ${connection.identity?.clientId} (${words}, '${topicName}', ... (${payloadLength} bytes))`,
  )
}

export function logAckReceived(
  core: Core,
  connection: OpenConnection,
  type: number,
  packetId: number,
  reason: number,
): void {
  const code = type === PacketType.puback || type === PacketType.pubcomp ? `, RC:${reason}` : ''
  const name = connection.identity.clientId
  core.ports.log.write(
    LogType.debug,
    `Received ${ACK_NAMES[type - 4]} from ${name} (Mid: ${packetId}${code})`,
  )
}

export function logAckSent(
  core: Core,
  connection: Connection,
  type: 4 | 5 | 6 | 7,
  packetId: number,
  reason: number,
): void {
  const isAnswer = type === PacketType.puback || type === PacketType.pubrec
  // Below 5.0 there is no reason in it.
  const code = isAnswer ? `, rc${connection.version < 5 ? 0 : reason}` : ''
  core.ports.log.write(
    LogType.debug,
    `Sending ${ACK_NAMES[type - 4]} to ${connection.identity?.clientId} (m${packetId}${code})`,
  )
}

export function warnUnknown(
  core: Core,
  connection: OpenConnection,
  type: number,
  packetId: number,
): void {
  const { log } = core.ports
  if (!(log.mask & LogType.warning)) return
  const name = connection.identity.clientId
  log.write(
    LogType.warning,
    `Warning: Received ${ACK_NAMES[type - 4]} from ${name} for an unknown packet identifier ${packetId}.`,
  )
}

/** A filter of a SUBSCRIBE and what becomes of it. */
export function logFilter(core: Core, { filter, qos }: SubscribeFilter, isGranted: boolean): void {
  const { log } = core.ports
  if (log.mask & LogType.debug)
    log.write(LogType.debug, `\t${filter} (${isGranted ? `QoS ${qos}` : 'denied'})`)
}

export function logSubscribed(core: Core, { clientId }: Session, wanted: SubscribeFilter): void {
  const { log } = core.ports
  if (log.mask & LogType.subscribe)
    log.write(LogType.subscribe, `${clientId} ${wanted.qos} ${wanted.filter}`)
}

export function logUnsubscribe(core: Core, { clientId }: Session, filter: string): void {
  const { log } = core.ports
  if (log.mask & LogType.debug) log.write(LogType.debug, `\t${filter}`)
  if (log.mask & LogType.unsubscribe) log.write(LogType.unsubscribe, `${clientId} ${filter}`)
}

// ── the broker itself ──────────────────────────────────────────────────────────────────────────────

export function logSwept(core: Core, count: number): void {
  const { log } = core.ports
  if (count > 0 && log.mask & LogType.information)
    log.write(LogType.information, `Removed ${count} expired retained messages.`)
}

/** A mistake of ours costs one client or one message, and is told with all there is to find it by. */
export function logMistake(core: Core, error: unknown, consequence: string): void {
  const text = thrownText(error)
  core.ports.log.write(LogType.error, `Error: internal error, ${consequence}: ${text}`)
}

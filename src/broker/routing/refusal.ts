/** Whether the PUBLISH that came is passed on: rights, room, and what its topic asks for. */
import { LogType } from '../../base/log.ts'
import { ProtocolError } from '../../codec/protocol-error.ts'
import type { PacketType } from '../../codec/packets.ts'
import { Reason, TOO_LARGE_HERE } from '../../codec/reason-codes.ts'
import { isWellFormedUtf8 } from '../../codec/utf8.ts'
import type { Message } from '../../ports/message.ts'
import type { Auth, Identity } from '../../ports/ports.ts'
import { Pressure } from '../../ports/pressure.ts'
import { isControl, isReserved } from '../../topics/reserved.ts'
import { replyAck, replyPacket } from '../delivery/replies.ts'
import { dropped } from '../state/drops.ts'
import type { Core } from '../state/core.ts'
import type { OpenConnection } from '../state/model.ts'
import { ruled, rulingOf } from '../state/waiting.ts'
import { logAckSent, logPublish, logTooLarge } from '../state/words.ts'
import { carryOut } from './control.ts'
import { isDelayed, readDelay } from './delayed.ts'
import { matchesOf } from './published-topic.ts'
import { retainedIsFull } from './retained.ts'

/**
 * No reason codes: a hook has not answered yet; nothing is against it, but it is not to be published now; it was a
 * command, and is carried out.
 */
const WAITS = -1
export const DELAYS = -2
export const OBEYED = -3

/**
 * 0, or why the message is not passed on, or {@link WAITS}, {@link DELAYS} or {@link OBEYED}. The connection stays.
 */
export function publishRefusal(core: Core, connection: OpenConnection, message: Message): number {
  const topic = message.topicName
  if (isReserved(topic)) return refusalOfReserved(core, connection, message)
  if (core.ports.limits.delayedMax > 0 && isDelayed(core, connection.mount, topic))
    return refusalOfDelayed(core, connection, message)
  return refusalFor(core, connection, message, topic)
}

/** `topic`: the one that it has, or will have. */
function refusalFor(
  core: Core,
  connection: OpenConnection,
  message: Message,
  topic: string,
): number {
  const view = core.published
  const { auth, log } = core.ports
  const who = connection.identity
  if (auth.publish !== null && !connection.isOurs) {
    const allowed = mayPublishNow(core, connection, auth.publish, who, topic)
    if (allowed !== true) return allowed === undefined ? WAITS : denied(core, connection, message)
  }
  // What clears a retained message makes room.
  if (core.pressure >= Pressure.shed && message.payloadLength > 0)
    return refuseForMemory(core, connection)
  if (isOverLimit(core, connection, message)) {
    dropped(core, null, 'overSizeLimit')
    // Below 5.0 the client is not told: whoever looks for its message finds it here.
    if (log.mask & LogType.debug) logPublish(core, connection, message, 'Dropped too large')
    return Reason.quotaExceeded
  }
  const bytesMax = core.journal.sizeLimitFor(message)
  if (bytesMax > 0) return refuseSize(core, connection, message, bytesMax)
  if (view.payloadFormat === 1 && !isWellFormedUtf8(view.bytes, view.payloadStart, view.payloadEnd))
    return Reason.payloadFormatInvalid
  if (view.retain && retainedIsFull(core, topic, message.payloadLength)) return Reason.quotaExceeded
  if (core.full && view.qos > 0 && needsStore(core, connection)) return refuseFull(connection)
  return 0
}

/** `message_size_limit`; what comes over a bridge of ours is not bound by it. */
function isOverLimit(core: Core, { isOurs }: OpenConnection, { payloadLength }: Message): boolean {
  const { payloadBytesMax } = core.ports.limits
  return payloadBytesMax > 0 && payloadLength > payloadBytesMax && !isOurs
}

/** Acknowledges a message that is not passed on. */
export function replyRefusal(
  core: Core,
  connection: OpenConnection,
  type: typeof PacketType.puback | typeof PacketType.pubrec,
  message: Message,
  reason: number,
): void {
  const { packetId } = core.published
  if (reason !== Reason.quotaExceeded || !isToldForGood(core, connection, message))
    return replyAck(core, connection, type, packetId, reason, 0)
  if (core.ports.log.mask & LogType.debug) logAckSent(core, connection, type, packetId, reason)
  const properties = { reasonString: TOO_LARGE_HERE }
  replyPacket(core, connection, { type, packetId, reason, properties }, 0)
}

/** Is it refused for its size, by one who may be told in words? */
function isToldForGood(core: Core, connection: OpenConnection, message: Message): boolean {
  if (connection.version < 5 || !connection.problemInformation) return false
  return isOverLimit(core, connection, message) || core.journal.sizeLimitFor(message) > 0
}

function refusalOfDelayed(core: Core, connection: OpenConnection, message: Message): number {
  const wanted = readDelay(core, connection.mount, message.topicName, message.size)
  if (typeof wanted === 'number') return wanted
  const refusal = refusalFor(core, connection, message, wanted.topic)
  if (refusal !== 0) return refusal
  return core.full && core.published.qos > 0 ? refuseFull(connection) : DELAYS
}

/** Only commands go on, of those at QoS 2 the identifier. */
function refusalOfReserved(core: Core, connection: OpenConnection, message: Message): number {
  const { qos } = core.published
  if (!isControl(message.topicName)) return denied(core, connection, message)
  if (qos === 2 && core.full && connection.session.durable) return refuseFull(connection)
  const done = carryOut(core, connection, message)
  if (done === undefined) return WAITS
  if (!done) return denied(core, connection, message)
  return qos === 2 ? 0 : OBEYED
}

/** undefined: a hook has not answered yet. */
function mayPublishNow(
  core: Core,
  connection: OpenConnection,
  publishRight: NonNullable<Auth['publish']>,
  who: Identity,
  topic: string,
): boolean | undefined {
  const { qos, retain } = core.published
  const known = rulingOf(connection)
  const verdict = known ?? publishRight(who, topic, qos, retain)
  // The common case is a plain answer.
  return verdict === true || ruled(core, connection, verdict)
}

/** Would accepting it make the store write? */
function needsStore(core: Core, connection: OpenConnection): boolean {
  const view = core.published
  if (core.withoutStore || view.retain || (view.qos === 2 && connection.session.durable))
    return true
  const matches = matchesOf(core, connection)
  if (matches === null) return true
  return matches.some((subscriber) =>
    subscriber.members === null
      ? subscriber.session.durable
      : subscriber.members.some(({ session }) => session.durable),
  )
}

/** 3.x has no word for it: without an acknowledgement the client comes again. */
function refuseFull({ version }: OpenConnection): number {
  if (version < 5) throw new ProtocolError(Reason.quotaExceeded, 'the store is full')
  return Reason.quotaExceeded
}

/** Nobody can have it who is away, or elsewhere: whoever sends it is to know. Below 5.0 as in {@link refuseForMemory}. */
function refuseSize(
  core: Core,
  connection: OpenConnection,
  message: Message,
  bytesMax: number,
): number {
  dropped(core, null, 'overSizeLimit')
  logTooLarge(core, connection, message, bytesMax)
  if (core.published.qos > 0 && connection.version < 5 && !connection.isOurs)
    throw new ProtocolError(Reason.packetTooLarge, `the store takes messages of ${bytesMax} bytes`)
  return Reason.quotaExceeded
}

/** Below 5.0 there is no word for it but the end of the connection: an acknowledgement would be a lie. */
function refuseForMemory(core: Core, connection: OpenConnection): number {
  const view = core.published
  dropped(core, null, 'memory')
  if (view.qos > 0 && connection.version < 5)
    throw new ProtocolError(Reason.quotaExceeded, 'the broker is short of memory')
  return Reason.quotaExceeded
}

function denied(core: Core, connection: OpenConnection, message: Message): number {
  if (core.ports.log.mask & LogType.debug) logPublish(core, connection, message, 'Denied')
  return Reason.notAuthorized
}

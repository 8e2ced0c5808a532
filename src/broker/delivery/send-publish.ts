/** The last step of a PUBLISH: into the receiver's output. */
import { LogType } from '../../base/log.ts'
import { PacketType } from '../../codec/packets.ts'
import { appendPublish, appendPublishHead, publishSize } from '../../codec/encode-publish.ts'
import type { Message } from '../../ports/message.ts'
import type { Core } from '../state/core.ts'
import type { Connection } from '../state/model.ts'
import { withoutMountPoint, type MountPoint } from '../state/mount-point.ts'
import { appendShared, output, passOn } from './outbox.ts'
import type { Shape } from '../state/shapes.ts'
import { logPublishSent } from '../state/words.ts'

/** Frames from here on are shared by their receivers instead of copied to each. */
const SHARED_BYTES_MIN = 16 * 1024

/** What an alias may add to a packet: itself, and a byte to each of the two lengths. */
const ALIAS_BYTES_MAX = 5

const FIRST_BYTE = PacketType.publish << 4

/** The low nibble of a PUBLISH's first byte, as the functions here want it. */
export function publishFlags(qos: number, retain: boolean, dup = false): number {
  return (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0)
}

/**
 * Sends `message` as one of a fan-out: receivers of the same version, QoS and retain flag share one
 * encoding. Returns false, and sends nothing, when the frame is larger than the client takes
 * [MQTT-3.1.2-24]. Not for receivers with a subscription identifier.
 */
export function sendShaped(
  core: Core,
  connection: Connection,
  message: Message,
  flags: number,
  packetId: number,
): boolean {
  if (!connection.shaped) return sendPublish(core, connection, message, flags, packetId, null)
  const shapes = core.shapes
  const slot = shapes.slot(connection.version, flags)
  if (slot.serial !== shapes.serial)
    return sendFirst(core, connection, message, flags, packetId, slot)
  const length = slot.end - slot.start
  if (connection.packetBytesMax > 0 && length > connection.packetBytesMax) return false
  if (length >= SHARED_BYTES_MIN)
    return sendPublish(core, connection, message, flags, packetId, null)
  const out = output(core, connection)
  // The flush of a full output may just have staled the slot: then its bytes may be gone.
  if (slot.serial !== shapes.serial)
    return sendFirst(core, connection, message, flags, packetId, slot)
  if (slot.bytes === message.payload && slot.bytes[slot.start] === (FIRST_BYTE | flags)) {
    core.shapes.run.add(out, slot.bytes, slot.start, slot.end, packetId, slot.idOffset)
    count(core, connection, message, flags, packetId)
    return true
  }
  const at = out.length
  out.append(slot.bytes, slot.start, slot.end)
  const bytes = out.bytes
  bytes[at] = FIRST_BYTE | flags
  if (packetId > 0) {
    bytes[at + slot.idOffset] = packetId >> 8
    bytes[at + slot.idOffset + 1] = packetId
  }
  count(core, connection, message, flags, packetId)
  return true
}

/** The first receiver of a shape: encodes, and leaves word where. */
function sendFirst(
  core: Core,
  connection: Connection,
  message: Message,
  flags: number,
  packetId: number,
  slot: Shape,
): boolean {
  const expiry = message.expiresAtMs === Infinity ? -1 : secondsLeft(core, message)
  const size = publishSize(connection.version, flags, packetId, message, expiry, null, 0, false)
  if (connection.packetBytesMax > 0 && size > connection.packetBytesMax) return false
  if (size >= SHARED_BYTES_MIN) {
    sendLarge(core, connection, message, flags, packetId, null, expiry)
    return true
  }
  const out = output(core, connection)
  const start = out.length
  const idAt = appendPublish(
    out,
    connection.version,
    flags,
    packetId,
    message,
    expiry,
    null,
    0,
    false,
  )
  slot.serial = core.shapes.serial
  slot.bytes = out.bytes
  slot.start = start
  slot.end = out.length
  slot.idOffset = idAt - start
  count(core, connection, message, flags, packetId)
  return true
}

/** Sends `message` to one receiver. Returns false as {@link sendShaped} does. */
export function sendPublish(
  core: Core,
  connection: Connection,
  message: Message,
  flags: number,
  packetId: number,
  subscriptionIds: readonly number[] | null,
): boolean {
  const { mount } = connection
  return mount === null
    ? sendOne(core, connection, message, flags, packetId, subscriptionIds)
    : sendMounted(core, connection, mount, message, flags, packetId, subscriptionIds)
}

/** To a client below a mount point, which it does not see. */
function sendMounted(
  core: Core,
  connection: Connection,
  mount: MountPoint,
  message: Message,
  flags: number,
  packetId: number,
  subscriptionIds: readonly number[] | null,
): boolean {
  // Kept: what is borrowed must not be kept by others while its topic is cut.
  return withoutMountPoint(mount, message.kept(), (cut) =>
    sendOne(core, connection, cut, flags, packetId, subscriptionIds),
  )
}

function sendOne(
  core: Core,
  connection: Connection,
  message: Message,
  flags: number,
  packetId: number,
  subscriptionIds: readonly number[] | null,
): boolean {
  const { version, packetBytesMax } = connection
  const expiry = message.expiresAtMs === Infinity ? -1 : secondsLeft(core, message)
  const size = publishSize(version, flags, packetId, message, expiry, subscriptionIds, 0, false)
  if (size >= SHARED_BYTES_MIN) {
    if (packetBytesMax > 0 && size > packetBytesMax) return false
    sendLarge(core, connection, message, flags, packetId, subscriptionIds, expiry)
    return true
  }
  const known = knownAlias(connection, message)
  // An alias in the place of a short topic makes the packet longer.
  const isShort =
    known > 0 &&
    (packetBytesMax === 0 ||
      publishSize(version, flags, packetId, message, expiry, subscriptionIds, known, true) <=
        packetBytesMax)
  if (!isShort && packetBytesMax > 0 && size > packetBytesMax) return false
  const alias = known === 0 ? nextAlias(connection, size) : isShort ? known : 0
  if (alias > 0 && known === 0) connection.aliasesOut?.set(message.topicName, alias)
  const out = output(core, connection)
  appendPublish(out, version, flags, packetId, message, expiry, subscriptionIds, alias, isShort)
  count(core, connection, message, flags, packetId)
  return true
}

/** The connection is over. */
export function forgetAliases(connection: Connection): void {
  connection.aliasesOut = null
}

/** The alias that stands for the message's topic already; 0: none does. */
function knownAlias({ aliasesOut }: Connection, message: Message): number {
  return aliasesOut === null ? 0 : (aliasesOut.get(message.topicName) ?? 0)
}

/**
 * An alias for a topic that has none: first come, first served, until the client's maximum is used up. Telling it makes
 * the packet larger than `size`; where it would not fit any more it is not told.
 */
function nextAlias(connection: Connection, size: number): number {
  const { aliasOutMaximum, packetBytesMax } = connection
  if (aliasOutMaximum === 0) return 0
  const aliases = (connection.aliasesOut ??= new Map())
  if (aliases.size >= aliasOutMaximum) return 0
  return packetBytesMax > 0 && size + ALIAS_BYTES_MAX > packetBytesMax ? 0 : aliases.size + 1
}

/**
 * Header of its own, payload shared: its bytes go out as they are.
 *
 *     out  [ first | length | topic | id | properties ]  +  the payload, one for all receivers
 */
function sendLarge(
  core: Core,
  connection: Connection,
  message: Message,
  flags: number,
  packetId: number,
  subscriptionIds: readonly number[] | null,
  expiry: number,
): void {
  const { version } = connection
  const out = output(core, connection)
  appendPublishHead(out, version, flags, packetId, message, expiry, subscriptionIds, 0, false)
  if (!passOn(core, connection, message)) appendShared(core, connection, message.kept())
  count(core, connection, message, flags, packetId)
}

function secondsLeft(core: Core, message: Message): number {
  return message.secondsLeft(core.ports.clock.wallMs())
}

/** Counts a PUBLISH that is on its way, and logs it when asked to. */
function count(
  core: Core,
  connection: Connection,
  message: Message,
  flags: number,
  packetId: number,
): void {
  if (core.ports.log.mask & LogType.debug)
    logPublishSent(core, connection, message, flags, packetId)
  const stats = core.stats
  stats.messagesSent++
  stats.publishSent++
  connection.traffic.publishSent++
  stats.publishBytesSent += message.payloadEnd - message.payloadStart
}

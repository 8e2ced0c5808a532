/** May a CONNECT have the session of its client id? Whose it is, whether there is room for one more, whether the store is needed. */
import type { ConnectPacket } from '../../codec/packets.ts'
import { Reason } from '../../codec/reason-codes.ts'
import { isBridgeUser } from '../../ports/ports.ts'
import type { Core, Opening } from '../state/core.ts'
import { NEVER_EXPIRES, type Connection, type Session } from '../state/model.ts'
import { logOtherUser } from '../state/words.ts'
import { countUser } from '../session/sessions.ts'

export function idOf(connection: Connection): string {
  return connection.identity?.clientId ?? ''
}

export function userOf(connection: Connection): string | null {
  return connection.identity?.username ?? null
}

/** 0, or why the client may not have this session, or none. */
export function sessionRefusal(
  core: Core,
  { connection, packet }: Opening,
  known: Session | undefined,
): number {
  const { keepAliveSecondsMax } = core.ports.limits
  if (known !== undefined && !mayTakeOver(core, connection, known, discards(packet, known)))
    return Reason.clientIdentifierNotValid
  // Where it may have one elsewhere, which makes room for this one, the peers are asked first.
  const asksFirst = known === undefined && core.ports.peers !== null
  if (!asksFirst && hasNoRoom(core, connection, known)) return Reason.serverBusy
  if (core.full && needsStore(core, packet, known)) return Reason.quotaExceeded
  const { keepAliveSeconds, version } = packet
  const isTooLong = keepAliveSeconds === 0 || keepAliveSeconds > keepAliveSecondsMax
  return keepAliveSecondsMax > 0 && version < 5 && isTooLong ? Reason.clientIdentifierNotValid : 0
}

/** May this user take over what the other one has? A bridge's is the bridge's. */
export function isOneUser(core: Core, owner: string | null, username: string | null): boolean {
  if (isBridgeUser(owner) !== isBridgeUser(username)) return false
  return core.ports.limits.anyUserTakesOver || isBridgeUser(owner) || owner === username
}

/** Nobody is connected, and nothing of the session is asked for. */
function discards({ cleanStart }: ConnectPacket, known: Session): boolean {
  return cleanStart && known.connection === null
}

/**
 * While the disk is full: does this CONNECT change what must be safe before it is answered? Who resumes a session of ours
 * changes nothing of it, and takes what filled the disk. While the store is not open nobody knows which session is to go
 * on, or whom a will is for.
 */
function needsStore(core: Core, packet: ConnectPacket, known: Session | undefined): boolean {
  if (comesBack(core, packet, known)) return false
  if (known?.durable || expiryOf(packet) > 0) return true
  return core.withoutStore && (!packet.cleanStart || packet.will !== null)
}

function comesBack(core: Core, { cleanStart }: ConnectPacket, known: Session | undefined): boolean {
  return known !== undefined && known.durable && !known.foreign && !cleanStart && !core.withoutStore
}

/**
 * A session is for the user who began it: to know a client id must not be enough to read its messages. Who discards one
 * that nobody is connected to reads nothing: a device whose user changed starts anew. A bridge's is the bridge's
 * whatever the rules say.
 */
export function mayTakeOver(
  core: Core,
  connection: Connection,
  known: { readonly clientId: string; readonly username: string | null },
  isDiscarded: boolean,
): boolean {
  if (isBridgeUser(known.username) === connection.isOurs) {
    const isAnyones = core.ports.limits.anyUserTakesOver || connection.isOurs || isDiscarded
    if (isAnyones || known.username === userOf(connection)) return true
    // Stored when a blank user name was still a name.
    if (known.username === '' && userOf(connection) === null) return true
  }
  logOtherUser(core, connection, known.clientId)
  return false
}

/**
 * No session more may begin for this client. To be asked again when it does: of those that were let in meanwhile, while peers or
 * the store were asked, none was counted before.
 *
 * @param replaced The session that it has instead of beginning one more.
 */
export function hasNoRoom(
  core: Core,
  connection: Connection,
  replaced: { readonly username: string | null } | undefined,
): boolean {
  if (connection.isOurs) return false
  if (replaced === undefined && isFull(core)) return true
  return replaced?.username !== userOf(connection) && isFullFor(core, connection)
}

function isFull(core: Core): boolean {
  const { sessionsMax } = core.ports.limits
  if (sessionsMax === 0) return false
  const elsewhere = core.ports.peers?.cleanSessions(core.cleanSessions) ?? 0
  return core.sessions.size + core.placesKept + elsewhere >= sessionsMax
}

/** Its user may have no session more. */
export function isFullFor(core: Core, connection: Connection): boolean {
  const { sessionsPerUserMax } = core.ports.limits
  const username = userOf(connection)
  if (sessionsPerUserMax === 0 || username === null || connection.isOurs) return false
  const theirs = core.ports.peers?.userSessions(username, 0) ?? 0
  return (core.sessionsOfUser.get(username) ?? 0) + theirs >= sessionsPerUserMax
}

/** Does a session of `username` for one of `owner` leave every bound where it is? */
export function isSamePlace(core: Core, owner: string | null, username: string | null): boolean {
  return owner === username || core.ports.limits.sessionsPerUserMax === 0
}

/** Its client's session has ended for this one: nobody gets the place while peers or the store are asked. */
export function keepPlace(core: Core, opening: Opening): void {
  if (opening.replaces) return
  opening.replaces = true
  core.placesKept++
  countUser(core, userOf(opening.connection), 1)
}

/** It begins, or comes to nothing. */
export function leavePlace(core: Core, opening: Opening): void {
  if (!opening.replaces) return
  core.placesKept--
  countUser(core, userOf(opening.connection), -1)
}

/** Seconds that the session is to outlive its connection. */
export function expiryOf(packet: ConnectPacket): number {
  if (packet.version === 5) return packet.properties.sessionExpirySeconds ?? 0
  return packet.cleanStart ? 0 : NEVER_EXPIRES
}

/** A client that connects again, here or at another node, has what the connection before it had. */
import { Reason } from '../../codec/reason-codes.ts'
import type { PeerClaim } from '../../ports/peers.ts'
import { isBridgeUser } from '../../ports/ports.ts'
import { endSession } from '../session/sessions.ts'
import type { Core } from '../state/core.ts'
import type { Connection } from '../state/model.ts'
import { afterOpening } from '../state/settle.ts'
import { logOusted } from '../state/words.ts'
import { closeConnection, closeFor } from './closing.ts'
import { isOneUser, isSamePlace, userOf } from './session-rules.ts'

/**
 * The client connects at another node: its connection here ends, with what a takeover does. `done(false)`: it is another
 * user's. Who waits for the peers is later than that claim.
 */
export function giveWay(
  core: Core,
  wish: PeerClaim,
  done: (gone: boolean, had?: boolean) => void,
): void {
  const { clientId, username, cleanStart } = wish
  if (isBridgeUser(username)) makeRoomForBridge(core, clientId)
  const [first] = core.openings.get(clientId) ?? []
  const connection = core.sessions.get(clientId)?.connection ?? null
  const opening = first?.isGranted ? first.connection : null
  for (const has of [connection, opening])
    if (has !== null && !isFor(core, has, wish)) return done(false)
  const placed = connection ?? (first?.replaces ? opening : null)
  const had = placed !== null && isSamePlace(core, userOf(placed), username)
  if (connection !== null) takeOver(core, connection, cleanStart)
  if (opening === null) return done(true, had)
  closeFor(core, opening, Reason.sessionTakenOver)
  afterOpening(core, clientId, () => done(true, had))
}

/** May who claims it have what this connection has? */
function isFor(core: Core, has: Connection, { username, isFull }: PeerClaim): boolean {
  if (isBridgeUser(username)) return true
  const owner = userOf(has)
  return isOneUser(core, owner, username) && !(isFull && !isSamePlace(core, owner, username))
}

/**
 * The same client connected again: the older connection ends [MQTT-3.1.4-3]. Its will goes out, unless it had a
 * delay, in which the client is back and goes on (MQTT 5.0, 3.1.4).
 */
export function takeOver(core: Core, old: Connection, cleanStart: boolean): void {
  closeConnection(core, old, {
    text: 'session taken over',
    reason: Reason.sessionTakenOver,
    will: cleanStart || old.will?.delaySeconds === 0,
  })
}

/**
 * A bridge has the client id that the configuration gives it: whoever had it before that was so is out, or it would keep the
 * bridge from what the bridge is there for.
 */
export function makeRoomForBridge(core: Core, clientId: string): void {
  const session = core.sessions.get(clientId)
  if (session === undefined || session.isOurs) return
  logOusted(core, session)
  if (session.connection !== null) closeFor(core, session.connection, Reason.sessionTakenOver)
  endSession(core, session, 'delete')
}

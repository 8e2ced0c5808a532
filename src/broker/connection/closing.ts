/** The end of a connection, whoever wants it. */
import { PacketType } from '../../codec/packets.ts'
import type { Core } from '../state/core.ts'
import { Phase, type Connection } from '../state/model.ts'
import { knownSentTo } from '../delivery/backlog.ts'
import { dropOutput, flush, sendPacket } from '../delivery/outbox.ts'
import { dischargeConnection } from '../state/memory.ts'
import { saveSession } from '../state/session-record.ts'
import { Work } from '../state/work.ts'
import { dropList } from '../session/filter-list.ts'
import { endSession, leaveConnection, restSession } from '../session/sessions.ts'
import { dropReplies } from '../delivery/replies.ts'
import { dropUnruled } from '../delivery/rulings.ts'
import { forgetAliases } from '../delivery/send-publish.ts'
import { forgetTopics } from '../routing/published-topic.ts'
import { dropPartial } from './partial.ts'
import { withdrawDirect } from '../routing/direct.ts'
import { countInterests } from '../routing/interest.ts'
import { fireWill, takeWill } from '../routing/wills.ts'
import { endingWords, logEnd, logSent } from '../state/words.ts'

/** How a connection ends; see {@link closeConnection}. */
export interface Ending {
  /** For the log, after `disconnected: `; empty: the client said DISCONNECT. */
  text: string
  /** Sent to a 5.0 client in DISCONNECT; -1: nothing is sent. */
  reason: number
  /** Sent along as reason string, when there is something to add. */
  detail?: string
  /** false: the will is dropped, unless the session ends. */
  will?: boolean
}

/** The broker ends a connection for `reason`. */
export function closeFor(core: Core, connection: Connection, reason: number, detail = ''): void {
  closeConnection(core, connection, { text: endingWords(reason), reason, detail })
}

/**
 * Ends a connection: says DISCONNECT where there is someone to hear it, closes the link behind what was
 * written, publishes or drops the will, and lets the session rest or end.
 */
export function closeConnection(core: Core, connection: Connection, ending: Ending): void {
  if (connection.phase === Phase.closed) return
  if (ending.reason >= 0 && connection.phase === Phase.open && connection.version === 5)
    sendDisconnect(core, connection, ending)
  // Nothing of it waits for a SUBACK that will not be sent: it goes out with the rest.
  dropReplies(connection)
  flush(core, connection)
  core.work -= Work.close
  connection.setPhase(Phase.closed)
  core.wheel.cancel(connection.timer)
  core.wheel.cancel(connection.rate?.timer ?? null)
  if (connection.inLink === null) dropOutput(core, connection)
  dischargeConnection(core, connection)
  dropPartial(connection)
  dropList(core, connection)
  dropUnruled(core, connection)
  forgetTopics(connection)
  forgetAliases(connection)
  connection.link.end()
  logEnd(core, connection, ending.text)
  if (connection.session !== null) leaveSession(core, connection, ending)
}

function sendDisconnect(core: Core, connection: Connection, ending: Ending): void {
  const properties =
    ending.detail && connection.problemInformation ? { reasonString: ending.detail } : {}
  logSent(core, connection, 'DISCONNECT', `rc${ending.reason}`)
  sendPacket(core, connection, {
    type: PacketType.disconnect,
    reason: ending.reason,
    properties,
  })
}

function leaveSession(core: Core, connection: Connection, ending: Ending): void {
  const { session, identity } = connection
  const will = takeWill(core, connection)
  if (session === null || session.connection !== connection) return
  countInterests(core, session, -1)
  withdrawDirect(core, session)
  leaveConnection(session)
  if (identity !== null && connection.openedAtMs > 0)
    core.ports.observer?.disconnected?.(identity, ending.text)
  const ends = session.expirySeconds === 0
  if (ends) endSession(core, session, 'delete')
  else restSession(core, session)
  if (will !== null && (ending.will !== false || ends)) fireWill(core, session, will)
  if (!ends && session.durable) {
    saveSession(core, session)
    core.journal.unclaim(session.clientId, knownSentTo(session.outbound))
  }
  core.ports.peers?.will(session.clientId, null)
  core.ports.peers?.unclaim(session.clientId)
}

/** The end of a link, as its transport tells it. */
import { abandonOutput } from '../delivery/outbox.ts'
import { afterFanOut, isFanningOut } from '../routing/fan-out-later.ts'
import type { Core } from '../state/core.ts'
import { Bytes, charge } from '../state/memory.ts'
import { Phase, type Connection } from '../state/model.ts'
import { addTask } from '../state/work.ts'
import { closeConnection } from './closing.ts'

/** The client has ended its side: calls `then` when nothing that it asked for waits for an answer, or the connection is over. */
export function whenAnswered(core: Core, connection: Connection, then: () => void): void {
  const { identity, lateReplies, phase } = connection
  const { journal } = core
  const again = (): void => whenAnswered(core, connection, then)
  if (phase === Phase.closed) then()
  else if (identity !== null && isFanningOut(core, identity.clientId))
    afterFanOut(core, identity.clientId, again)
  else if (lateReplies === null) then()
  else journal.wait(journal.latest, { kind: 'call', run: again })
}

/** The link is gone; `text` says why, for the log. */
export function linkClosed(core: Core, connection: Connection, text: string): void {
  const close = (): boolean => {
    closeConnection(core, connection, { text, reason: -1 })
    if (core.connections.delete(connection)) charge(core, -Bytes.connection)
    abandonOutput(core, connection)
    return false
  }
  if (core.work > 0 || connection.phase === Phase.closed) close()
  else addTask(core, close)
}

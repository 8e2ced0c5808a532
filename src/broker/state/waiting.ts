/**
 * A right to publish that is said later (the library's hooks). The packet stays in front of its connection's input, which is not read
 * on; when the answer is there it is handled again, from the start, and finds it:
 *
 *     PUBLISH ──▶ asked ──later──▶ waits ──answered──▶ PUBLISH again ──▶ ruled ──▶ on its way
 *
 * Nothing may have been changed before the question, so that the second time is like the first.
 */
import type { Verdict } from '../../ports/ports.ts'
import { askTurnEnd, type Core } from './core.ts'
import { Phase, type Connection, type Waits } from './model.ts'
import { stopReading } from './reading.ts'

/** What was answered; null: it was not asked yet. */
export function rulingOf({ waits }: Connection): boolean | null {
  return waits === null ? null : waits.ruling
}

/** Takes the answer, now or later; undefined: later, and the packet comes again. */
export function ruled(core: Core, connection: Connection, verdict: Verdict): boolean | undefined {
  if (typeof verdict === 'boolean') return verdict
  awaitRuling(core, connection, verdict)
  return undefined
}

function awaitRuling(core: Core, connection: Connection, verdict: Promise<boolean>): void {
  const waits: Waits = { ruling: null }
  connection.waits = waits
  stopReading(connection)
  void verdict.then((allowed) => {
    waits.ruling = allowed
    if (connection.phase !== Phase.open) return
    core.opened.push(connection)
    askTurnEnd(core)
  })
}

/** Does the packet that was just handled wait for answers? If not, those that came are used up. */
export function stillWaits(connection: Connection): boolean {
  if (connection.phase === Phase.open && isWaiting(connection)) return true
  connection.waits = null
  return false
}

export function isWaiting({ waits }: Connection): boolean {
  return waits !== null && waits.ruling === null
}

/** Counts messages that somebody does not get, and tells the log once. */
import type { Core, Session } from './model.ts'
import type { DropReason } from '../../ports/stats.ts'
import { logDropping } from './words.ts'

/** The receiver is behind; mosquitto says so once a connection. */
const behind = new Set<DropReason>(['queueFull', 'slowClient'])

/** Counts a message that `session` does not get; null: nobody gets it. */
export function dropped(core: Core, session: Session | null, reason: DropReason): void {
  core.stats.publishDropped++
  core.stats.drops[reason]++
  if (session === null) return
  session.dropped++
  session.lastDrop = reason
  session.lastDropMs = core.ports.clock.wallMs()
  if (session.dropNoted || !behind.has(reason)) return
  session.dropNoted = true
  logDropping(core, session)
}

/** Counts messages that somebody does not get, and tells the log once. */
import type { Core } from './core.ts'
import type { Session } from './model.ts'
import type { DropReason } from '../../ports/stats.ts'
import { logDropping } from './words.ts'

/** The receiver is behind; mosquitto says so once a connection. */
const behind = new Set<DropReason>(['queueFull', 'slowClient'])

/** Counts a message that `session` does not get; null: nobody gets it. */
export function dropped(core: Core, session: Session | null, reason: DropReason): void {
  core.stats.publishDropped++
  core.stats.drops[reason]++
  if (session === null) return
  const drops = (session.drops ??= { count: 0, isNoted: false, reason, lastMs: 0 })
  drops.count++
  drops.reason = reason
  drops.lastMs = core.ports.clock.wallMs()
  if (drops.isNoted || !behind.has(reason)) return
  drops.isNoted = true
  logDropping(core, session)
}

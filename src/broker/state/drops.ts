import type { Core, Session } from './model.ts'
import type { DropReason } from '../../ports/stats.ts'

/** Counts a message that `session` does not get; null: nobody gets it. */
export function dropped(core: Core, session: Session | null, reason: DropReason): void {
  core.stats.publishDropped++
  core.stats.drops[reason]++
  if (session !== null) session.dropped++
}

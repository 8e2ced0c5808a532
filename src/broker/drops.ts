import type { Core } from './model.ts'

/** Counts a message that one receiver does not get. */
export function dropped(core: Core): void {
  core.stats.publishDropped++
}

/** Sends many frames and stays a bounded way ahead of the answers. */
import { append, flush, until } from './link.ts'
import type { Link, Load } from './model.ts'

/** Most frames sent without an answer. */
const UNANSWERED_MAX = 500
const FRAMES_PER_WRITE = 64

/**
 * Sends `count` frames over one link, at most {@link UNANSWERED_MAX} beyond what `answered`
 * reports, and resolves when all are answered.
 * @throws when a connection ends or `limitMs` passes
 */
export function streamOut(
  load: Load,
  link: Link,
  count: number,
  frameAt: (index: number) => Uint8Array,
  answered: () => number,
  limitMs: number,
): Promise<void> {
  let sent = 0
  const pump = (): boolean => {
    while (sent < count && !link.writing && sent - answered() <= UNANSWERED_MAX) {
      const end = Math.min(count, sent + FRAMES_PER_WRITE)
      while (sent < end) append(link, frameAt(sent++))
      flush(link)
    }
    return answered() >= count
  }
  return until(load, pump, limitMs, `sending ${count} messages`)
}

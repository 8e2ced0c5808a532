/** The time, for what says how long ago or until when. */
import { useEffect, useState } from 'react'

/**
 * Wall clock of this rendering, ms: right at the first one too, however long the component was there before.
 *
 * @param everyMs When it is rendered again; null: there is no need.
 */
export function useNow(everyMs: number | null): number {
  const [, tick] = useState(0)
  useEffect(() => {
    if (everyMs === null) return
    const timer = setInterval(() => tick((count) => count + 1), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return Date.now()
}

/** Answers of the API as state. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { useStore } from '../ui/store.ts'
import { ApiError } from './api.ts'
import { parts, reach } from './reach.ts'

export interface Loaded<T> {
  readonly value: T | null
  readonly problem: string | null
  readonly reload: () => void
}

/** Lets the banner over a broker that is gone know whether there is anything to see of this part; null: it is none. */
export function useShown(isLoaded: boolean | null): void {
  useEffect(() => {
    if (isLoaded === null) return
    const count = (by: number) => {
      const { loaded, unloaded } = parts.get()
      parts.set(isLoaded ? { loaded: loaded + by } : { unloaded: unloaded + by })
    }
    count(1)
    return () => count(-1)
  }, [isLoaded])
}

/**
 * What `load` answers; asked anew when `key` changes, on `reload`, when the broker is back, and every `everyMs` (0: not by itself). The last value
 * stays while the next one is on its way.
 *
 * @param isPart It is something of the page to be seen.
 */
export function useLoaded<T>(
  key: string,
  load: () => Promise<T>,
  everyMs = 0,
  isPart = true,
): Loaded<T> {
  const [value, setValue] = useState<T | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const [turn, setTurn] = useState(0)
  const latest = useRef(load)
  latest.current = load
  const returns = useStore(reach, (state) => state.returns)
  useShown(isPart ? value !== null : null)
  useEffect(() => {
    let isStale = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async () => {
      try {
        const answer = await latest.current()
        if (isStale) return
        setValue(answer)
        setProblem(null)
      } catch (error) {
        // That nobody answers is said once, above all of it.
        const isSilence = error instanceof ApiError && error.status === 0
        if (!isStale && !isSilence)
          setProblem(error instanceof Error ? error.message : String(error))
      }
      if (!isStale && everyMs > 0) timer = setTimeout(() => void ask(), everyMs)
    }
    void ask()
    return () => {
      isStale = true
      clearTimeout(timer)
    }
  }, [key, turn, everyMs, returns])
  const reload = useCallback(() => setTurn((before) => before + 1), [])
  return { value, problem, reload }
}

/** A value that rests for a moment before it counts: what is typed into a search box. */
export function useSettled<T>(value: T, delayMs = 250): T {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), delayMs)
    return () => clearTimeout(timer)
  }, [value, delayMs])
  return settled
}

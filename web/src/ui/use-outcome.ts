/** What became of something that was asked for, for as long as it is about what stands in the form. */
import { useRef, useState } from 'react'

export interface Outcome<A> {
  readonly value: A | null
  /** Why there is none. */
  readonly problem: string | null
}

const NONE: Outcome<never> = { value: null, problem: null }

/**
 * `run` asks the question as it stands. The answer is there until the question is another one, and again when it is the
 * same again; of two that are under way only the later one counts.
 */
export function useOutcome<A>(
  question: unknown,
  ask: () => Promise<A>,
): Outcome<A> & { readonly run: () => Promise<void> } {
  const about = JSON.stringify(question)
  const [held, setHeld] = useState<Outcome<A> & { about: string }>({ ...NONE, about })
  const runs = useRef(0)
  const run = async () => {
    const own = ++runs.current
    const settle = (outcome: Outcome<A>) => {
      if (own === runs.current) setHeld({ ...outcome, about })
    }
    try {
      settle({ value: await ask(), problem: null })
    } catch (error) {
      settle({ value: null, problem: error instanceof Error ? error.message : String(error) })
    }
  }
  const { value, problem } = held.about === about ? held : NONE
  return { value, problem, run }
}

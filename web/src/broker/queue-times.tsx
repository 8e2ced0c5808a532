/** Since when a message waits for its client, and when it will be dropped; by the broker's clock. */
import { useDuration } from '../ui/text.ts'
import { brokerNowMs } from './reach.ts'
import { useBrokerText } from './text.ts'

interface Times {
  /** Null: not known. */
  readonly madeAtMs: number | null
  /** Null: never. */
  readonly expiresAtMs: number | null
}

export function QueueTimes({ madeAtMs, expiresAtMs }: Times) {
  const b = useBrokerText()
  const duration = useDuration()
  const nowMs = brokerNowMs()
  return (
    <>
      {madeAtMs !== null && <>, {b.waitsFor(duration(Math.max(0, nowMs - madeAtMs)))}</>}
      {expiresAtMs !== null && <>, {b.expiresIn(duration(expiresAtMs - nowMs))}</>}
    </>
  )
}

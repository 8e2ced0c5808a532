/** What is told of a message that waits for its client: since when, and when it will be dropped, by the broker's clock. */
import { bytesText } from '../ui/format.ts'
import { useDuration, useText } from '../ui/text.ts'
import { brokerNowMs } from './reach.ts'
import { useBrokerText } from './text.ts'

interface Queued {
  readonly qos: number
  readonly payloadBytes: number
  /** Null: not known. */
  readonly madeAtMs: number | null
  /** Null: never. */
  readonly expiresAtMs: number | null
}

export function QueuedFacts({ qos, payloadBytes, madeAtMs, expiresAtMs }: Queued) {
  const t = useText()
  const b = useBrokerText()
  const duration = useDuration()
  const nowMs = brokerNowMs()
  return t.phrases([
    `QoS ${qos}`,
    bytesText(payloadBytes),
    ...(madeAtMs === null ? [] : [b.waitsFor(duration(Math.max(0, nowMs - madeAtMs)))]),
    ...(expiresAtMs === null ? [] : [b.expiresIn(duration(expiresAtMs - nowMs))]),
  ])
}

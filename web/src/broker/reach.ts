/** Whether the broker that manages itself here still answers, and what its clock says. */
import { createStore } from '../ui/store.ts'

interface Reach {
  /** When it answered last: milliseconds since 1970, by this computer; 0: never. */
  readonly heardAtMs: number
  /** Since when it does not answer; null: it does. */
  readonly goneSinceMs: number | null
  /** When it came back; null: it was not gone, or that is long ago. */
  readonly backAtMs: number | null
  /** How often it came back. */
  readonly returns: number
  /** Its clock minus ours. */
  readonly aheadMs: number
}

export const reach = createStore<Reach>({
  heardAtMs: 0,
  goneSinceMs: null,
  backAtMs: null,
  returns: 0,
  aheadMs: 0,
})

/** Of the parts on the screen that show what the broker answered: how many have an answer, and how many still wait for one. */
export const parts = createStore({ loaded: 0, unloaded: 0 })

const BACK_SEEN_MS = 6000
/** Clocks of one machine differ by the time of the answer, and `Date` has whole seconds. */
const NO_SKEW_MS = 2000

/** @param date The header `Date`; null: not sent. */
export function noteAnswer(date: string | null): void {
  const nowMs = Date.now()
  const { goneSinceMs, backAtMs, returns } = reach.get()
  const aheadMs = date === null ? 0 : Date.parse(date) + 500 - nowMs
  const cameBack = goneSinceMs !== null
  reach.set({
    heardAtMs: nowMs,
    goneSinceMs: null,
    returns: cameBack ? returns + 1 : returns,
    backAtMs: cameBack
      ? nowMs
      : backAtMs !== null && nowMs - backAtMs < BACK_SEEN_MS
        ? backAtMs
        : null,
    aheadMs: Math.abs(aheadMs) > NO_SKEW_MS ? aheadMs : 0,
  })
  if (cameBack) setTimeout(() => reach.set({ backAtMs: null }), BACK_SEEN_MS)
}

export function noteSilence(): void {
  if (reach.get().goneSinceMs === null) reach.set({ goneSinceMs: Date.now(), backAtMs: null })
}

/** Now, by the broker's clock: what its times are compared with. */
export function brokerNowMs(): number {
  return Date.now() + reach.get().aheadMs
}

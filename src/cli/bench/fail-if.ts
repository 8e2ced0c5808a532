/** `--fail-if 'p99>20ms'`: a bound that makes a run a failure, for scripts. */

/** Figures that a bound may name; times in µs. */
export type Figures = Readonly<Record<string, number>>

export interface Bound {
  readonly text: string
  readonly figure: string
  readonly holds: (value: number) => boolean
}

const UNITS: Readonly<Record<string, number>> = { us: 1, µs: 1, ms: 1000, s: 1_000_000, '': 1 }

const COMPARISONS: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
}

export const BOUND_NAMES = [
  'p50',
  'p90',
  'p99',
  'p99.9',
  'max',
  'rate',
  'sent-rate',
  'lost',
  'errors',
] as const

/** Times are in µs unless a unit follows. null: that is no bound. */
export function parseBound(text: string): Bound | null {
  const match = /^\s*([a-z0-9.-]+?)\s*(>=|<=|>|<)\s*([0-9.]+)\s*([a-zµ]*)\s*$/.exec(text)
  if (match === null) return null
  const [, figure, comparison, number, unit] = match
  const scale = UNITS[unit]
  const limit = Number(number) * scale
  const isKnown = (BOUND_NAMES as readonly string[]).includes(figure)
  if (!isKnown || scale === undefined || Number.isNaN(limit)) return null
  return { text: text.trim(), figure, holds: (value) => COMPARISONS[comparison](value, limit) }
}

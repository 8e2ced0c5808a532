/** Bounds that a program gives the broker: what is no number would be no bound, or no packet could carry it. */
import { DEFAULT_LIMITS, type Limits } from '../ports/limits.ts'

/** The numbers that have more bounds than 0 and infinity: what clients are told of, and what must not be nothing. */
const RANGES: Partial<Record<keyof Limits, readonly [min: number, max: number]>> = {
  packetBytesMax: [1, 0xffff_ffff],
  inflightMax: [0, 0xffff],
  windowMax: [1, Infinity],
  keepAliveSecondsMax: [0, 0xffff],
  workPerTurn: [1, Infinity],
  receiversAtOnce: [1, Infinity],
  questionsMax: [1, Infinity],
}

/** What is wrong with a value, in words, or null. */
export function limitProblem(limits: Partial<Limits> | undefined): string | null {
  for (const [key, value] of Object.entries(limits ?? {})) {
    if (value === undefined) continue
    const name = key as keyof Limits
    const usual = DEFAULT_LIMITS[name]
    if (typeof value !== typeof usual || Array.isArray(value) !== Array.isArray(usual))
      return `limits.${name} is no ${Array.isArray(usual) ? 'list' : typeof usual}`
    if (typeof value !== 'number') continue
    const [min, max] = RANGES[name] ?? [0, Infinity]
    const isWhole = Number.isInteger(value) || value === Infinity
    if (!isWhole || value < min || value > max)
      return `limits.${name} is ${value}, it must be a whole number from ${min} to ${max}`
  }
  return null
}

/** All bounds: the defaults where a program says nothing, or undefined. */
export function limitsOf(limits: Partial<Limits> | undefined): Limits {
  const said = Object.entries(limits ?? {}).filter(([, value]) => value !== undefined)
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(said) }
}

/** Values inside JSON payloads by a path such as `$.sensors[0].temperature` or `$["a b"]`. */

import { sourceAt } from './json-source.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

/** The steps of a path; null: it is not one. `$` alone is the whole value. */
export function parsePath(path: string): (string | number)[] | null {
  const text = path.trim()
  if (!text.startsWith('$')) return null
  const steps: (string | number)[] = []
  const step = /\.([^.[\]]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]/y
  step.lastIndex = 1
  while (step.lastIndex < text.length) {
    const found = step.exec(text)
    if (found === null) return null
    const [, name, index, quoted] = found
    if (index !== undefined) steps.push(Number(index))
    else steps.push(name ?? JSON.parse(`"${quoted ?? ''}"`))
  }
  return steps
}

/** The path with one more step. */
export function pathStep(path: string, step: string | number): string {
  if (typeof step === 'number') return `${path}[${step}]`
  return /^[^.[\]"\s=<>!]+$/.test(step) ? `${path}.${step}` : `${path}[${JSON.stringify(step)}]`
}

const parsed = new Map<string, (string | number)[] | null>()

function stepsOf(path: string): (string | number)[] | null {
  let steps = parsed.get(path)
  if (steps === undefined) {
    steps = parsePath(path)
    if (parsed.size > 100) parsed.clear()
    parsed.set(path, steps)
  }
  return steps
}

function jsonOf(payload: Uint8Array): { text: string; value: unknown } | null {
  try {
    const text = decoder.decode(payload)
    return { text, value: JSON.parse(text) }
  } catch {
    return null
  }
}

function valueIn(whole: unknown, steps: readonly (string | number)[]): unknown {
  let value = whole
  for (const step of steps) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string | number, unknown>)[step]
  }
  return value
}

/** A whole number at `path`, with all its digits; null: there is none. */
export function integerAt(payload: Uint8Array, path: string): bigint | null {
  const steps = stepsOf(path)
  const json = steps === null ? null : jsonOf(payload)
  if (steps === null || json === null || typeof valueIn(json.value, steps) !== 'number') return null
  const source = sourceAt(json.text, steps)
  return source !== null && /^-?\d+$/.test(source) ? BigInt(source) : null
}

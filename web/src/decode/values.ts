/** The value of a payload, whatever it is written in, and the values within it by a path. */
import type { Format } from '../model/message.ts'
import type { Schema } from '../model/settings.ts'
import { asText } from './bytes.ts'
import { parsePath, pathStep } from './json-path.ts'
import { sourceAt } from './json-source.ts'
import { detect } from './preview.ts'
import { decodeNow, isStructured } from './structured.ts'

/** What is known of a payload besides its bytes. */
export interface Reading {
  readonly topic: string
  readonly format: Format
  readonly schema: Schema | null
}

export interface ReadValue {
  readonly value: unknown
  /** Its text, where it is JSON: the digits of numbers are in it. */
  readonly json: string | null
}

/** Null: it has no structure, or its decoder is still on the way. */
export function readValue(
  payload: Uint8Array,
  { topic, format, schema }: Reading,
): ReadValue | null {
  const kind = format === 'auto' ? detect(payload, { topic, contentType: '' }) : format
  if (isStructured(kind)) {
    const value = decodeNow(kind, payload, schema)
    return value === undefined ? null : { value, json: null }
  }
  if (kind !== 'json' && kind !== 'text') return null
  const json = asText(payload)
  if (json === null) return null
  try {
    return { value: JSON.parse(json) as unknown, json }
  } catch {
    return null
  }
}

function memberOf(value: unknown, step: string | number): unknown {
  if (value instanceof Map) return (value as Map<unknown, unknown>).get(step)
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
  return (value as Record<string | number, unknown>)[step]
}

/** Undefined: nothing is there. */
export function valueWithin({ value }: ReadValue, steps: readonly (string | number)[]): unknown {
  return steps.reduce(memberOf, value)
}

/** The number there; booleans count as 0 and 1, texts as what they say. */
export function asNumber(value: unknown): number | null {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'string')
    return null
  if (typeof value === 'string' && value.trim() === '') return null
  const number = Number(value)
  return Number.isFinite(number) ? number : null
}

/** As it was written: numbers keep their digits. Empty: nothing is there. */
export function textWithin(read: ReadValue, steps: readonly (string | number)[]): string {
  const value = valueWithin(read, steps)
  if (value === undefined) return ''
  if (typeof value === 'string') return value
  if (read.json !== null) return sourceAt(read.json, steps) ?? ''
  if (typeof value === 'object' && value !== null) return '{…}'
  return `${value as number | bigint | boolean | null}`
}

const LEVELS_MAX = 4
const PATHS_MAX = 200

/** Paths of the plain values within, `$` for a plain one. */
export function pathsWithin(value: unknown, path = '$', depth = 0): string[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [path]
  if (depth >= LEVELS_MAX || Array.isArray(value)) return []
  const entries =
    value instanceof Map ? [...(value as Map<unknown, unknown>)] : Object.entries(value)
  return entries
    .flatMap(([name, held]) => pathsWithin(held, pathStep(path, String(name)), depth + 1))
    .slice(0, PATHS_MAX)
}

/** `$.battery`, or `battery` for short. Null: it is no path. */
export function stepsOf(path: string): (string | number)[] | null {
  return parsePath(path.startsWith('$') ? path : `$.${path}`)
}

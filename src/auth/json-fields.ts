/** Fields of JSON objects, read as mosquitto's JSON library does: names in any case, and types checked. */

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** undefined: there is no such field. */
export function fieldOf(object: JsonObject, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name]
  const wanted = name.toLowerCase()
  const key = Object.keys(object).find((candidate) => candidate.toLowerCase() === wanted)
  return key === undefined ? undefined : object[key]
}

export function textOf(object: JsonObject, name: string): string | null {
  const value = fieldOf(object, name)
  return typeof value === 'string' ? value : null
}

export function numberOf(object: JsonObject, name: string, otherwise: number): number {
  const value = fieldOf(object, name)
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise
}

export function flagOf(object: JsonObject, name: string, otherwise: boolean): boolean {
  const value = fieldOf(object, name)
  return typeof value === 'boolean' ? value : otherwise
}

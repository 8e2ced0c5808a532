/**
 * JSON Schema with the TypeScript type of what it describes: one text for validation, for OpenAPI 3.1 and
 * for the compiler.
 */
declare const described: unique symbol

/** A JSON Schema of values of type `T`. */
export interface Schema<T> {
  readonly [keyword: string]: unknown
  readonly [described]?: T
}

/** The type that a schema describes. */
export type Static<S> = S extends Schema<infer T> ? T : never

type Properties = Readonly<Record<string, Schema<unknown>>>
type Flat<T> = { [Key in keyof T]: T[Key] }
type ObjectOf<P extends Properties, O extends keyof P> = Flat<
  { [Key in Exclude<keyof P, O>]: Static<P[Key]> } & { [Key in O]?: Static<P[Key]> }
>

interface StringRules {
  minLength?: number
  maxLength?: number
  pattern?: string
  format?: string
}

interface NumberRules {
  minimum?: number
  maximum?: number
  default?: number
  enum?: readonly number[]
}

export function text(description: string, rules: StringRules = {}): Schema<string> {
  return { type: 'string', description, ...rules }
}

export function integer(description: string, rules: NumberRules = {}): Schema<number> {
  return { type: 'integer', description, ...rules }
}

export function number(description: string): Schema<number> {
  return { type: 'number', description }
}

export function flag(description: string): Schema<boolean> {
  return { type: 'boolean', description }
}

export function oneOf<const T extends string>(
  description: string,
  values: readonly T[],
): Schema<T> {
  return { type: 'string', enum: values, description }
}

/** The value, or null. */
export function nullable<T>(schema: Schema<T>): Schema<T | null> {
  const { enum: values } = schema
  const names = Array.isArray(values) ? { enum: [...(values as unknown[]), null] } : {}
  return { ...schema, type: [schema.type, 'null'], ...names }
}

export function list<T>(items: Schema<T>, description: string, maxItems?: number): Schema<T[]> {
  return { type: 'array', items, description, ...(maxItems === undefined ? {} : { maxItems }) }
}

/** An object with these properties and no others; `optional` names those that may be missing. */
export function object<P extends Properties, O extends keyof P = never>(
  properties: P,
  optional: readonly O[] = [],
  description?: string,
): Schema<ObjectOf<P, O>> {
  const names = Object.keys(properties).filter((name) => !optional.includes(name as O))
  return {
    type: 'object',
    properties,
    additionalProperties: false,
    ...(names.length === 0 ? {} : { required: names }),
    ...(description === undefined ? {} : { description }),
  }
}

/** An object of any names. */
export function record<T>(values: Schema<T>, description: string): Schema<Record<string, T>> {
  return { type: 'object', additionalProperties: values, description }
}

/** Two that change the same thing: what each has changed of it stays. */

export interface Merged<T> {
  readonly value: T
  /** Fields that both changed, to different values: `name`, `will.topic`. */
  readonly clashes: readonly string[]
}

const isSame = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one) === JSON.stringify(other)

const isRecord = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * `theirs` with what `mine` has changed of `before`. Records within are merged as well; a list is one value.
 * Where both changed a field, mine counts.
 */
export function merge<T extends object>(before: T, mine: T, theirs: T): Merged<T> {
  const value = { ...theirs }
  const clashes: string[] = []
  for (const name of Object.keys(mine) as (keyof T & string)[]) {
    const [was, my, their] = [before[name], mine[name], theirs[name]]
    if (isSame(my, was) || isSame(my, their)) continue
    if (isRecord(was) && isRecord(my) && isRecord(their)) {
      const inner = merge<object>(was, my, their)
      value[name] = inner.value as T[keyof T & string]
      clashes.push(...inner.clashes.map((field) => `${name}.${field}`))
    } else {
      value[name] = my
      if (!isSame(was, their)) clashes.push(name)
    }
  }
  return { value, clashes }
}

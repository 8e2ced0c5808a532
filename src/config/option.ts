/** What a row of the option table says. */
import type { ValueType } from './value-types.ts'

/**
 * What this release does with an option:
 *
 * - `now`: it works.
 * - `later`: read and checked, not acted upon yet; one warning when it asks for something.
 * - `refuse`: as `later`, but ignoring it would leave the broker more open than its owner wrote, so
 *   the broker does not start.
 * - `never`: read for the sake of old files; one warning.
 */
export type OptionEffect = 'now' | 'later' | 'refuse' | 'never'

export type OptionScope = 'global' | 'listener' | 'bridge' | 'plugin'

/**
 * What a listener option does before the first `listener` line: it edits the default listener (port
 * 1883), or it is an error.
 */
export type BeforeListener = 'default-listener' | 'error'

/** What is true of every name that a line may start with. */
export interface OptionInfo {
  /** The name in the file. */
  readonly name: string
  readonly aliases: readonly string[]
  readonly summary: string
  readonly effect: OptionEffect
  /** Whether SIGHUP applies a changed value. */
  readonly reload: boolean
  readonly deprecated: boolean
  /** mosquitto does not know it. */
  readonly own: boolean
  /** Where it does other than mosquitto's, in a sentence; null: it does the same. */
  readonly differs: string | null
}

/** An option that holds one value of type `V`; a table of them gives a section of {@link Values}. */
export interface OptionRow<V> extends OptionInfo {
  readonly type: ValueType<V>
  readonly default: V
  readonly repeat: 'error' | 'last'
  readonly beforeListener: BeforeListener
  /** Its value is nobody's business: it never stands in a log, and `NAME_file PATH` gives it as well. */
  readonly secret: boolean
  /** What to say, once, of a value other than the default; null: what the effect calls for. */
  warning(value: V): string | null
}

export type OptionTable = Readonly<Record<string, OptionRow<unknown>>>

/** The typed values of a table's options, by the table's keys. */
export type Values<Table> = {
  readonly [Key in keyof Table]: Table[Key] extends OptionRow<infer V> ? V : never
}

interface OptionTraits<T, Default> {
  type: ValueType<T>
  default: Default
  aliases?: string[]
  /** Absent: `now`. */
  effect?: OptionEffect
  /** Absent: true. */
  reload?: boolean
  deprecated?: boolean
  own?: boolean
  differs?: string
  secret?: boolean
  /** Absent: `error` for plain strings, `last` for everything else. */
  repeat?: 'error' | 'last'
  /** Listener options only. Absent: `error`. */
  beforeListener?: BeforeListener
  warning?: string | ((value: T) => string | null)
}

/** A row of an option table. */
export function option<T, Default>(
  name: string,
  summary: string,
  traits: OptionTraits<T, Default>,
): OptionRow<T | Default> {
  const { warning = null } = traits
  return {
    name,
    summary,
    aliases: traits.aliases ?? [],
    type: traits.type,
    default: traits.default,
    effect: traits.effect ?? 'now',
    reload: traits.reload ?? true,
    deprecated: traits.deprecated ?? false,
    own: traits.own ?? false,
    differs: traits.differs ?? null,
    secret: traits.secret ?? false,
    repeat: traits.repeat ?? (traits.type.onceOnly ? 'error' : 'last'),
    beforeListener: traits.beforeListener ?? 'error',
    warning: (value) => (typeof warning === 'function' ? warning(value as T) : warning),
  }
}

/** The values of one section while its lines are being read, and which were written at all. */
export type SectionValues = Map<string, unknown>

/** The section with defaults for what was not written. */
export function resolveValues<Table extends OptionTable>(
  table: Table,
  written: SectionValues,
): Values<Table> {
  const entries = Object.entries(table).map(([key, row]) => [
    key,
    written.has(key) ? written.get(key) : row.default,
  ])
  return Object.fromEntries(entries) as Values<Table>
}

/** Deep equality of option values: primitives, and plain objects and arrays of them. */
export function sameValue(left: unknown, right: unknown): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right)
}

/** The names in an object of options: what nothing is called would be passed over in silence. */
import { nearestName } from './nearest-name.ts'

export type OptionNames = ReadonlySet<string>

/** What options are called in other libraries. */
export interface OtherNames {
  /** Their name, and ours. */
  readonly ours: Readonly<Record<string, string>>
  /** Their name, and how it is done where no option does it. */
  readonly advice: Readonly<Record<string, string>>
}

/** The names of `Options`, all of them: the compiler sees to that. */
export function namesOf<Options>(names: Readonly<Record<keyof Options, true>>): OptionNames {
  return new Set(Object.keys(names))
}

/**
 * What is wrong with a name in `options`, or null. Only what was written as options is looked at: an object of a class has
 * fields of its own.
 *
 * @param place What the names are of, such as `tls`; empty: the whole.
 * @param elsewhere What those who come from other libraries look for.
 */
export function optionProblem(
  place: string,
  options: object | undefined,
  names: OptionNames,
  elsewhere: OtherNames = { ours: {}, advice: {} },
): string | null {
  if (typeof options !== 'object' || options === null || !isPlain(options)) return null
  for (const name in options) {
    if (names.has(name) || (options as Record<string, unknown>)[name] === undefined) continue
    // What some script hung on every object.
    if (!Object.hasOwn(options, name)) continue
    const path = place === '' ? '' : `${place}.`
    return `there is no option ${path}${name}${hintOf(path, name, names, elsewhere)}`
  }
  return null
}

function hintOf(path: string, name: string, names: OptionNames, other: OtherNames): string {
  if (Object.hasOwn(other.advice, name)) return `: ${other.advice[name]}`
  const ours = Object.hasOwn(other.ours, name) ? other.ours[name] : null
  const meant = ours !== null && names.has(ours.split('.')[0]) ? ours : nearOf(name, names)
  return meant === null ? '' : `; did you mean ${path}${meant}?`
}

function isPlain(options: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(options)
  return prototype === Object.prototype || prototype === null
}

/**
 * What `options` says under `names`, wherever it keeps that: an object of a class has it as a getter or a method too. What is
 * undefined, or null, is absent.
 */
export function optionsOf<Options extends object>(options: Options, names: OptionNames): Options {
  const isOwner = !isPlain(options)
  const found: Record<string, unknown> = {}
  for (const name of names) {
    const value: unknown = (options as Record<string, unknown>)[name]
    if (value === undefined || value === null) continue
    found[name] = isOwner && typeof value === 'function' ? value.bind(options) : value
  }
  return found as Options
}

const LETTERS_MIN = 3

/** The only one that begins so, or that the word begins with, is nearer than a slip of the finger. */
function nearOf(word: string, names: OptionNames): string | null {
  const lower = word.toLowerCase()
  const alike = [...names].filter((name) => {
    if (Math.min(name.length, word.length) < LETTERS_MIN) return false
    return name.toLowerCase().startsWith(lower) || lower.startsWith(name.toLowerCase())
  })
  if (alike.length === 1) return alike[0]
  const spelled = new Map([...names].map((name) => [name.toLowerCase(), name]))
  const nearest = nearestName(word, spelled.keys())
  return nearest === null ? null : (spelled.get(nearest) ?? null)
}

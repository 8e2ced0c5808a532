/**
 * Placeholders in topic and payload: `{{seq}}` counts from 1, `{{ts}}` milliseconds since 1970, `{{iso}}` the time
 * in words, `{{rand}}` 0 to 1, `{{rand 10 30}}` a whole number of the range, `{{uuid}}`, `{{pick a b c}}` one of them;
 * with a CSV, `{{column}}` the row's value. What is none of these stays as it is.
 */

export interface TemplateContext {
  readonly seq: number
  readonly nowMs: number
  /** 0 up to, but not including, 1. */
  readonly random: () => number
  readonly columns: ReadonlyMap<string, string> | null
  /** What becomes of a column's value where it stands within JSON text; absent: nothing. */
  readonly escape?: (value: string) => string
}

type Placeholder = (context: TemplateContext, words: readonly string[]) => string

const PLACEHOLDERS: Record<string, Placeholder> = {
  seq: ({ seq }) => String(seq),
  ts: ({ nowMs }) => String(Math.floor(nowMs)),
  iso: ({ nowMs }) => new Date(nowMs).toISOString(),
  rand: ({ random }, [from, to]) => {
    if (from === undefined || to === undefined) return random().toFixed(6)
    const [low, high] = [Math.ceil(Number(from)), Math.floor(Number(to))]
    return String(low + Math.floor(random() * (high - low + 1)))
  },
  uuid: ({ random }) =>
    'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replaceAll('x', () =>
      Math.floor(random() * 16).toString(16),
    ),
  pick: ({ random }, words) => words[Math.floor(random() * words.length)] ?? '',
}

/** Names of the placeholders, for the help beside the field. */
export const PLACEHOLDER_NAMES = Object.keys(PLACEHOLDERS)

export function hasPlaceholder(text: string): boolean {
  return text.includes('{{')
}

export function expand(text: string, context: TemplateContext): string {
  return text.replaceAll(/\{\{([^{}]+)\}\}/g, (whole, within: string) => {
    const inner = within.trim()
    const column = context.columns?.get(inner)
    if (column !== undefined) return context.escape?.(column) ?? column
    const [name = '', ...words] = inner.split(/\s+/)
    return Object.hasOwn(PLACEHOLDERS, name)
      ? (PLACEHOLDERS[name]?.(context, words) ?? whole)
      : whole
  })
}

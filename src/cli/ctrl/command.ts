/** What a row of the tables of `mozzie ctrl` is. */

/** The words of a command do not fit it. */
export class CtrlUsageError extends Error {
  override name = 'CtrlUsageError'
}

export interface CtrlCommand {
  readonly name: string
  /** Operands, for the help. */
  readonly usage: string
  readonly summary: string
  /**
   * The command as JSON.
   *
   * @param askPassword Asks whoever sits there.
   * @throws CtrlUsageError
   */
  build(
    words: readonly string[],
    askPassword: () => Promise<string>,
  ): Record<string, unknown> | Promise<Record<string, unknown>>
  /** Lines to print of what was answered. */
  print(data: Record<string, unknown>): string[]
}

export interface CtrlModule {
  readonly name: string
  readonly title: string
  readonly topic: string
  readonly commands: readonly CtrlCommand[]
}

export function nothing(): string[] {
  return []
}

/** The words as the operands `keys`; those with `?` need not be there. @throws CtrlUsageError */
export function operands(
  words: readonly string[],
  ...keys: readonly string[]
): Record<string, string> {
  const needed = keys.filter((key) => !key.endsWith('?')).length
  if (words.length < needed || words.length > keys.length)
    throw new CtrlUsageError(
      words.length < needed
        ? `${keys[words.length].toUpperCase()} is missing`
        : `"${words[keys.length]}" is too much`,
    )
  return Object.fromEntries(words.map((word, at) => [keys[at].replace('?', ''), word]))
}

/** @throws CtrlUsageError */
export function wholeNumber(word: string | undefined, name: string): number | undefined {
  if (word === undefined) return undefined
  if (!/^-?\d{1,9}$/.test(word))
    throw new CtrlUsageError(`${name} is a whole number, not "${word}"`)
  return Number(word)
}

/** Without the fields that are not there. */
export function present(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** A field of an answer as text. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '')
}

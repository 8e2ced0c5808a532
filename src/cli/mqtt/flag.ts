/** One row for each flag of pub, sub and rr. Parser, help text and shell completions read the same rows. */
import type { Settings, Tool } from './settings.ts'

/** A word of the command line. Its bytes count for payloads, which need not be text. */
export interface Operand {
  readonly text: string
  readonly bytes: Uint8Array
}

/** Sets what the flag asks for; returns the whole error line when an operand is wrong, or null. */
export type Apply = (
  settings: Settings,
  operand: Operand,
  more: readonly Operand[],
) => string | null

export interface Flag {
  readonly names: readonly string[]
  /** Name of the operand in the help text; null when the flag stands alone. */
  readonly operand: string | null
  /** What the error says is missing when nothing follows: `no port specified`. */
  readonly missing: string
  readonly tools: readonly Tool[]
  readonly group: FlagGroup
  readonly help: string
  /** Words that complete the operand in a shell. */
  readonly choices: readonly string[]
  /** Only `-D` takes more than one word: how many, from the words behind it. */
  readonly operandCount: (rest: readonly string[]) => number
  readonly apply: Apply
}

export type FlagGroup = 'message' | 'output' | 'session' | 'network' | 'tls' | 'other'

export const ALL_TOOLS: readonly Tool[] = ['pub', 'sub', 'rr']

export interface FlagOptions {
  tools?: readonly Tool[]
  choices?: readonly string[]
  operandCount?: (rest: readonly string[]) => number
}

function makeFlag(
  group: FlagGroup,
  names: string,
  operand: readonly [name: string, missing: string] | null,
  help: string,
  apply: Apply,
  options: FlagOptions,
): Flag {
  return {
    names: names.split(' '),
    operand: operand?.[0] ?? null,
    missing: operand?.[1] ?? '',
    tools: options.tools ?? ALL_TOOLS,
    group,
    help,
    choices: options.choices ?? [],
    operandCount: options.operandCount ?? (() => (operand === null ? 0 : 1)),
    apply,
  }
}

/** Makes rows of one group: `names` are apart by a blank, `operand` is its name and what an error calls it. */
export function flagsOf(group: FlagGroup) {
  return (
    names: string,
    operand: readonly [name: string, missing: string] | null,
    help: string,
    apply: (settings: Settings, operand: Operand, more: readonly Operand[]) => string | null | void,
    options: FlagOptions = {},
  ): Flag =>
    makeFlag(
      group,
      names,
      operand,
      help,
      (settings, word, more) => apply(settings, word, more) ?? null,
      options,
    )
}

/** A whole number in decimal within min..max, or null. Blanks around it are nothing: a line of a file may end with some. */
export function wholeNumber(text: string, min: number, max: number): number | null {
  if (!/^\s*[+-]?[0-9]{1,15}\s*$/.test(text)) return null
  const value = Number(text)
  return value >= min && value <= max ? value : null
}

/** Not valid UTF-8, or a character that no string of MQTT may hold: control, surrogate, noncharacter. */
export function isMalformed({ text, bytes }: Operand): boolean {
  if (/[\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffe\uffff]/.test(text)) return true
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if ((code & 0xfffe) === 0xfffe || (code >= 0xd800 && code <= 0xdfff)) return true
  }
  // What the command line could not decode shows as U+FFFD, which may also have been written so.
  return text.includes('\ufffd') && !Buffer.from(text).equals(bytes)
}

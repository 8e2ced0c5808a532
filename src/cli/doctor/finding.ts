/** What the doctor finds: facts first, words later, so that a program can read it and a person in their language. */
import type { WORDS_EN } from './words-en.ts'

/** In the order in which they are made: each rests on the ones before it. */
export const CHECKS = [
  'configuration',
  'listeners',
  'files',
  'certificates',
  'machine',
  'store',
  'connection',
  'client',
] as const
export type CheckName = (typeof CHECKS)[number]

/** `bad`: something does not work, or is open to others; `note`: worth knowing. */
export type FindingState = 'good' | 'note' | 'bad'

export type FindingKey = keyof typeof WORDS_EN
export type FindingValues = Readonly<Record<string, string | number>>

export interface Finding {
  readonly check: CheckName
  readonly state: FindingState
  readonly key: FindingKey
  readonly values: FindingValues
}

/** Where a check puts its findings. */
export type Tell = (state: FindingState, key: FindingKey, values?: FindingValues) => void

/** What is found, and what to do about it; empty: nothing. `{name}` stands for a value. */
export type Words = Readonly<Record<FindingKey, readonly [text: string, next: string]>>

/** A text with its values put in; what came from files and networks cannot reach the terminal. */
export function fill(template: string, values: FindingValues): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => visible(String(values[name] ?? '')))
}

const PLAIN_WORD = /^[\w@%+=:,./-]+$/

/** The same for a command that is pasted into a shell: a value is one word there, whoever chose it. */
export function fillCommand(template: string, values: FindingValues): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const text = visible(String(values[name] ?? ''))
    return PLAIN_WORD.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
  })
}

/** Controls, line ends and what turns the direction of writing as `\uNNNN`. */
function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** What strangers wrote, in tables: up to 64 KiB a name, however many entries a table may have. */
import { createHash } from 'node:crypto'

/** What is longer stands in no table as it is. */
export const KEPT_CHARACTERS_MAX = 256

/** `text`, or of a longer one its hash behind a NUL, with which no `text` begins. */
export function shortKey(text: string): string {
  if (text.length <= KEPT_CHARACTERS_MAX) return text
  return `\0${createHash('sha256').update(text).digest('base64')}`
}

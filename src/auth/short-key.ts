/** Keys of tables for what strangers wrote: up to 64 KiB a name, however many entries a table may have. */
import { createHash } from 'node:crypto'

const CHARACTERS_MAX = 256

/** `text`, or of a longer one its hash, which no text is that begins without a NUL. */
export function shortKey(text: string): string {
  if (text.length <= CHARACTERS_MAX) return text
  return `\0${createHash('sha256').update(text).digest('base64')}`
}

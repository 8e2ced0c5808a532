/**
 * A long text in parts that stay the same where the text does: a part ends behind a line that says so by its own bytes, so
 * a line more or less changes the part around it, and none behind.
 */
import { createHash } from 'node:crypto'

const LINE_END = 10
/** One line in so many ends a part. */
const LINES_PER_PART = 1024
const HASH_CHARACTERS = 22

export interface TextPart {
  /** The same for the same bytes. */
  readonly hash: string
  readonly data: Uint8Array
}

/** Cuts a text; no part is longer than `bytesMax`. */
export function cutText(text: string, bytesMax: number): TextPart[] {
  const bytes = Buffer.from(text)
  const parts: TextPart[] = []
  let from = 0
  for (let at = 0; at < bytes.length;) {
    const end = lineEnd(bytes, at)
    while (end - from > bytesMax) {
      // What was gathered first; a line alone that is longer is cut anywhere.
      const to = at > from ? at : from + bytesMax
      parts.push(partOf(bytes.subarray(from, to)))
      from = to
      at = Math.max(at, from)
    }
    if (endsPart(bytes, at, end)) {
      parts.push(partOf(bytes.subarray(from, end)))
      from = end
    }
    at = end
  }
  if (from < bytes.length) parts.push(partOf(bytes.subarray(from)))
  return parts
}

/** Behind the line that begins at `at`. */
function lineEnd(bytes: Buffer, at: number): number {
  const found = bytes.indexOf(LINE_END, at)
  return found < 0 ? bytes.length : found + 1
}

/** FNV-1a of the line. */
function endsPart(bytes: Buffer, from: number, end: number): boolean {
  let hash = 0x811c9dc5
  for (let at = from; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193)
  return (hash >>> 8) % LINES_PER_PART === 0
}

function partOf(data: Uint8Array): TextPart {
  const hash = createHash('sha256').update(data).digest('base64url').slice(0, HASH_CHARACTERS)
  return { hash, data }
}

/** How wide text is on a terminal: in columns, by what is one character to a reader. */

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** East Asian wide and full-width characters, and emoji. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u
/** Nothing but marks and formatting. */
const EMPTY = /^[\p{Mn}\p{Me}\p{Cf}]+$/u

function columnsOfOne(character: string): number {
  if (character.length === 1 && character < '\u0300') return 1
  if (WIDE.test(character) || character.includes('\ufe0f')) return 2
  return EMPTY.test(character) ? 0 : 1
}

export function columnsOf(text: string): number {
  let columns = 0
  for (const { segment } of segmenter.segment(text)) columns += columnsOfOne(segment)
  return columns
}

/** The first whole characters of `text` that fit in so many columns. */
export function firstColumns(text: string, columnsMax: number): string {
  let columns = 0
  for (const { segment, index } of segmenter.segment(text)) {
    columns += columnsOfOne(segment)
    if (columns > columnsMax) return text.slice(0, index)
  }
  return text
}

/** The first `count` characters, whole. */
export function firstCharacters(text: string, count: number): string {
  for (const { index } of segmenter.segment(text)) if (count-- === 0) return text.slice(0, index)
  return text
}

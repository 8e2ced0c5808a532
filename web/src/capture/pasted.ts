/** JSON as people paste it into the search, cut out anywhere: `"id": 1,`, `{"id":1`, a whole object. */

const NAME = String.raw`"(?:[^"\\]|\\.)+"`

/** A member of an object, and what follows of the word. */
export const PASTED = new RegExp(String.raw`^[[{]*${NAME}:.+$`)
/** A name and its colon, with the spaces that a list of indented JSON has there. */
export const PASTED_NAME = String.raw`${NAME}\s*:\s*(?=\S)`

const TOKENS = /"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s"{}[\],:]+/g

/** Whether all of it is one object or list. */
export function isWholeJson(text: string): boolean {
  if (!/^\s*(?:\{\s*"|\[\s*[{["\d-])/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

export function quoted(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

/** The source of an expression that finds it with whatever spaces; `"id":1` is not found in `"id": 17`. */
export function patternOf(text: string): string {
  const tokens = text.match(TOKENS) ?? []
  // Copied with the comma behind it, which the last member of an object does not have.
  if (tokens.at(-1) === ',') tokens.pop()
  const end = /^[^"].*\d$|^\d$/.test(tokens.at(-1) ?? '') ? String.raw`(?![\d.eE])` : ''
  return tokens.map(quoted).join(String.raw`\s*`) + end
}

/** Its longest part without spaces of its own to choose, to look for first. */
export function longestToken(text: string): string {
  return (text.match(TOKENS) ?? []).reduce((a, b) => (b.length > a.length ? b : a), '')
}

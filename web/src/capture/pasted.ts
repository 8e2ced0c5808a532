/** JSON as people paste it into the search, cut out anywhere: `"id": 1,`, `{"id":1`, a whole object. */

const NAME = String.raw`"(?:[^"\\]|\\.)+"`

/** A member of an object, and what follows of the word. */
export const PASTED = new RegExp(String.raw`^[[{]*${NAME}:.+$`)
/** A name and its colon, with the spaces that a list of indented JSON has there. */
export const PASTED_NAME = String.raw`${NAME}\s*:\s*(?=\S)`

const TOKENS = /"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s"{}[\],:]+/g

/** Whether all of it is one object or list, or one member that has such a value. */
export function isWholeJson(text: string): boolean {
  if (/^\s*(?:\{\s*"|\[\s*[{["\d-])/.test(text)) return parsed(text) !== undefined
  if (!/^\s*"/.test(text) || !/[\]}]\s*,?\s*$/.test(text)) return false
  const members = Object.values(parsed(`{${text.replace(/,\s*$/, '')}}`) ?? {})
  return members.length === 1 && typeof members[0] === 'object'
}

/** Undefined: it is no JSON. */
function parsed(text: string): object | undefined {
  try {
    return JSON.parse(text) as object
  } catch {
    return undefined
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

/** The text of a value within a JSON document: its digits and spaces as they were written. */

/** Where the value that begins at or after `at` ends. The document has to be JSON. */
function endOf(text: string, at: number): number {
  const open = text[at]
  if (open === '"') return endOfString(text, at)
  if (open !== '{' && open !== '[') {
    while (at < text.length && !/[\s,\]}]/.test(text[at] ?? '')) at++
    return at
  }
  let depth = 0
  for (; at < text.length; at++) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at) - 1
    else if (character === '{' || character === '[') depth++
    else if ((character === '}' || character === ']') && --depth === 0) return at + 1
  }
  return text.length
}

function endOfString(text: string, at: number): number {
  for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++
  return at + 1
}

function skipSpace(text: string, at: number): number {
  while (/\s/.test(text[at] ?? '')) at++
  return at
}

/** Where the member begins; -1: there is none. The last of equal names counts, as for JSON.parse. */
function memberAt(text: string, start: number, step: string | number): number {
  let at = skipSpace(text, start + 1)
  let found = -1
  for (let index = 0; at < text.length && !/[\]}]/.test(text[at] ?? ''); index++) {
    let name: string | number = index
    if (text[start] === '{') {
      const end = endOfString(text, at)
      name = JSON.parse(text.slice(at, end)) as string
      at = skipSpace(text, skipSpace(text, end) + 1)
    }
    if (name === step) found = at
    at = skipSpace(text, endOf(text, at))
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return found
}

/** What stands at `steps` in `text`, which has to be JSON; null: nothing. */
export function sourceAt(text: string, steps: readonly (string | number)[]): string | null {
  let at = skipSpace(text, 0)
  for (const step of steps) {
    const isObject = text[at] === '{'
    if (!isObject && text[at] !== '[') return null
    at = memberAt(text, at, isObject ? String(step) : Number(step))
    if (at === -1) return null
  }
  return text.slice(at, endOf(text, at))
}

/**
 * Where the elements of a list begin and end; of a list that is cut off or broken, what looks like them. Behind what
 * closes the list nothing is looked at; where it is not closed, an empty one at the end of the text says so.
 */
export function* elements(text: string): Generator<{ at: number; end: number }> {
  let at = skipSpace(text, skipSpace(text, 0) + 1)
  while (at < text.length && text[at] !== ']') {
    // What can begin no value is passed over with what follows it.
    const end = Math.min(text.length, Math.max(at + 1, endOf(text, at)))
    yield { at, end }
    at = skipSpace(text, end)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  if (at >= text.length) yield { at: text.length, end: text.length }
}

/**
 * JSON laid out anew without being understood: numbers keep their digits, objects their order and their repeated keys,
 * which a trip through JavaScript values would lose.
 */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const BLANK = 0x20
const OPENING = '[{'
const CLOSING = ']}'
const MARKS = '{}[],:'
/** Where cJSON, and so mosquitto_sub, gives up. */
const DEPTH_MAX = 1000
/** Deeper ones are not indented further: a small message could otherwise fill a disk with tabs. */
const TABS_MAX = 100

/** `text` without blanks; null when it is no JSON, or deeper than 1000. */
export function minifyJson(text: string): string | null {
  if (!isJson(text)) return null
  let out = ''
  let kept = 0
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = stringEnd(text, at)
    else if (code <= BLANK) {
      out += text.slice(kept, at)
      kept = at + 1
    } else if (OPENING.includes(text[at])) {
      if (++depth > DEPTH_MAX) return null
    } else if (CLOSING.includes(text[at])) depth--
  }
  return kept === 0 ? text : out + text.slice(kept)
}

/** Where the string that begins at `at` has its other quote. No regular expression: of a long string it runs out of stack. */
function stringEnd(json: string, at: number): number {
  let end = at + 1
  while (end < json.length && json.charCodeAt(end) !== QUOTE)
    end += json.charCodeAt(end) === BACKSLASH ? 2 : 1
  return end
}

/** The strings, numbers, words and marks of JSON, without the blanks between. */
function* partsOf(json: string): IterableIterator<string> {
  const isWord = (at: number): boolean => json.charCodeAt(at) > BLANK && !MARKS.includes(json[at])
  for (let at = 0; at < json.length;) {
    let end = at + 1
    if (json.charCodeAt(at) === QUOTE) end = stringEnd(json, at) + 1
    else if (isWord(at)) while (end < json.length && isWord(end)) end++
    if (json.charCodeAt(at) > BLANK) yield json.slice(at, end)
    at = end
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/**
 * Valid JSON with tabs, as mosquitto_sub --pretty prints it: members on lines of their own, arrays on one line.
 *
 *     {"a":[1,{"b":2}]}   ▶   {
 *                             <tab>"a":<tab>[1, {
 *                             <tab><tab><tab>"b":<tab>2
 *                             <tab><tab>}]
 *                             }
 */
export function indentJson(json: string): string {
  const open: string[] = []
  let out = ''
  let previous = ''
  for (const part of partsOf(json)) {
    const tabs = () => '\t'.repeat(Math.min(open.length, TABS_MAX))
    if (part === '}' || part === ']') {
      open.pop()
      out += part === ']' ? ']' : `\n${tabs()}}`
    } else {
      const isMember = open.at(-1) === '{' && (previous === '{' || previous === ',')
      if (isMember) out += `\n${tabs()}`
      out += part
      if (part === ':') out += '\t'
      else if (part === ',' && open.at(-1) === '[') out += ' '
      if (part === '{' || part === '[') open.push(part)
    }
    previous = part
  }
  return out
}

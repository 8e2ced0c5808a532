/**
 * JSON laid out anew without being understood: numbers keep their digits, objects their order and their repeated keys,
 * which a trip through JavaScript values would lose.
 */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs
/** Where cJSON, and so mosquitto_sub, gives up. */
const DEPTH_MAX = 1000
/** Deeper ones are not indented further: a small message could otherwise fill a disk with tabs. */
const TABS_MAX = 100

/** `text` without blanks; null when it is no JSON, or deeper than 1000. */
export function minifyJson(text: string): string | null {
  if (!isJson(text)) return null
  const parts = text.match(TOKEN) ?? []
  let depth = 0
  for (const part of parts) {
    if (part === '{' || part === '[') depth++
    else if (part === '}' || part === ']') depth--
    if (depth > DEPTH_MAX) return null
  }
  return parts.join('')
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
  for (const part of json.match(TOKEN) ?? []) {
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

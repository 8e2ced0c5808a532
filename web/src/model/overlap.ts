/** Whether topics exist that both filters match: their messages may come twice. */
import { parseShared } from '../../../src/topics/names.ts'

export function filtersOverlap(left: string, right: string): boolean {
  const a = (parseShared(left)?.filter ?? left).split('/')
  const b = (parseShared(right)?.filter ?? right).split('/')
  if (isSystem(a) !== isSystem(b)) return false
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [one, other] = [a[at], b[at]]
    if (one === '#' || other === '#') return true
    if (one === undefined || other === undefined) return false
    if (one !== other && one !== '+' && other !== '+') return false
  }
  return true
}

/** Wildcards at the beginning do not match topics that begin with $. */
function isSystem([first = '']: readonly string[]): boolean {
  return first.startsWith('$')
}

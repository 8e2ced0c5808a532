/** Differences between two texts, by lines: the shortest edit script (Myers), bounded in work. */

export interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed'
  readonly text: string
}

const EDITS_MAX = 2000

/** Lines of both texts in order. Texts that differ in more than 2,000 lines come as all removed, all added. */
export function diffLines(before: string, after: string): DiffLine[] {
  const a = before.split('\n')
  const b = after.split('\n')
  const trace = shortestEdits(a, b)
  if (trace === null) return [...a.map(mark('removed')), ...b.map(mark('added'))]
  const result: DiffLine[] = []
  let x = a.length
  let y = b.length
  for (let d = trace.length - 1; d > 0; d--) {
    const reached = trace[d - 1] ?? new Map<number, number>()
    const k = x - y
    const down = isDown(reached, k, d)
    const fromK = down ? k + 1 : k - 1
    const fromX = reached.get(fromK) ?? 0
    const fromY = fromX - fromK
    while (x > fromX && y > fromY && x > 0 && y > 0 && a[x - 1] === b[y - 1]) {
      result.push({ kind: 'same', text: a[--x] ?? '' })
      y--
    }
    if (down) result.push({ kind: 'added', text: b[--y] ?? '' })
    else result.push({ kind: 'removed', text: a[--x] ?? '' })
  }
  while (x > 0) result.push({ kind: 'same', text: a[--x] ?? '' })
  return result.toReversed()
}

/** Whether the d-th edit on diagonal k is an added line rather than a removed one. */
function isDown(reached: ReadonlyMap<number, number>, k: number, d: number): boolean {
  return k === -d || (k !== d && (reached.get(k - 1) ?? -1) < (reached.get(k + 1) ?? -1))
}

const mark = (kind: DiffLine['kind']) => (text: string) => ({ kind, text })

/** For each number of edits how far along each diagonal one gets; null: too many edits. */
function shortestEdits(a: readonly string[], b: readonly string[]): Map<number, number>[] | null {
  const trace: Map<number, number>[] = []
  let reached = new Map([[1, 0]])
  for (let d = 0; d <= Math.min(a.length + b.length, EDITS_MAX); d++) {
    const next = new Map<number, number>()
    for (let k = -d; k <= d; k += 2) {
      const down = isDown(reached, k, d)
      let x = down ? (reached.get(k + 1) ?? 0) : (reached.get(k - 1) ?? 0) + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++
      next.set(k, x)
      if (x >= a.length && x - k >= b.length) {
        trace.push(next)
        return trace
      }
    }
    trace.push(next)
    reached = next
  }
  return null
}

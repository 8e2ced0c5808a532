/** The name of `names` that was most likely meant by `word`, or null when none is near. */
export function nearestName(word: string, names: Iterable<string>): string | null {
  // A typing error, not a riddle; and no quadratic work for a line of garbage.
  if (word.length > 60) return null
  const lower = word.toLowerCase()
  let nearest: string | null = null
  let distanceMax = Math.min(3, Math.max(1, Math.floor(word.length / 3)))
  for (const name of names) {
    if (Math.abs(name.length - lower.length) > distanceMax) continue
    const distance = editDistance(lower, name)
    if (distance > distanceMax || (nearest !== null && distance === distanceMax)) continue
    nearest = name
    distanceMax = distance
  }
  return nearest
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `from` into `to`. */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1]
      let cost = Math.min(
        last[column] + 1,
        current[column - 1] + 1,
        last[column - 1] + (same ? 0 : 1),
      )
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (row > 1 && column > 1 && swapped) cost = Math.min(cost, beforeLast[column - 2] + 1)
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return last[to.length]
}

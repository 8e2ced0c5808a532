/** What was meant by a word that nothing is called. */
import { editDistance } from './edit-distance.ts'

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

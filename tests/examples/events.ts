/** What became of a task, by the alphabet. An AP that does not answer in time is asked again, and may accept twice: that counts once. */
export function acceptedOnce(events: readonly string[]): string[] {
  const sorted = events.toSorted()
  return sorted.filter((event, at) => event !== 'accepted' || sorted[at - 1] !== 'accepted')
}

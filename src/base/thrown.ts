/** What was thrown: programs may throw anything, also what no text can be made of. */

/** With its stack, if it has one. */
export function thrownText(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? (thrown.stack ?? thrown.message) : thrown)
  } catch {
    return 'something that no text can be made of'
  }
}

export function thrownError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error) return thrown
  } catch {
    // A proxy that does not say what it is.
  }
  return new Error(thrownText(thrown))
}

/** Whether the NATS servers sync every write, as their monitoring says. */

const ANSWER_MS_MAX = 2000

interface Varz {
  readonly jetstream?: { readonly config?: { readonly sync_always?: boolean } }
}

/** true: all that answer do; false: one does not; null: none answers. */
export async function findSync(urls: readonly string[], port: number): Promise<boolean | null> {
  const answers = await Promise.all(urls.map((url) => syncOf(new URL(url).hostname, port)))
  const known = answers.filter((answer) => answer !== null)
  return known.length === 0 ? null : known.every((answer) => answer)
}

async function syncOf(host: string, port: number): Promise<boolean | null> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX)
    const answer = await fetch(`http://${host}:${port}/varz`, { signal })
    const { jetstream } = (await answer.json()) as Varz
    return jetstream?.config?.sync_always === true
  } catch {
    return null
  }
}

/** The lines of SIGUSR2. */
interface Level {
  readonly children: Map<string, Level>
  readonly subscribers: string[]
}

const newLevel = (): Level => ({ children: new Map(), subscribers: [] })

/** The lines of SIGUSR2: a level of a filter each, indented, with `(client id, QoS)` of those who end there. */
export function subscriptionTreeLines(
  subscriptions: Iterable<{ filter: string; clientId: string; qos: number }>,
): string[] {
  const root = newLevel()
  for (const { filter, clientId, qos } of subscriptions) {
    let level = root
    for (const name of filter.split('/')) {
      const next = level.children.get(name) ?? newLevel()
      level.children.set(name, next)
      level = next
    }
    level.subscribers.push(`(${clientId}, ${qos})`)
  }
  return linesBelow(root, 0)
}

/** Filters have 200 levels at most, so that the recursion is bounded. */
function linesBelow({ children }: Level, depth: number): string[] {
  return [...children].flatMap(([name, level]) => [
    `${' '.repeat(depth * 2)}${[name, ...level.subscribers].join(' ')}`,
    ...linesBelow(level, depth + 1),
  ])
}

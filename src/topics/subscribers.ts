/**
 * The subscribers of one filter, in the least memory that their number allows. Nearly every filter
 * of a large broker has exactly one; a few (`broadcast/#`) have every client.
 *
 *     0  undefined     1  the subscriber itself     2..32  array     33+  Map subscriber -> times added
 *
 * The Map makes taking out one of 100,000 as cheap as one of two. It stays until the filter is empty.
 * Order is that of adding.
 */
export type Subscribers<S extends object> = S | S[] | Map<S, number> | undefined

const ARRAY_LENGTH_MAX = 32

/** Adds `subscriber`, again if it is there already; returns what to store. */
export function withSubscriber<S extends object>(
  subscribers: Subscribers<S>,
  subscriber: S,
): Subscribers<S> {
  if (subscribers === undefined) return subscriber
  if (subscribers instanceof Map) {
    return subscribers.set(subscriber, (subscribers.get(subscriber) ?? 0) + 1)
  }
  if (!Array.isArray(subscribers)) return [subscribers, subscriber]
  subscribers.push(subscriber)
  if (subscribers.length <= ARRAY_LENGTH_MAX) return subscribers
  const counts = new Map<S, number>()
  for (const each of subscribers) counts.set(each, (counts.get(each) ?? 0) + 1)
  return counts
}

export function hasSubscriber<S extends object>(
  subscribers: Subscribers<S>,
  subscriber: S,
): boolean {
  if (subscribers instanceof Map) return subscribers.has(subscriber)
  return Array.isArray(subscribers) ? subscribers.includes(subscriber) : subscribers === subscriber
}

/** Takes out, once, a `subscriber` that is there; returns what to store. */
export function withoutSubscriber<S extends object>(
  subscribers: Subscribers<S>,
  subscriber: S,
): Subscribers<S> {
  if (subscribers instanceof Map) {
    const times = subscribers.get(subscriber) ?? 0
    if (times > 1) return subscribers.set(subscriber, times - 1)
    subscribers.delete(subscriber)
    return subscribers.size === 0 ? undefined : subscribers
  }
  if (!Array.isArray(subscribers)) return undefined
  subscribers.splice(subscribers.indexOf(subscriber), 1)
  return subscribers.length === 1 ? subscribers[0] : subscribers
}

/** Appends all to `result`. */
export function collectSubscribers<S extends object>(
  subscribers: Subscribers<S>,
  result: S[],
): void {
  if (subscribers === undefined) return
  if (Array.isArray(subscribers)) {
    for (const subscriber of subscribers) result.push(subscriber)
  } else if (subscribers instanceof Map) {
    for (const [subscriber, times] of subscribers) {
      for (let time = 0; time < times; time++) result.push(subscriber)
    }
  } else {
    result.push(subscribers)
  }
}

/**
 * The subscriptions of a session, in the least memory that their number allows: nearly every session of a large broker
 * has exactly one.
 *
 *     0  null     1  the subscription itself     2+  Map filter -> subscription, until the session ends
 */
interface HasFilter {
  readonly filter: string
}

export type OwnSubscriptions<S> = S | Map<string, S> | null

interface Owner<S> {
  subscriptions: OwnSubscriptions<S>
}

export function subscriptionCount<S extends HasFilter>({ subscriptions }: Owner<S>): number {
  if (subscriptions instanceof Map) return subscriptions.size
  return subscriptions === null ? 0 : 1
}

export function findSubscription<S extends HasFilter>(
  { subscriptions }: Owner<S>,
  filter: string,
): S | undefined {
  if (subscriptions instanceof Map) return subscriptions.get(filter)
  return subscriptions?.filter === filter ? subscriptions : undefined
}

/** Adds one whose filter is not there yet. */
export function putSubscription<S extends HasFilter>(owner: Owner<S>, subscription: S): void {
  const { subscriptions } = owner
  if (subscriptions === null) owner.subscriptions = subscription
  else if (subscriptions instanceof Map) subscriptions.set(subscription.filter, subscription)
  else
    owner.subscriptions = new Map([
      [subscriptions.filter, subscriptions],
      [subscription.filter, subscription],
    ])
}

/** Takes out the one with this filter, which is there. */
export function takeSubscription<S extends HasFilter>(owner: Owner<S>, filter: string): void {
  if (owner.subscriptions instanceof Map) owner.subscriptions.delete(filter)
  else owner.subscriptions = null
}

/** In the order they came. */
export function subscriptionsOf<S extends HasFilter>({
  subscriptions,
}: Owner<S>): IterableIterator<S> {
  if (subscriptions instanceof Map) return subscriptions.values()
  return (subscriptions === null ? [] : [subscriptions]).values()
}

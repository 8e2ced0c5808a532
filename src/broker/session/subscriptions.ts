/** A session's subscriptions, in its own table and in the trie. */
import { parseShared } from '../../topics/names.ts'
import { Subscription, type Core, type Session } from '../state/model.ts'
import type { SubscriptionOptions } from '../../ports/ports.ts'
import { groupOf, leaveGroup } from '../routing/shared-groups.ts'

/** Adds or changes a subscription; `isNew` says which. A change keeps its place [MQTT-3.8.4-3]. */
export function addSubscription(
  core: Core,
  session: Session,
  filter: string,
  options: SubscriptionOptions,
): { subscription: Subscription; isNew: boolean } {
  const subscriptions = (session.subscriptions ??= new Map())
  const known = subscriptions.get(filter)
  if (known !== undefined) {
    known.assign(options)
    return { subscription: known, isNew: false }
  }
  const shared = parseShared(filter)
  const group = shared === null ? null : groupOf(core, shared.group, shared.filter)
  const subscription = new Subscription(session, filter, group)
  subscription.assign(options)
  subscriptions.set(filter, subscription)
  if (group === null) core.trie.add(filter, subscription)
  else group.members.push(subscription)
  core.stats.subscriptions++
  if (group !== null) core.stats.sharedSubscriptions++
  if (!session.durable) core.ports.peers?.interest(filter, shared?.group ?? '', true)
  return { subscription, isNew: true }
}

/** Removes a subscription; false: there was none. */
export function removeSubscription(core: Core, session: Session, filter: string): boolean {
  const subscription = session.subscriptions?.get(filter)
  if (subscription === undefined) return false
  session.subscriptions?.delete(filter)
  detach(core, subscription)
  return true
}

/** Removes all of them: the session ends. */
export function removeSubscriptions(core: Core, session: Session): void {
  if (session.subscriptions === null) return
  for (const subscription of session.subscriptions.values()) detach(core, subscription)
  session.subscriptions = null
}

function detach(core: Core, subscription: Subscription): void {
  const { group, filter, session } = subscription
  if (group === null) core.trie.remove(filter, subscription)
  else leaveGroup(core, group, subscription)
  core.stats.subscriptions--
  if (group !== null) core.stats.sharedSubscriptions--
  if (!session.durable) core.ports.peers?.interest(filter, group?.name ?? '', false)
}

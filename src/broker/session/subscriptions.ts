/** A session's subscriptions, in its own table and in the trie. */
import { parseShared } from '../../topics/names.ts'
import type { Core } from '../state/core.ts'
import { Subscription, type Session } from '../state/model.ts'
import {
  findSubscription,
  putSubscription,
  subscriptionsOf,
  takeSubscription,
} from '../state/own-subscriptions.ts'
import type { SubscriptionOptions } from '../../ports/store.ts'
import { Bytes, charge, chargeNodes } from '../state/memory.ts'
import { addTask, FILTER_SHIFT } from '../state/work.ts'
import { countInterest, isHere } from '../routing/interest.ts'
import { groupOf, leaveGroup } from '../routing/shared-groups.ts'

/** A subscription without the nodes that it needs. */
function bytesOf(filter: string): number {
  return Bytes.subscription + 2 * filter.length
}

/** One that is there already: it keeps its place [MQTT-3.8.4-3]. */
export function changeSubscription(
  core: Core,
  known: Subscription,
  options: SubscriptionOptions,
): Subscription {
  const { qos } = known
  known.assign(options)
  if (isHere(known.session)) {
    countInterest(core, known, 1)
    countInterest(core, known, -1, qos)
  }
  return known
}

/** One whose filter the session does not have. */
export function addSubscription(
  core: Core,
  session: Session,
  filter: string,
  options: SubscriptionOptions,
): Subscription {
  const shared = parseShared(filter)
  const nodes = core.trie.nodeCount
  const group = shared === null ? null : groupOf(core, shared.group, shared.filter)
  const subscription = new Subscription(session, filter, group)
  subscription.assign(options)
  putSubscription(session, subscription)
  if (group === null) core.trie.add(filter, subscription)
  else group.members.push(subscription)
  subscription.since = core.trie.generation
  chargeNodes(core, nodes)
  charge(core, bytesOf(filter))
  // What the session is judged by: nodes count as its own who made them, whoever else needs them by now.
  subscription.bytes = bytesOf(filter) + (core.trie.nodeCount - nodes) * Bytes.node
  session.subscriptionBytes += subscription.bytes
  core.work -= 1 + (filter.length >> FILTER_SHIFT)
  core.stats.subscriptions++
  if (group !== null) core.stats.sharedSubscriptions++
  if (isHere(session)) countInterest(core, subscription, 1)
  return subscription
}

/** Removes a subscription; false: there was none. */
export function removeSubscription(core: Core, session: Session, filter: string): boolean {
  const subscription = findSubscription(session, filter)
  if (subscription === undefined) return false
  takeSubscription(session, filter)
  detach(core, subscription)
  return true
}

/** Removes all of them: the session has ended. Those of one with very many go by and by, and take nothing any more. */
export function removeSubscriptions(core: Core, session: Session): void {
  if (session.subscriptions === null) return
  const left = subscriptionsOf(session)
  session.subscriptions = null
  if (detachSome(core, left)) addTask(core, () => detachSome(core, left))
}

/** True: there are more, and no budget. */
function detachSome(core: Core, left: Iterator<Subscription, unknown>): boolean {
  for (let next = left.next(); !next.done; next = left.next()) {
    detach(core, next.value)
    if (core.work <= 0) return true
  }
  return false
}

function detach(core: Core, subscription: Subscription): void {
  const { group, filter, session } = subscription
  subscription.remove()
  session.subscriptionBytes -= subscription.bytes
  charge(core, -bytesOf(filter))
  core.work -= 1 + (filter.length >> FILTER_SHIFT)
  const nodes = core.trie.nodeCount
  if (group === null) core.trie.remove(filter, subscription)
  else leaveGroup(core, group, subscription)
  chargeNodes(core, nodes)
  core.stats.subscriptions--
  if (group !== null) core.stats.sharedSubscriptions--
  if (isHere(session)) countInterest(core, subscription, -1)
}

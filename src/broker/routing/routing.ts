/** Where every message enters, whoever sends it: a client, a will, the broker itself. */
import type { Message } from '../../ports/message.ts'
import type { Core, FanOut, PeerMatches } from '../state/core.ts'
import type { Session, SharedGroup, Subscriber, Subscription } from '../state/model.ts'
import { NODES_SHIFT } from '../state/work.ts'
import { qosFor } from './crossing.ts'
import { isDirect, withDirect } from './direct.ts'
import { isFanningOut, keepWhole, mayBegin, UNDER_WAY } from './fan-out-later.ts'
import { fanOut, fanOutAll, fanOutTo, mayRepeat, withoutDuplicates } from './fanout.ts'
import { pickMember } from './shared-groups.ts'
import { storeRetained } from './retained.ts'

/** Nodes of the trie that a match on the spot looks at; beyond it the search is work for later turns. */
const MATCH_NODES_MAX = 16_384

/** Publishes a message whose topic has not been matched yet. Returns as {@link route}. */
export function publish(core: Core, message: Message, origin: Session | null): number {
  if (message.retain) storeRetained(core, message)
  const isLate = core.work <= 0 && origin !== null
  const mustWait = isLate || isFanningOut(core, message.publisher)
  return route(core, message, mustWait ? null : matchNow(core, message.topicName), origin)
}

/**
 * Publishes a message that the store keeps until now. `forget` writes that it is gone: in one batch with all that is written
 * for its receivers, so no crash brings it twice, or to some of them only.
 */
export function publishOnce(
  core: Core,
  message: Message,
  origin: Session | null,
  forget: () => void,
): void {
  if (mayBegin(core, message.publisher)) {
    if (publish(core, message, origin) === UNDER_WAY) keepWhole(core, message.publisher)
    // Not when it is through: what the store keeps may be another node's by then.
    return forget()
  }
  const later = routeLater(core, message, origin)
  later.whole = true
  later.begin = () => {
    forget()
    if (message.retain) storeRetained(core, message)
    return true
  }
}

/** The subscribers of a topic; null: to find them takes longer than a turn has. */
export function matchNow(core: Core, topic: string): readonly Subscriber[] | null {
  const matches = core.trie.matchWithin(topic, MATCH_NODES_MAX)
  core.work -= (matches === null ? MATCH_NODES_MAX : matches.length) >> NODES_SHIFT
  return matches === null ? null : withDirect(core, topic, matches)
}

/**
 * Hands a message to its receivers, here and on other nodes. Returns how many subscriptions took it;
 * {@link UNDER_WAY} when that goes on in later turns, as it does when `subscribers` are not known yet (null).
 */
export function route(
  core: Core,
  message: Message,
  subscribers: readonly Subscriber[] | null,
  origin: Session | null,
): number {
  if (subscribers === null) {
    routeLater(core, message, origin)
    return UNDER_WAY
  }
  const { observer } = core.ports
  if (observer?.published !== undefined) observer.published(message)
  return subscribers.length === 0 ? 0 : fanOut(core, message, subscribers, origin)
}

/** The same, in later turns from the first receiver on. */
export function routeLater(core: Core, message: Message, origin: Session | null): FanOut {
  const { observer } = core.ports
  if (observer?.published !== undefined) observer.published(message)
  return fanOutAll(core, message, origin)
}

/**
 * A message that another node published: for clean sessions here, and what goes out at QoS 0. What durable sessions are owed
 * at QoS 1 and 2 the publishing node put into the store. `groups`: the shared groups to serve here; without `plain` nobody
 * else gets it.
 */
export function routeFromPeer(
  core: Core,
  message: Message,
  plain: boolean,
  groups: readonly string[],
): void {
  if (groups.length > 0) passBack(core, message, groups)
  const { matches, areClean } = matchesFromPeer(core, message.topicName)
  if (plain && areClean && !isFanningOut(core, message.publisher))
    return void fanOut(core, message, matches, null)
  const once = mayRepeat(core) ? withoutDuplicates(core, matches) : matches
  const here: Subscription[] = []
  for (const subscriber of once) {
    const subscription =
      subscriber.members === null
        ? isOwedHere(core, message, subscriber, plain)
        : memberHere(core, message, subscriber, groups)
    if (subscription !== null) here.push(subscription)
  }
  if (here.length === 0) return
  if (isFanningOut(core, message.publisher)) fanOutTo(core, message, here)
  else fanOut(core, message, here, null)
}

/** Groups whose last member here went while the message was on its way, and that have members at other nodes. */
function passBack(core: Core, message: Message, groups: readonly string[]): void {
  const left = groups.filter((key) => {
    const group = core.groups.get(key)
    return group !== undefined && !isServedHere(core, message, group)
  })
  if (left.length > 0) core.ports.peers?.publish(message, 0, left)
}

/** Or nowhere: no other node wants it. What goes out at QoS 0 the store brings to nobody. */
function isServedHere(core: Core, message: Message, group: SharedGroup): boolean {
  if ((group.always | group.qos0) === 0) return true
  return group.members.some(
    (member) =>
      member.handler !== null ||
      member.session.connection !== null ||
      qosFor(core, message, member) > 0,
  )
}

/** The subscribers of a topic that another node publishes to; most publish to one several times in a row. */
function matchesFromPeer(core: Core, topic: string): PeerMatches {
  const last = core.peerMatches
  if (last !== null && last.topic === topic && last.generation === core.trie.generation) return last
  const matches = withDirect(core, topic, core.trie.match(topic))
  // The client that a direct topic means comes and goes without a change of the trie.
  const generation = isDirect(core, topic) ? -1 : core.trie.generation
  return (core.peerMatches = { topic, generation, matches, areClean: matches.every(isClean) })
}

/** A clean session's: it is owed all that comes. */
function isClean(subscriber: Subscriber): boolean {
  return subscriber.members === null && !subscriber.session.durable
}

function isOwedHere(
  core: Core,
  message: Message,
  subscription: Subscription,
  plain: boolean,
): Subscription | null {
  const { durable, connection } = subscription.session
  if (!plain) return null
  const isByStore = durable && (connection === null || qosFor(core, message, subscription) > 0)
  return isByStore ? null : subscription
}

function memberHere(
  core: Core,
  message: Message,
  group: SharedGroup,
  groups: readonly string[],
): Subscription | null {
  if (!groups.includes(`${group.name}/${group.filter}`)) return null
  return pickMember(core, group, message, null, false)
}

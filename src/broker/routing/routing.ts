/** Where every message enters, whoever sends it: a client, a will, the broker itself. */
import type { Message } from '../../ports/message.ts'
import type { Core, FanOut, Session, Subscriber } from '../state/model.ts'
import { NODES_SHIFT } from '../state/work.ts'
import { isFanningOut, servedGroups, UNDER_WAY } from './fan-out-later.ts'
import { fanOut, fanOutAll } from './fanout.ts'
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

/** The subscribers of a topic; null: to find them takes longer than a turn has. */
export function matchNow(core: Core, topic: string): readonly Subscriber[] | null {
  const matches = core.trie.matchWithin(topic, MATCH_NODES_MAX)
  core.work -= (matches === null ? MATCH_NODES_MAX : matches.length) >> NODES_SHIFT
  return matches
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
  const { observer, peers } = core.ports
  if (observer?.published !== undefined) observer.published(message)
  const count = subscribers.length === 0 ? 0 : fanOut(core, message, subscribers, origin)
  if (peers !== null) peers.publish(message.kept(), servedGroups(subscribers))
  return count
}

/** The same, in later turns from the first receiver on. */
export function routeLater(core: Core, message: Message, origin: Session | null): FanOut {
  const { observer } = core.ports
  if (observer?.published !== undefined) observer.published(message)
  return fanOutAll(core, message, origin)
}

/**
 * A message that another node published: for clean sessions here, and QoS 0. What durable sessions are owed
 * at QoS 1 and 2 the publishing node put into the store. `groups`: the shared groups to serve here.
 */
export function routeFromPeer(core: Core, message: Message, groups: readonly string[]): void {
  const here = core.trie.match(message.topicName).filter((subscriber) => {
    if (subscriber.members !== null)
      return groups.includes(`${subscriber.name}/${subscriber.filter}`)
    const { session, qos } = subscriber
    return !session.foreign && (!session.durable || Math.min(qos, message.qos) === 0)
  })
  if (here.length > 0) fanOut(core, message, here, null)
}

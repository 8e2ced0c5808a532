/** Where every message enters, whoever sends it: a client, a will, the broker itself. */
import { fanOut } from './fanout.ts'
import type { Message } from '../../ports/message.ts'
import type { Core, SharedGroup, Session, Subscriber } from '../state/model.ts'
import { storeRetained } from './retained.ts'

/** Publishes a message whose topic has not been matched yet. Returns how many subscriptions took it. */
export function publish(core: Core, message: Message, origin: Session | null): number {
  if (message.retain) storeRetained(core, message)
  return route(core, message, core.trie.match(message.topicName), origin)
}

/** Hands a message to its receivers, here and on other nodes. */
export function route(
  core: Core,
  message: Message,
  subscribers: readonly Subscriber[],
  origin: Session | null,
): number {
  const { observer, peers } = core.ports
  if (observer?.published !== undefined) observer.published(message)
  const count = subscribers.length === 0 ? 0 : fanOut(core, message, subscribers, origin)
  if (peers !== null) peers.publish(message.kept(), servedGroups(subscribers))
  return count
}

/** The shared groups that have a member here: no other node needs to serve them. */
function servedGroups(subscribers: readonly Subscriber[]): string[] {
  return subscribers
    .filter((subscriber): subscriber is SharedGroup => subscriber.members !== null)
    .map((group) => `${group.name}/${group.filter}`)
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

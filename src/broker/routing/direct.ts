/**
 * `direct_topic`: a PUBLISH to `<anything>/p2p/<client id>` reaches that client's session, subscribed or not, at the
 * publisher's QoS. Whoever subscribes to such a topic gets it as well; the client itself once: by a subscription of its own
 * where it has one that matches. A bridge of ours gets none: what crosses it is what its `topic` lines say. Other nodes know of
 * a client that is here by an interest in a filter of its own, `$direct/<client id>`.
 */
import type { Core } from '../state/core.ts'
import type { Session, Subscriber } from '../state/model.ts'
import { Subscription } from '../state/model.ts'
import { countFilter } from './interest.ts'

const FILTER = '$direct/'
/** No topic ends with a client id that has one of these, or with none. */
const NO_NAME = /[+#/]|^$/

/** Is the topic one that means a client? */
export function isDirect(core: Core, topic: string): boolean {
  const { directLevel } = core.ports.limits
  return directLevel !== '' && clientIdOf(topic, directLevel) !== null
}

/** The subscribers of a topic with the client that it means, if any. `subscribers` is not changed. */
export function withDirect(
  core: Core,
  topic: string,
  subscribers: readonly Subscriber[],
): readonly Subscriber[] {
  const { directLevel } = core.ports.limits
  const clientId = directLevel === '' ? null : clientIdOf(topic, directLevel)
  if (clientId === null) return subscribers
  const session = core.sessions.get(clientId)
  const elsewhere = core.wanted.get(FILTER + clientId)
  const isHere =
    session !== undefined &&
    !session.isOurs &&
    !subscribers.some((one) => one.members === null && one.session === session)
  if (!isHere && elsewhere === undefined) return subscribers
  const all = [...subscribers]
  if (isHere) all.push(directOf(core, session))
  if (elsewhere !== undefined) all.push(elsewhere)
  return all
}

/** The client of a session is here from now on: other nodes pass on what is meant for it. */
export function announceDirect(core: Core, session: Session): void {
  const { clientId, durable, isOurs } = session
  const { limits, peers } = core.ports
  if (peers === null || limits.directLevel === '' || isOurs || NO_NAME.test(clientId)) return
  core.announced.add(session)
  countFilter(core, FILTER + clientId, durable ? 0 : 1, durable ? 1 : 0)
}

/** It is gone. */
export function withdrawDirect(core: Core, session: Session): void {
  const { clientId, durable } = session
  if (core.announced.delete(session))
    countFilter(core, FILTER + clientId, durable ? 0 : -1, durable ? -1 : 0)
}

/** `a/b/p2p/id`: `id`; null where that is no such topic. */
function clientIdOf(topic: string, level: string): string | null {
  const end = topic.lastIndexOf('/')
  const start = end - level.length
  if (start < 1 || topic.charCodeAt(start - 1) !== SLASH || !topic.startsWith(level, start))
    return null
  return end + 1 < topic.length ? topic.slice(end + 1) : null
}

const SLASH = 0x2f

function directOf(core: Core, session: Session): Subscription {
  const known = core.directs.get(session)
  if (known !== undefined) return known
  const direct = new Subscription(session, '', null)
  direct.assign({ qos: 2, noLocal: false, retainAsPublished: false, subscriptionId: 0 })
  core.directs.set(session, direct)
  return direct
}

/** The session has ended. */
export function endDirect(core: Core, session: Session): void {
  core.directs.get(session)?.remove()
  core.directs.delete(session)
}

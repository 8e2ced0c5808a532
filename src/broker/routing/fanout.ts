/** From one message to all its receivers. */
import type { Qos } from '../../codec/packets.ts'
import { dropped } from '../state/drops.ts'
import type { Message } from '../../ports/message.ts'
import {
  Phase,
  type Core,
  type FanOut,
  type Session,
  type Subscriber,
  type Subscription,
} from '../state/model.ts'
import { deliver } from '../delivery/outbound.ts'
import { isSlow } from '../delivery/outbox.ts'
import { mayReceive } from '../state/rights.ts'
import { Pressure } from '../../ports/pressure.ts'
import { fanOutLater, newFanOut, UNDER_WAY } from './fan-out-later.ts'
import { pickMember } from './shared-groups.ts'
import { publishFlags, sendPublish, sendShaped } from '../delivery/send-publish.ts'

/**
 * Delivers `message` to `subscribers` (a match result). `origin` is the publishing session, null for
 * anyone else. Returns how many took it, {@link UNDER_WAY} when the rest has to wait for the next turn. The message
 * may borrow its bytes.
 */
export function fanOut(
  core: Core,
  message: Message,
  subscribers: readonly Subscriber[],
  origin: Session | null,
): number {
  core.shapes.begin(message)
  if (mayRepeat(core)) subscribers = withoutDuplicates(core, subscribers)
  let count = 0
  for (let index = 0; index < subscribers.length; index++) {
    if (core.work <= 0 && index >= core.ports.limits.receiversAtOnce)
      return leaveRest(core, message, subscribers, origin, index, count)
    const subscriber = subscribers[index]
    const subscription =
      subscriber.members === null ? subscriber : pickMember(core, subscriber, message.topicName)
    if (subscription === null) continue
    if (subscription.noLocal && subscription.session === origin) continue
    deliverTo(core, message, subscription, message.retain && subscription.retainAsPublished)
    count++
  }
  return count
}

function leaveRest(
  core: Core,
  message: Message,
  subscribers: readonly Subscriber[],
  origin: Session | null,
  next: number,
  count: number,
): number {
  const rest = newFanOut(core, message, subscribers, origin)
  rest.next = next
  rest.count = count
  fanOutLater(core, rest, goOn)
  return UNDER_WAY
}

/** Begins with a message in a later turn: its publisher has others under way, or its match is a long one. */
export function fanOutAll(core: Core, message: Message, origin: Session | null): FanOut {
  const all = newFanOut(core, message, null, origin)
  fanOutLater(core, all, goOn)
  return all
}

/** A portion of a fan-out; true: it was the last. */
function goOn(core: Core, rest: FanOut): boolean {
  const { message, origin, generation } = rest
  core.shapes.begin(message)
  if (rest.next === 0 && mayRepeat(core))
    rest.subscribers = withoutDuplicates(core, rest.subscribers as readonly Subscriber[])
  const subscribers = rest.subscribers as readonly Subscriber[]
  while (rest.next < subscribers.length) {
    if (core.work <= 0) return false
    const subscriber = subscribers[rest.next++]
    const subscription =
      subscriber.members === null ? subscriber : pickMember(core, subscriber, message.topicName)
    if (subscription === null) continue
    // What a group is owed any member may have, one that has just come too.
    if (subscriber.members === null && subscription.since > generation) continue
    if (subscription.gone || (subscription.noLocal && subscription.session === origin)) continue
    deliverTo(core, message, subscription, message.retain && subscription.retainAsPublished)
    rest.count++
  }
  return true
}

/** Whether there may be somebody who gets one copy only of what several subscriptions match. */
function mayRepeat({ ports, hasBridge }: Core): boolean {
  return hasBridge || !ports.limits.allowDuplicates
}

/**
 * A bridge of ours, and with `allow_duplicate_messages false` a 3.x client, gets one copy of overlapping subscriptions,
 * at the highest QoS among them, the earliest of those [MQTT-3.3.5-1].
 */
function withoutDuplicates(
  { ports }: Core,
  subscribers: readonly Subscriber[],
): readonly Subscriber[] {
  const { allowDuplicates } = ports.limits
  if (subscribers.length < 2) return subscribers
  const best = new Map<Session, Subscription>()
  for (const subscriber of subscribers) {
    if (!isOnce(subscriber, allowDuplicates)) continue
    const rival = best.get(subscriber.session)
    if (rival === undefined || subscriber.qos > rival.qos) best.set(subscriber.session, subscriber)
  }
  if (best.size === subscribers.length) return subscribers
  return subscribers.filter(
    (subscriber) =>
      !isOnce(subscriber, allowDuplicates) || best.get(subscriber.session) === subscriber,
  )
}

function isOnce(subscriber: Subscriber, allowDuplicates: boolean): subscriber is Subscription {
  if (subscriber.members !== null) return false
  const { version, isOurs } = subscriber.session
  return isOurs || (!allowDuplicates && version !== 5)
}

/** Delivers to one subscription, at the lower of both QoS [MQTT-3.8.4-8]. */
export function deliverTo(
  core: Core,
  message: Message,
  subscription: Subscription,
  retain: boolean,
): void {
  const { session } = subscription
  const { limits } = core.ports
  core.work--
  const upgraded = limits.upgradeOutgoingQos || message.qos > subscription.qos
  const qos: Qos = upgraded ? subscription.qos : message.qos
  const connection = session.connection
  if (subscription.handler !== null) {
    subscription.handler(message)
    // The handler may have published: the shapes are that message's now.
    core.shapes.serial++
    return
  }
  if (!mayReceive(core, session, message.topicName)) {
    core.stats.drops.denied++
    return
  }
  if (qos > 0) return deliver(core, session, message, qos, retain, subscription)
  if (connection === null || connection.phase !== Phase.open) {
    const mayWait = limits.queueQos0 && core.pressure < Pressure.dropQos0
    if (connection === null && mayWait && session.durable && !session.foreign)
      deliver(core, session, message, qos, retain, subscription)
    return
  }
  if (connection.inLink !== null) {
    const mayWait = core.pressure < Pressure.dropQos0
    const ownMax = mayWait ? limits.outputBytesMax : 0
    if (isSlow(connection, ownMax, mayWait ? Math.max(ownMax, limits.outputAllBytesMax) : 0))
      return dropped(core, session, 'slowClient')
  }
  const ids = subscription.subscriptionIds
  const flags = publishFlags(0, retain)
  const sent =
    ids === null
      ? sendShaped(core, connection, message, flags, 0)
      : sendPublish(core, connection, message, flags, 0, ids)
  if (!sent) dropped(core, session, 'overClientMaximum')
}

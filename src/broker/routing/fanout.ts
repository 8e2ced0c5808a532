/** From one message to all its receivers. */
import type { Qos } from '../../codec/packets.ts'
import { dropped } from '../state/drops.ts'
import type { Message } from '../../ports/message.ts'
import {
  Phase,
  type Core,
  type Session,
  type Subscriber,
  type Subscription,
} from '../state/model.ts'
import { deliver } from '../delivery/outbound.ts'
import { pendingBytes } from '../delivery/outbox.ts'
import { mayReceive } from '../state/rights.ts'
import { Pressure } from '../../ports/pressure.ts'
import { pickMember } from './shared-groups.ts'
import { sendPublish, sendShaped } from '../delivery/send-publish.ts'

/**
 * Delivers `message` to `subscribers` (a match result). `origin` is the publishing session, null for
 * anyone else. Returns how many took it. The message may borrow its bytes.
 */
export function fanOut(
  core: Core,
  message: Message,
  subscribers: readonly Subscriber[],
  origin: Session | null,
): number {
  core.shapes.begin(message)
  const duplicates = core.ports.limits.allowDuplicates
  let count = 0
  for (let index = 0; index < subscribers.length; index++) {
    const subscriber = subscribers[index]
    const subscription =
      subscriber.members === null ? subscriber : pickMember(core, subscriber, message.topicName)
    if (subscription === null) continue
    if (subscription.noLocal && subscription.session === origin) continue
    if (!duplicates && isOutdone(subscription, subscribers, index)) continue
    deliverTo(core, message, subscription, message.retain && subscription.retainAsPublished)
    count++
  }
  return count
}

/**
 * With `allow_duplicate_messages false` a 3.x client, and a bridge of ours, gets one copy of overlapping subscriptions, at the
 * highest QoS among them [MQTT-3.3.5-1]: is another one better, or as good and earlier?
 */
function isOutdone(
  subscription: Subscription,
  subscribers: readonly Subscriber[],
  index: number,
): boolean {
  const { version, isOurs } = subscription.session
  if ((version === 5 && !isOurs) || subscription.group !== null) return false
  for (let other = 0; other < subscribers.length; other++) {
    const rival = subscribers[other]
    if (rival.members !== null || rival.session !== subscription.session) continue
    if (rival.qos > subscription.qos || (rival.qos === subscription.qos && other < index))
      return true
  }
  return false
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
  const upgraded = limits.upgradeOutgoingQos || message.qos > subscription.qos
  const qos: Qos = upgraded ? subscription.qos : message.qos
  const connection = session.connection
  if (subscription.handler !== null) {
    subscription.handler(message)
    // The handler may have published: the shapes are that message's now.
    core.shapes.serial++
    return
  }
  if (!mayReceive(core, session, message.topicName)) return
  if (qos > 0) return deliver(core, session, message, qos, retain, subscription)
  if (connection === null || connection.phase !== Phase.open) {
    const mayWait = limits.queueQos0 && core.pressure < Pressure.dropQos0
    if (connection === null && mayWait && session.durable && !session.foreign)
      deliver(core, session, message, qos, retain, subscription)
    return
  }
  const waitBytesMax = core.pressure < Pressure.dropQos0 ? limits.outputBytesMax : 0
  if (connection.inLink !== null && pendingBytes(connection) > waitBytesMax)
    return dropped(core, session, 'slowClient')
  const ids = subscription.subscriptionIds
  const sent =
    ids === null
      ? sendShaped(core, connection, message, 0, retain, 0)
      : sendPublish(core, connection, message, 0, retain, 0, ids, false)
  if (!sent) dropped(core, session, 'overClientMaximum')
}

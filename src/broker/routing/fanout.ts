/** From one message to all its receivers. */
import type { Message } from '../../ports/message.ts'
import type { Core, FanOut } from '../state/core.ts'
import {
  Phase,
  type Ruling,
  type Session,
  type SharedGroup,
  type Subscriber,
  type Subscription,
} from '../state/model.ts'
import { dropped } from '../state/drops.ts'
import { deliver } from '../delivery/outbound.ts'
import { ruleLater, waitForRuling } from '../delivery/rulings.ts'
import { sendQos0 } from '../delivery/send-qos0.ts'
import type { Verdict } from '../../ports/ports.ts'
import { mayReceive } from '../state/rights.ts'
import { Pressure } from '../../ports/pressure.ts'
import { beginCrossing, cross, qosFor, tellInside } from './crossing.ts'
import { fanOutLater, newFanOut, UNDER_WAY } from './fan-out-later.ts'
import { pickMember } from './shared-groups.ts'

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
  beginCrossing(core)
  if (mayRepeat(core)) subscribers = withoutDuplicates(core, subscribers)
  let count = 0
  for (let index = 0; index < subscribers.length; index++) {
    if (core.work <= 0 && index >= core.ports.limits.receiversAtOnce)
      return leaveRest(core, message, subscribers, origin, index, count)
    const subscriber = subscribers[index]
    const subscription =
      subscriber.members === null ? subscriber : pickMember(core, subscriber, message)
    if (subscription === null) continue
    if (subscription.noLocal && subscription.session === origin) continue
    deliverTo(core, message, subscription, message.retain && subscription.retainAsPublished)
    count++
  }
  return count + cross(core, message)
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
  rest.crossed = core.crossing
  rest.count = count + cross(core, message)
  fanOutLater(core, rest, goOn)
  return UNDER_WAY
}

/** Begins with a message in a later turn: its publisher has others under way, or its match is a long one. */
export function fanOutAll(core: Core, message: Message, origin: Session | null): FanOut {
  const all = newFanOut(core, message, null, origin)
  fanOutLater(core, all, goOn)
  return all
}

/** The same for those who were found already, behind what the publisher has under way. */
export function fanOutTo(core: Core, message: Message, found: readonly Subscription[]): void {
  const all = newFanOut(core, message, found, null)
  fanOutLater(core, all, goOn)
}

/** A portion of a fan-out; true: it was the last. */
function goOn(core: Core, rest: FanOut): boolean {
  beginCrossing(core)
  const isOver = deliverSome(core, rest)
  // Who has it by an earlier portion has it for all its subscriptions.
  core.crossing &= ~rest.crossed
  rest.crossed |= core.crossing
  rest.count += cross(core, rest.message)
  return isOver
}

function deliverSome(core: Core, rest: FanOut): boolean {
  const { message, origin, generation } = rest
  core.shapes.begin(message)
  if (rest.next === 0 && mayRepeat(core))
    rest.subscribers = withoutDuplicates(core, rest.subscribers as readonly Subscriber[])
  const subscribers = rest.subscribers as readonly Subscriber[]
  while (rest.next < subscribers.length) {
    if (core.work <= 0) return false
    const subscriber = subscribers[rest.next++]
    const subscription =
      subscriber.members === null ? subscriber : pickMember(core, subscriber, message)
    if (subscription === null) continue
    // What a group is owed any member may have, one that has just come too.
    if (subscriber.members === null && subscription.since > generation) continue
    if (subscription.gone || (subscription.noLocal && subscription.session === origin)) continue
    if (subscription === subscriber) judgeAgain(core, subscription, message)
    deliverTo(core, message, subscription, message.retain && subscription.retainAsPublished)
    rest.count++
  }
  return true
}

/** Of a member that was picked in an earlier turn: `group.verdict` may be another one's by now. */
function judgeAgain(core: Core, { group, handler, session }: Subscription, message: Message): void {
  if (group !== null && handler === null) group.verdict = mayReceive(core, session, message)
}

/** Whether there may be somebody who gets one copy only of what several subscriptions match. */
export function mayRepeat({ ports, hasBridge }: Core): boolean {
  return hasBridge || !ports.limits.allowDuplicates
}

/**
 * A bridge of ours, and with `allow_duplicate_messages false` a 3.x client, gets one copy of overlapping subscriptions,
 * at the highest QoS among them, the earliest of those [MQTT-3.3.5-1].
 */
export function withoutDuplicates(
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

/**
 * Delivers to one subscription, at the lower of both QoS [MQTT-3.8.4-8]. A member of a shared group was picked right before;
 * `passedOver`: the members that a hook refused the message for.
 */
export function deliverTo(
  core: Core,
  message: Message,
  subscription: Subscription,
  retain: boolean,
  passedOver: readonly Subscription[] | null = null,
): void {
  const { session, group } = subscription
  core.work--
  const qos = qosFor(core, message, subscription)
  if (subscription.handler !== null) {
    tellInside(core, subscription, message)
    // The handler may have published: the shapes are that message's now.
    core.shapes.serial++
    return
  }
  const verdict = group === null ? mayReceive(core, session, message) : group.verdict
  if (verdict === false) {
    core.stats.drops.denied++
    return
  }
  if (verdict !== true) {
    const ruling = leaveToHook(core, message, subscription, verdict, passedOver)
    if (qos > 0) deliver(core, session, message, qos, retain, subscription, ruling)
    else waitQos0(core, message, subscription, retain, ruling)
    return
  }
  if (qos > 0) return deliver(core, session, message, qos, retain, subscription, null)
  const { connection } = session
  if (connection !== null && connection.phase === Phase.open && connection.unruled === null)
    sendQos0(core, connection, message, subscription, retain)
  else waitQos0(core, message, subscription, retain, null)
}

/** QoS 0 that cannot be sent at once: its client is away, or hooks have not answered yet for it or what comes before. */
function waitQos0(
  core: Core,
  message: Message,
  subscription: Subscription,
  retain: boolean,
  ruling: Ruling | null,
): void {
  const { session } = subscription
  const { connection } = session
  const isCalm = core.pressure < Pressure.dropQos0
  if (connection === null) {
    const mayWait = core.ports.limits.queueQos0 && isCalm && session.durable && !session.foreign
    if (mayWait) deliver(core, session, message, 0, retain, subscription, ruling)
  } else if (connection.phase === Phase.open) {
    if (isCalm) waitForRuling(core, connection, message, subscription, retain, ruling ?? undefined)
    else dropped(core, session, 'slowClient')
  }
}

/** The delivery waits in its place; one to a shared group goes to another member when this one may not have it. */
function leaveToHook(
  core: Core,
  message: Message,
  subscription: Subscription,
  verdict: Verdict | null,
  passedOver: readonly Subscription[] | null,
): Ruling {
  const { session, group } = subscription
  if (group === null) return ruleLater(core, session, verdict, null)
  const kept = message.kept()
  const refusing = [...(passedOver ?? []), subscription]
  return ruleLater(core, session, verdict, () => deliverToNext(core, kept, group, refusing))
}

/** To a member that is not `passedOver`; nobody else: the message is dropped. */
export function deliverToNext(
  core: Core,
  message: Message,
  group: SharedGroup,
  passedOver: readonly Subscription[] | null,
): void {
  beginCrossing(core)
  const member = pickMember(core, group, message, passedOver)
  if (member === null) {
    const crosses = cross(core, message) > 0
    if (!crosses && passedOver !== null) core.stats.drops.denied++
    return
  }
  core.shapes.serial++
  deliverTo(core, message, member, message.retain && member.retainAsPublished, passedOver)
}

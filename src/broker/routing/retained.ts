/** Retained messages: the last one of each topic, for those who subscribe later (MQTT 5.0, 3.3.1.3). */
import { deliverTo } from './fanout.ts'
import { hasWildcard } from '../../topics/names.ts'
import type { RetainedCursor } from '../../topics/retained-tree.ts'
import { isExpired } from '../state/expiry.ts'
import type { Message } from '../../ports/message.ts'
import { outboundOf } from '../delivery/backlog.ts'
import { isCorked, pendingBytes } from '../delivery/outbox.ts'
import { hasRoom } from '../delivery/window.ts'
import type { Core } from '../state/core.ts'
import { Phase, type Connection, type Session, type Subscription } from '../state/model.ts'
import { Bytes, charge, addKeeper, dropKeeper } from '../state/memory.ts'
import { subscriptionsOf } from '../state/own-subscriptions.ts'
import { sourceMayPublish } from '../state/rights.ts'
import { addTask, NODES_SHIFT, Work } from '../state/work.ts'
import { logSwept } from '../state/words.ts'

/** Entries looked at on the spot. */
const FIRST_PORTION = 20
/** And between two looks at the budget. */
const PORTION = 64

/** Would keeping this message pass a limit? Replacing one by a message as large and clearing never do. */
export function retainedIsFull(core: Core, topic: string, payloadBytes: number): boolean {
  if (payloadBytes === 0) return false
  const { retained, ports } = core
  const { retainedMax, retainedBytesMax } = ports.limits
  const isCrowded = retainedMax > 0 && retained.count >= retainedMax
  const isHeavy = retainedBytesMax > 0 && core.retainedBytes + payloadBytes > retainedBytesMax
  if (!isCrowded && !isHeavy) return false
  const previous = retained.get(topic)
  return previous === undefined || (isHeavy && payloadBytes > core.shelf.payloadLength(previous))
}

/** Sets, replaces or (empty payload) clears the retained message of a topic [MQTT-3.3.1-5, -6, -7]. */
export function storeRetained(core: Core, message: Message): void {
  const topic = message.topicName
  const next = message.payloadLength === 0 ? null : message
  if (next === null && core.retained.get(topic) === undefined) return
  applyRetained(core, topic, next)
  if (topic.startsWith('$SYS/')) return
  core.journal.saveRetained(topic, next)
}

/** The part that a change told by the store shares; `message` may borrow. */
export function applyRetained(core: Core, topic: string, message: Message | null): void {
  const { retained, shelf } = core
  const { nodeCount } = retained
  const { pageCount } = shelf
  const place = message === null ? undefined : shelf.put(message)
  const previous = place === undefined ? retained.delete(topic) : retained.set(topic, place)
  if (place !== undefined) {
    core.retainedBytes += shelf.payloadLength(place)
    const large = shelf.largeAt(place)
    if (large !== null) addKeeper(core, large)
  }
  if (previous !== undefined) {
    core.retainedBytes -= shelf.payloadLength(previous)
    const large = shelf.largeAt(previous)
    if (large !== null) dropKeeper(core, large)
    shelf.drop(previous)
  }
  const nodes = retained.nodeCount - nodeCount
  charge(core, nodes * Bytes.node + (shelf.pageCount - pageCount) * Bytes.shelfPage)
}

/** Starts to send a new subscription what is retained. Paced: a portion a turn, as fast as the client reads. */
export function replayRetained(
  core: Core,
  connection: Connection,
  subscription: Subscription,
): void {
  if (!core.retained.mayMatch(subscription.filter)) return settleRetained(core, subscription)
  const room = roomFor(core, connection, subscription, FIRST_PORTION)
  if (!hasWildcard(subscription.filter)) {
    // A look instead of a walk.
    const place = core.retained.get(subscription.filter)
    if (place !== undefined && room > 0) {
      replay(core, subscription, place)
      return settleRetained(core, subscription)
    }
  }
  const cursor = core.retained.match(subscription.filter)
  const isFirst = !hasReplays(subscription.session)
  core.work -= FIRST_PORTION >> NODES_SHIFT
  // Most filters find little or nothing: no need to come back for those.
  if (isFirst && !cursor.next(room, visitorFor(core, subscription)))
    return settleRetained(core, subscription)
  keepReplay(core, subscription, cursor)
  if (isFirst) addTask(core, () => replaySome(core, connection))
}

/** It goes on when its turn comes; if the client leaves before and its session stays, when that client is back. */
function keepReplay(core: Core, subscription: Subscription, cursor: RetainedCursor<number>): void {
  const outbound = outboundOf(subscription.session)
  const replays = (outbound.replays ??= new Map())
  // One that subscribes again gets all of it again, and the rest of it once.
  if (!replays.has(subscription)) charge(core, Bytes.replay)
  replays.set(subscription, cursor)
  owe(core, subscription)
}

/**
 * Before it is granted that these get what is retained [MQTT-3.3.1-9]: at QoS 1 and 2 that is part of what waits for a session which
 * is kept, over a restart and at every node. Who is owed it gets all of it anew then, since nobody knows how far it came.
 */
export function oweRetained(core: Core, subscriptions: readonly Subscription[]): void {
  for (const subscription of subscriptions)
    if (core.retained.mayMatch(subscription.filter)) owe(core, subscription)
}

function owe(core: Core, subscription: Subscription): void {
  const { session, qos, owesRetained } = subscription
  const isKept = session.durable && (core.journal.survives || core.ports.peers !== null)
  if (owesRetained || qos === 0 || !isKept || core.retained.count === 0) return
  core.owing.add(session)
  noteOwed(core, subscription, true)
}

/** All of it is queued, or sent. */
function settleRetained(core: Core, subscription: Subscription): void {
  const { session, owesRetained, gone } = subscription
  const isUnderWay = session.outbound?.replays?.has(subscription) === true
  if (owesRetained && !gone && !session.ended && !isUnderWay) noteOwed(core, subscription, false)
}

function noteOwed(core: Core, subscription: Subscription, owes: boolean): void {
  const { session, filter, qos, noLocal, retainAsPublished, subscriptionId } = subscription
  const options = { qos, noLocal, retainAsPublished, subscriptionId }
  subscription.owesRetained = owes
  core.journal.saveSubscription(
    session.clientId,
    filter,
    owes ? { ...options, owesRetained: true } : options,
  )
  core.work -= Work.store
}

/** What an earlier process, or another node, owed. */
function takeOverOwed(core: Core, session: Session): void {
  let owes = false
  for (const subscription of subscriptionsOf(session)) {
    owes ||= subscription.owesRetained
    const isUnderWay = session.outbound?.replays?.has(subscription) === true
    if (subscription.owesRetained && !isUnderWay)
      keepReplay(core, subscription, core.retained.match(subscription.filter))
  }
  if (!owes) core.owing.delete(session)
}

/** A client left before these came to their turn. */
export function keepReplays(core: Core, subscriptions: readonly Subscription[]): void {
  for (const subscription of subscriptions)
    if (core.retained.count > 0 && subscription.session.durable)
      keepReplay(core, subscription, core.retained.match(subscription.filter))
}

/** A client is back: it is sent what its last connection was not. */
export function resumeReplays(core: Core, connection: Connection): void {
  const { session } = connection
  if (session === null) return
  if (core.owing.has(session)) takeOverOwed(core, session)
  if (hasReplays(session)) addTask(core, () => replaySome(core, connection))
}

function hasReplays({ outbound }: Session): boolean {
  return outbound !== null && outbound.replays !== null
}

function visitorFor(core: Core, subscription: Subscription) {
  return (place: number) => replay(core, subscription, place)
}

function replay(core: Core, subscription: Subscription, place: number): void {
  const message = core.shelf.read(place, core.replayed)
  if (isExpired(core, message)) return expireRetained(core, message.topicName)
  const { session } = subscription
  // [MQTT-3.10.4-2]
  if (subscription.gone || session.ended || !sourceMayPublish(core, message)) return
  // What came over the bridge does not go back over it.
  if (session.isOurs && message.publisher === session.clientId) return
  core.shapes.serial++
  deliverTo(core, message, subscription, true)
}

/** Goes on with the replays of clients that had to take first what they were sent. Once a turn. */
export function wakeReplays(core: Core): void {
  for (const connection of core.replaying)
    if (connection.phase !== Phase.open || canTakeMore(core, connection)) {
      core.replaying.delete(connection)
      addTask(core, () => replaySome(core, connection))
    }
}

/** Of what its first replay has. QoS 0 waits for the hooks it is asked of. */
function canTakeMore(core: Core, connection: Connection): boolean {
  if (connection.inLink !== null) return false
  if (isCorked(connection) && pendingBytes(connection) > core.ports.limits.outputBytesMax)
    return false
  if ((connection.unruled?.length ?? 0) >= core.ports.limits.replayQueuedMax) return false
  const [first] = connection.session?.outbound?.replays?.keys() ?? []
  return first === undefined || roomFor(core, connection, first, PORTION) > 0
}

/**
 * How many messages, `most` at most, its queue has room for, whatever they weigh: QoS 1 and 2 wait for the client's
 * acknowledgements instead of overflowing it. Where there is none, one can still go past an empty queue.
 */
function roomFor(
  core: Core,
  connection: Connection,
  { qos, session }: Subscription,
  most: number,
): number {
  if (qos === 0) return most
  const { limits } = core.ports
  const { outbound } = session
  const count = outbound === null ? 0 : outbound.queuedCount
  const bytes = outbound === null ? 0 : outbound.queuedBytes
  const bytesMax =
    session.durable && core.journal.survives ? limits.storedBytesMax : limits.queuedBytesMax
  const byCount = Math.min(limits.queuedMax || Infinity, limits.replayQueuedMax) - count
  const byBytes = bytesMax === 0 ? most : Math.ceil((bytesMax - bytes) / limits.packetBytesMax)
  if (byCount > 0 && byBytes > 0) return Math.min(most, byCount, byBytes)
  return count === 0 && (outbound === null || hasRoom(core, connection, outbound)) ? 1 : 0
}

/** A portion for one client; true: it can take more, and there is more. */
function replaySome(core: Core, connection: Connection): boolean {
  const outbound = connection.session?.outbound ?? null
  if (outbound === null || outbound.replays === null) return false
  const { outputBytesMax } = core.ports.limits
  for (const [subscription, cursor] of outbound.replays) {
    for (let more = !subscription.gone; more;) {
      // What is left waits for the next connection.
      if (connection.phase !== Phase.open) return false
      if (!canTakeMore(core, connection)) {
        core.replaying.add(connection)
        return false
      }
      // What is written this turn has to be seen off before the link can say that it is too much.
      if (core.work <= 0 || pendingBytes(connection) > outputBytesMax) return true
      const portion = roomFor(core, connection, subscription, PORTION)
      core.work -= Math.max(1, portion >> NODES_SHIFT)
      more = cursor.next(portion, visitorFor(core, subscription))
    }
    outbound.replays.delete(subscription)
    settleRetained(core, subscription)
    charge(core, -Bytes.replay)
  }
  outbound.replays = null
  return false
}

/** Nobody may get it any more. */
export function dropRetained(core: Core, topic: string): void {
  applyRetained(core, topic, null)
  core.journal.saveRetained(topic, null)
}

/** Its message expiry passed [MQTT-3.3.2-5]. Another node may have replaced it, and this one not have heard of that. */
function expireRetained(core: Core, topic: string): void {
  applyRetained(core, topic, null)
  core.journal.saveRetained(topic, null, core.ports.clock.wallMs())
}

/** Removes every expired retained message, by and by; a sweep, by `retain_expiry_interval`. */
export function sweepRetained(core: Core): void {
  const wallMs = core.ports.clock.wallMs()
  const cursor = core.retained.match('#')
  let count = 0
  const visit = (place: number): void => {
    const { expiresAtMs, topicName } = core.shelf.read(place, core.replayed)
    if (expiresAtMs > wallMs) return
    expireRetained(core, topicName)
    core.work -= Work.store
    count++
  }
  addTask(core, () => {
    while (cursor.next(PORTION, visit)) {
      core.work -= PORTION >> NODES_SHIFT
      if (core.work <= 0) return true
    }
    logSwept(core, count)
    return false
  })
}

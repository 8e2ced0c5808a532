/** Retained messages: the last one of each topic, for those who subscribe later (MQTT 5.0, 3.3.1.3). */
import { deliverTo } from './fanout.ts'
import { Fifo } from '../../base/fifo.ts'
import { hasWildcard } from '../../topics/names.ts'
import { isExpired } from '../state/expiry.ts'
import type { Message } from '../../ports/message.ts'
import { pendingBytes } from '../delivery/outbox.ts'
import type { Core } from '../state/core.ts'
import { Phase, type Connection, type Subscription } from '../state/model.ts'
import { Bytes, charge, addKeeper, dropKeeper } from '../state/memory.ts'
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
  return previous === undefined || (isHeavy && payloadBytes > previous.payloadLength)
}

/** Sets, replaces or (empty payload) clears the retained message of a topic [MQTT-3.3.1-5, -6, -7]. */
export function storeRetained(core: Core, message: Message): void {
  const topic = message.topicName
  const next = message.payloadLength === 0 ? null : message.owned()
  if (next === null && core.retained.get(topic) === undefined) return
  applyRetained(core, topic, next)
  if (topic.startsWith('$SYS/')) return
  core.journal.saveRetained(topic, next)
}

/** The part that a change told by the store shares. */
export function applyRetained(core: Core, topic: string, message: Message | null): void {
  const nodes = core.retained.nodeCount
  const previous =
    message === null ? core.retained.delete(topic) : core.retained.set(topic, message)
  if (message !== null) addKeeper(core, message)
  if (previous !== undefined) dropKeeper(core, previous)
  charge(core, (core.retained.nodeCount - nodes) * Bytes.node)
  core.retainedBytes += (message?.payloadLength ?? 0) - (previous?.payloadLength ?? 0)
}

/** Starts to send a new subscription what is retained. Paced: a portion a turn, as fast as the client reads. */
export function replayRetained(
  core: Core,
  connection: Connection,
  subscription: Subscription,
): void {
  if (core.retained.count === 0) return
  if (!hasWildcard(subscription.filter)) return replayOne(core, subscription)
  const cursor = core.retained.match(subscription.filter)
  // Most filters find little or nothing: no need to come back for those.
  const visit = (topic: string, message: Message) => replay(core, subscription, topic, message)
  core.work -= FIRST_PORTION >> NODES_SHIFT
  const portion = roomFor(core, connection, FIRST_PORTION)
  if (connection.replays === null && !cursor.next(portion, visit)) return
  if (connection.replays === null) {
    connection.replays = new Fifo()
    addTask(core, () => replaySome(core, connection))
  }
  connection.replays.push({ cursor, subscription })
}

/** A filter without wildcards: a look instead of a walk. */
function replayOne(core: Core, subscription: Subscription): void {
  const message = core.retained.get(subscription.filter)
  if (message !== undefined) replay(core, subscription, subscription.filter, message)
}

function replay(core: Core, subscription: Subscription, topic: string, message: Message): void {
  if (isExpired(core, message)) return dropRetained(core, topic)
  const { session } = subscription
  if (session.ended || !sourceMayPublish(core, message)) return
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

/** QoS 1 and 2 wait for the client's acknowledgements instead of overflowing its queue; QoS 0 for the hooks it is asked of. */
function canTakeMore(core: Core, connection: Connection): boolean {
  if (connection.inLink !== null) return false
  if ((connection.unruled?.length ?? 0) >= core.ports.limits.replayQueuedMax) return false
  const outbound = connection.session?.outbound
  if (outbound === null || outbound === undefined) return true
  const isShort = outbound.queuedCount < core.ports.limits.replayQueuedMax
  return isShort && roomFor(core, connection, PORTION) > 0
}

/** How many messages, `most` at most, its queue has room for whatever they weigh; an empty one takes one. */
function roomFor(core: Core, { session }: Connection, most: number): number {
  if (session === null) return most
  const { queuedMax, queuedBytesMax, storedBytesMax, packetBytesMax } = core.ports.limits
  const count = session.outbound?.queuedCount ?? 0
  const bytes = session.outbound?.queuedBytes ?? 0
  const bytesMax = session.durable && core.journal.survives ? storedBytesMax : queuedBytesMax
  const byCount = queuedMax === 0 ? most : queuedMax - count
  const byBytes = bytesMax === 0 ? most : Math.floor((bytesMax - bytes) / packetBytesMax)
  return Math.max(count === 0 ? 1 : 0, Math.min(most, byCount, byBytes))
}

/** A portion for one client; true: it can take more, and there is more. */
function replaySome(core: Core, connection: Connection): boolean {
  const { replays } = connection
  const { outputBytesMax } = core.ports.limits
  for (let walk = replays?.peek(); walk !== undefined; walk = replays?.peek()) {
    if (connection.phase !== Phase.open) break
    if (!canTakeMore(core, connection)) {
      core.replaying.add(connection)
      return false
    }
    // What is written this turn has to be seen off before the link can say that it is too much.
    if (core.work <= 0 || pendingBytes(connection) > outputBytesMax) return true
    const { subscription } = walk
    const portion = roomFor(core, connection, PORTION)
    core.work -= Math.max(1, portion >> NODES_SHIFT)
    const visit = (topic: string, message: Message) => replay(core, subscription, topic, message)
    if (!walk.cursor.next(portion, visit)) replays?.shift()
  }
  connection.replays = null
  return false
}

/** Nobody may get it any more, for one because its message expiry passed [MQTT-3.3.2-5]. */
export function dropRetained(core: Core, topic: string): void {
  applyRetained(core, topic, null)
  core.journal.saveRetained(topic, null)
}

/** Removes every expired retained message, by and by; a sweep, by `retain_expiry_interval`. */
export function sweepRetained(core: Core): void {
  const wallMs = core.ports.clock.wallMs()
  const cursor = core.retained.match('#')
  let count = 0
  const visit = (topic: string, message: Message): void => {
    if (message.expiresAtMs > wallMs) return
    dropRetained(core, topic)
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

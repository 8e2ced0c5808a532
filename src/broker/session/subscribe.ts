/** SUBSCRIBE and UNSUBSCRIBE (MQTT 5.0, 3.8 to 3.11), in the portions that `filter-list.ts` tells of. */
import { findSubscription, subscriptionCount } from '../state/own-subscriptions.ts'
import { PacketType, type Qos, type SubscribeFilter } from '../../codec/packets.ts'
import { Reason } from '../../codec/reason-codes.ts'
import { readFilter } from '../../codec/subscribe.ts'
import { topicFilterProblem } from '../../topics/names.ts'
import { fitsMounted, mountFilter } from '../state/mount-point.ts'
import type { Core } from '../state/core.ts'
import type { AskedFilter, FilterList, OpenConnection, Subscription } from '../state/model.ts'
import type { Verdict } from '../../ports/ports.ts'
import type { SubscriptionOptions } from '../../ports/store.ts'
import { Pressure } from '../../ports/pressure.ts'
import { replyPacket } from '../delivery/replies.ts'
import { oweRetained, replayRetained } from '../routing/retained.ts'
import { Work } from '../state/work.ts'
import { checkFilters } from './filter-list.ts'
import { addSubscription, changeSubscription, removeSubscription } from './subscriptions.ts'
import { endingWords, logFilter, logSent, logSubscribed, logUnsubscribe } from '../state/words.ts'

/** The one failure code of 3.1.1; 3.1 has none and is told the QoS it asked for. */
const FAILURE_311 = 0x80

/** So many filters are handled between two looks at the budget, and asked of hooks at once. */
const FILTERS_AT_ONCE = 64

/**
 * Does a portion; true: nothing is left. False with `answers`: it goes on once those are there. Throws ProtocolError,
 * before anything is changed.
 */
export function subscribeSome(core: Core, connection: OpenConnection, list: FilterList): boolean {
  const read = ({ reader }: FilterList): string => readFilter(reader, connection.version).filter
  if (!checkFilters(core, connection, list, read)) return false
  while (list.codes.length < list.count) {
    if (core.work <= 0 && list.codes.length > 0) return false
    list.asked ??= askSome(core, connection, list)
    if (waitForAnswers(list)) return false
    const { mark } = core.journal
    for (const asked of list.asked) grantOne(core, connection, list, asked)
    list.batch = Math.max(list.batch, core.journal.since(mark))
    list.asked = null
  }
  if (!isKnownToAll(core, list)) return false
  if (!list.isAnswered) {
    // What was granted is safe by now, before anything is queued: that there is more to come has to be as safe.
    const { mark } = core.journal
    if (list.batch < core.journal.filling) oweRetained(core, list.replays)
    list.batch = Math.max(list.batch, core.journal.since(mark))
    answer(core, connection, list)
    const isThrough = replaySome(core, connection, list)
    // What this turn does not come to is in the batch that the answer waits for as well.
    if (!isThrough) oweRetained(core, list.replays.slice(list.replayed))
    return isThrough
  }
  return replaySome(core, connection, list)
}

/** The next filters, and whether the client may have them. */
function askSome(core: Core, connection: OpenConnection, list: FilterList): AskedFilter[] {
  const { reader } = list
  const asked: AskedFilter[] = []
  while (!reader.isAtEnd() && asked.length < FILTERS_AT_ONCE) {
    const wanted = readFilter(reader, connection.version)
    asked.push({ wanted, verdict: ask(core, connection, wanted) })
  }
  return asked
}

/** What its rights say of a filter, which gets its mount point. */
export function ask(core: Core, connection: OpenConnection, wanted: SubscribeFilter): Verdict {
  core.work--
  wanted.filter = mountFilter(connection.mount, wanted.filter)
  const { subscribe } = core.ports.auth
  if (subscribe === null || connection.isOurs) return true
  return subscribe(connection.identity, wanted.filter, wanted.qos)
}

/** True: hooks have not answered all of it yet. */
function waitForAnswers(list: FilterList): boolean {
  const asked = list.asked as AskedFilter[]
  if (asked.every(({ verdict }) => typeof verdict === 'boolean')) return false
  const answers = Promise.all(asked.map(async ({ verdict }) => verdict))
  list.later = (go) =>
    void answers.then((verdicts) => {
      for (const [index, verdict] of verdicts.entries()) asked[index].verdict = verdict
      go()
    })
  return true
}

/** Behind the answer every node has to act on it: a message that is published elsewhere then is one of those meant. */
function isKnownToAll({ ports, journal }: Core, list: FilterList): boolean {
  const { peers } = ports
  if (peers === null || list.isKnown) return true
  list.isKnown = true
  list.later = (go) => {
    if (list.batch <= journal.done) peers.barrier(go)
    else journal.wait(list.batch, { kind: 'call', run: () => peers.barrier(go) })
  }
  return false
}

function grantOne(
  core: Core,
  connection: OpenConnection,
  list: FilterList,
  { wanted, verdict }: AskedFilter,
): void {
  const { filtersPerPacketMax } = core.ports.limits
  // A bridge asks for all its lines at once, and would not hear of one that is refused.
  const isBound = filtersPerPacketMax > 0 && !connection.isOurs
  const isOver = isBound && list.codes.length >= filtersPerPacketMax
  const known = findSubscription(connection.session, wanted.filter)
  const refusal = isOver
    ? Reason.quotaExceeded
    : subscribeRefusal(core, connection, wanted, known, verdict)
  logFilter(core, wanted, refusal === 0)
  list.codes.push(codeOf(connection, wanted, refusal))
  if (refusal !== 0) return tellRefused(core, connection, wanted, refusal)
  const subscription = grant(core, connection, wanted, known, list.subscriptionId)
  if (subscription !== null) list.replays.push(subscription)
}

/** Those who look on hear of a filter that was not granted. */
export function tellRefused(
  { ports }: Core,
  { identity }: OpenConnection,
  { filter }: SubscribeFilter,
  refusal: number,
): void {
  ports.observer?.subscribeRefused?.(identity, filter, endingWords(refusal))
}

/** The lower of what was asked and what the listener allows [MQTT-3.9.3-2]. */
function grantedQos(connection: OpenConnection, { qos }: SubscribeFilter): Qos {
  return Math.min(qos, connection.link.listener.maxQos) as Qos
}

/**
 * 0, or why the client does not get this subscription. `known`: the one with its filter that it has. `allowed`: what its
 * rights say.
 */
export function subscribeRefusal(
  core: Core,
  connection: OpenConnection,
  wanted: SubscribeFilter,
  known: Subscription | undefined,
  allowed: Verdict,
): number {
  const { limits } = core.ports
  const session = connection.session
  if (core.full && session.durable) return Reason.quotaExceeded
  // Those of a bridge are few, and stand in the configuration.
  const isBound = known === undefined && !connection.isOurs
  if (isBound && core.pressure >= Pressure.dropQos0) return Reason.quotaExceeded
  const isFull = subscriptionCount(session) >= limits.subscriptionsPerSessionMax
  if (isBound && isFull) return Reason.quotaExceeded
  // A prefix without a slash at its end makes no filter with "#".
  if (connection.mount !== null && topicFilterProblem(wanted.filter, Infinity) !== null)
    return Reason.topicFilterInvalid
  if (!fitsMounted(connection.mount, wanted.filter)) return Reason.topicFilterInvalid
  return allowed === true ? 0 : Reason.notAuthorized
}

/** What the answer says of a filter. */
export function codeOf(
  connection: OpenConnection,
  wanted: SubscribeFilter,
  refusal: number,
): number {
  // 3.1 is told what it would have been granted.
  if (refusal === 0 || connection.version === 3) return grantedQos(connection, wanted)
  return connection.version === 5 ? refusal : FAILURE_311
}

/** Subscribes; returns the subscription if it is to be sent what is retained, otherwise null. */
export function grant(
  core: Core,
  connection: OpenConnection,
  wanted: SubscribeFilter,
  known: Subscription | undefined,
  subscriptionId: number,
): Subscription | null {
  const { session } = connection
  const options: SubscriptionOptions = {
    qos: grantedQos(connection, wanted),
    noLocal: wanted.noLocal || connection.bridge,
    retainAsPublished: wanted.retainAsPublished || connection.bridge,
    subscriptionId,
  }
  if (known?.owesRetained) options.owesRetained = true
  const subscription =
    known === undefined
      ? addSubscription(core, session, wanted.filter, options)
      : changeSubscription(core, known, options)
  logSubscribed(core, session, wanted)
  core.ports.observer?.subscribed?.(
    connection.identity,
    wanted.filter,
    options.qos,
    wanted.qos,
    wanted.retainHandling,
  )
  if (session.durable) {
    core.journal.saveSubscription(session.clientId, wanted.filter, options)
    core.work -= Work.store
  }
  if (subscription.group !== null || wanted.retainHandling === 2) return null
  if (wanted.retainHandling === 1 && known !== undefined) return null
  return core.retained.count > 0 || core.ports.peers !== null ? subscription : null
}

/** Begins to send what is retained for the new subscriptions. */
function replaySome(core: Core, connection: OpenConnection, list: FilterList): boolean {
  while (list.replayed < list.replays.length) {
    if (core.work <= 0) return false
    core.work--
    replayRetained(core, connection, list.replays[list.replayed++])
  }
  return true
}

/** The same as {@link subscribeSome} for UNSUBSCRIBE. */
export function unsubscribeSome(core: Core, connection: OpenConnection, list: FilterList): boolean {
  const { reader, codes } = list
  if (!checkFilters(core, connection, list, () => reader.text())) return false
  const { mark } = core.journal
  while (!reader.isAtEnd() && (core.work > 0 || codes.length === 0))
    codes.push(unsubscribeOne(core, connection, mountFilter(connection.mount, reader.text())))
  list.batch = Math.max(list.batch, core.journal.since(mark))
  if (!reader.isAtEnd() || !isKnownToAll(core, list)) return false
  answer(core, connection, list)
  return true
}

function unsubscribeOne(core: Core, connection: OpenConnection, filter: string): number {
  const session = connection.session
  core.work--
  logUnsubscribe(core, session, filter)
  const { unsubscribe } = core.ports.auth
  if (unsubscribe !== null && !connection.isOurs && !unsubscribe(connection.identity, filter))
    return Reason.notAuthorized
  if (!removeSubscription(core, session, filter)) return Reason.noSubscriptionExisted
  core.ports.observer?.unsubscribed?.(connection.identity, filter)
  if (session.durable) {
    core.journal.deleteSubscription(session.clientId, filter)
    core.work -= Work.store
  }
  return Reason.success
}

function answer(core: Core, connection: OpenConnection, list: FilterList): void {
  const { packetId, codes, batch } = list
  const isSubscribe = list.type === PacketType.subscribe
  logSent(core, connection, isSubscribe ? 'SUBACK' : 'UNSUBACK')
  const type = isSubscribe ? PacketType.suback : PacketType.unsuback
  replyPacket(core, connection, { type, packetId, codes, properties: {} }, batch)
  list.isAnswered = true
}

/** SUBSCRIBE and UNSUBSCRIBE (MQTT 5.0, 3.8 to 3.11). */
import { varintSize } from '../../codec/fields.ts'
import { LogType, type LogTypeBit } from '../../base/log.ts'
import {
  PacketType,
  type Qos,
  type SubscribeFilter,
  type SubscribePacket,
  type UnsubscribePacket,
} from '../../codec/packets.ts'
import { ProtocolError } from '../../codec/protocol-error.ts'
import { Reason } from '../../codec/reason-codes.ts'
import { topicFilterProblem } from '../../topics/names.ts'
import { fitsMounted, mountFilter } from '../state/mount-point.ts'
import { ruled, rulingOf } from '../state/waiting.ts'
import type { Core, OpenConnection, Session } from '../state/model.ts'
import type { SubscriptionOptions } from '../../ports/ports.ts'
import { Pressure } from '../../ports/pressure.ts'
import { replyPacket } from '../delivery/replies.ts'
import { replayRetained } from '../routing/retained.ts'
import { addSubscription, removeSubscription } from './subscriptions.ts'

/** The one failure code of 3.1.1; 3.1 has none and is told the QoS it asked for. */
const FAILURE_311 = 0x80

/** Of SUBACK and UNSUBACK in 5.0, behind the length: identifier and no properties. */
const ANSWER_HEAD_BYTES = 3

export function onSubscribe(core: Core, connection: OpenConnection, packet: SubscribePacket): void {
  const { session } = connection
  log(core, LogType.debug, () => `Received SUBSCRIBE from ${session.clientId}`)
  checkAnswerFits(connection, packet.filters.length)
  for (const { filter } of packet.filters) checkFilter(core, filter)
  const allowed = rightsOf(core, connection, packet.filters)
  if (allowed === null) return
  const { mark } = core.journal
  const subscriptionId = packet.properties.subscriptionIds?.[0] ?? 0
  const codes: number[] = []
  const replays: (() => void)[] = []
  for (const [index, asked] of packet.filters.entries()) {
    const wanted = { ...asked, filter: mountFilter(connection.mount, asked.filter) }
    const refusal = refusalOf(core, connection, session, wanted, index, allowed[index])
    codes.push(refusal === 0 ? wanted.qos : refusalCode(connection, wanted.qos, refusal))
    log(
      core,
      LogType.debug,
      () => `\t${wanted.filter} (${refusal === 0 ? `QoS ${wanted.qos}` : 'denied'})`,
    )
    if (refusal === 0) subscribeOne(core, connection, session, wanted, subscriptionId, replays)
  }
  grantAtMost(connection, codes)
  const batch = core.journal.since(mark)
  log(core, LogType.debug, () => `Sending SUBACK to ${session.clientId}`)
  replyPacket(
    core,
    connection,
    { type: PacketType.suback, packetId: packet.packetId, codes, properties: {} },
    batch,
  )
  for (const replay of replays) replay()
}

/** A client that asks for more codes than it takes in one packet would wait for ever [MQTT-3.1.2-24]. */
function checkAnswerFits({ packetBytesMax }: OpenConnection, codes: number): void {
  const body = ANSWER_HEAD_BYTES + codes
  if (packetBytesMax > 0 && 1 + varintSize(body) + body > packetBytesMax)
    throw new ProtocolError(Reason.packetTooLarge, 'the answer is larger than the client takes')
}

function checkFilter(core: Core, filter: string): void {
  const problem = topicFilterProblem(filter, core.ports.limits.topicLevelsMax)
  if (problem !== null) throw new ProtocolError(Reason.malformedPacket, `topic filter: ${problem}`)
}

function refusalOf(
  core: Core,
  connection: OpenConnection,
  session: Session,
  wanted: SubscribeFilter,
  index: number,
  allowed: boolean,
): number {
  const { limits } = core.ports
  if (index >= limits.filtersPerPacketMax) return Reason.quotaExceeded
  if (core.full && session.durable) return Reason.quotaExceeded
  const isNew = session.subscriptions?.has(wanted.filter) !== true
  if (isNew && core.pressure >= Pressure.dropQos0) return Reason.quotaExceeded
  const count = session.subscriptions?.size ?? 0
  if (isNew && count >= limits.subscriptionsPerSessionMax) return Reason.quotaExceeded
  // A prefix without a slash at its end makes no filter with "#".
  if (connection.mount !== null && topicFilterProblem(wanted.filter, Infinity) !== null)
    return Reason.topicFilterInvalid
  if (!fitsMounted(connection.mount, wanted.filter)) return Reason.topicFilterInvalid
  return allowed ? 0 : Reason.notAuthorized
}

/** For each filter whether the client may have it; null: hooks have not answered all of it yet. */
function rightsOf(
  core: Core,
  connection: OpenConnection,
  filters: readonly SubscribeFilter[],
): boolean[] | null {
  const { subscribe } = core.ports.auth
  const { identity: who } = connection
  if (subscribe === null || connection.isOurs) return filters.map(() => true)
  const answers = filters.map(({ filter, qos }, index) => {
    const known = rulingOf(connection, index)
    const verdict = known ?? subscribe(who, mountFilter(connection.mount, filter), qos)
    return ruled(core, connection, index, verdict)
  })
  if (!answers.includes(undefined)) return answers as boolean[]
  // Each is asked once, whatever the others take.
  for (const [index, answer] of answers.entries())
    if (answer !== undefined) connection.waits?.rulings.set(index, answer)
  return null
}

function refusalCode(connection: OpenConnection, qos: Qos, reason: number): number {
  if (connection.version === 5) return reason
  return connection.version === 4 ? FAILURE_311 : qos
}

/** Granted is the lower of what was asked and what the listener allows [MQTT-3.9.3-2]. */
function grantAtMost(connection: OpenConnection, codes: number[]): void {
  const { maxQos } = connection.link.listener
  for (let index = 0; index < codes.length; index++)
    if (codes[index] <= 2) codes[index] = Math.min(codes[index], maxQos)
}

function subscribeOne(
  core: Core,
  connection: OpenConnection,
  session: Session,
  wanted: SubscribeFilter,
  subscriptionId: number,
  replays: (() => void)[],
): void {
  const options: SubscriptionOptions = {
    qos: Math.min(wanted.qos, connection.link.listener.maxQos) as Qos,
    noLocal: wanted.noLocal || connection.bridge,
    retainAsPublished: wanted.retainAsPublished || connection.bridge,
    subscriptionId,
  }
  const { subscription, isNew } = addSubscription(core, session, wanted.filter, options)
  log(core, LogType.subscribe, () => `${session.clientId} ${wanted.qos} ${wanted.filter}`)
  core.ports.observer?.subscribed?.(connection.identity, wanted.filter, options.qos)
  if (session.durable) core.journal.saveSubscription(session.clientId, wanted.filter, options)
  if (subscription.group !== null || wanted.retainHandling === 2) return
  if (wanted.retainHandling === 1 && !isNew) return
  replays.push(() => replayRetained(core, connection, subscription))
}

export function onUnsubscribe(
  core: Core,
  connection: OpenConnection,
  packet: UnsubscribePacket,
): void {
  const { session } = connection
  log(core, LogType.debug, () => `Received UNSUBSCRIBE from ${session.clientId}`)
  checkAnswerFits(connection, packet.filters.length)
  for (const filter of packet.filters) checkFilter(core, filter)
  const { mark } = core.journal
  const codes = packet.filters.map((asked) => {
    const filter = mountFilter(connection.mount, asked)
    log(core, LogType.debug, () => `\t${filter}`)
    log(core, LogType.unsubscribe, () => `${session.clientId} ${filter}`)
    if (!removeSubscription(core, session, filter)) return Reason.noSubscriptionExisted
    core.ports.observer?.unsubscribed?.(connection.identity, filter)
    if (session.durable) core.journal.deleteSubscription(session.clientId, filter)
    return Reason.success
  })
  const batch = core.journal.since(mark)
  log(core, LogType.debug, () => `Sending UNSUBACK to ${session.clientId}`)
  replyPacket(
    core,
    connection,
    { type: PacketType.unsuback, packetId: packet.packetId, codes, properties: {} },
    batch,
  )
}

function log(core: Core, type: LogTypeBit, text: () => string): void {
  if (core.ports.log.mask & type) core.ports.log.write(type, text())
}

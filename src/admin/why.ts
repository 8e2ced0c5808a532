/** Why does a client not get what it should? The questions an expert would ask, answered from what the broker knows. */
import { addressOf } from '../base/address.ts'
import type { ClientDetailView, SubscriptionView } from '../broker/inspect.ts'
import { matches, parseShared } from '../topics/names.ts'
import { nearMiss, rankOf, type Difference } from './near-miss.ts'
import type { BanView } from './schemas-bans.ts'
import type { AclReply, ClientEvent, WhyLink, WhyReply } from './schemas-clients.ts'
import { ANSWERS, IN_ORDER, QUESTIONS, type Check, type Finding, type Values } from './why-words.ts'

/** All that the answer is made of; times are wall clock, ms. */
export interface WhyFacts {
  readonly nowMs: number
  /** Since when no event is missing. */
  readonly sinceMs: number
  /** null: about a topic alone. */
  readonly clientId: string | null
  /** null: about a client alone. */
  readonly topic: string | null
  readonly client: ClientDetailView | null
  /** What keeps the client out; null: nothing. */
  readonly ban: BanView | null
  /** When the first message that waits for it expires; null: none does. */
  readonly nextExpiryMs: number | null
  /** Of the client; without one, of everybody: the first few thousand. */
  readonly subscriptions: readonly SubscriptionView[]
  /** Messages at QoS 0 wait for whoever is away (`queue_qos0_messages`). */
  readonly keepsQos0: boolean
  /** The highest QoS that the client's listener grants; null: it is not connected. */
  readonly maxQos: number | null
  /** Subscriptions of everybody that match the topic. */
  readonly receivers: number
  /** Of the client, newest first. */
  readonly events: readonly ClientEvent[]
  /** The id of another client that is almost the same. */
  readonly nearClientId: string | null
  /** What the access rules say; null: there is not both a client and a topic. */
  readonly mayReceive: AclReply | null
  readonly mayPublish: AclReply | null
  readonly retained: boolean
}

const LOOK_BACK_MS = 3600_000
const TAKEOVER_TEXT = 'session taken over'
const TAKEOVERS_MAX = 2

type State = WhyLink['state']

function link(
  check: Check,
  state: State,
  finding: Finding,
  values: Values = {},
  timeMs: number | null = null,
): WhyLink {
  const [answer, evidence] = ANSWERS[finding](values)
  return { check, finding, state, question: QUESTIONS[check], answer, evidence, timeMs, values }
}

/** The verdict is the first link that is in the way. */
export function why(facts: WhyFacts): WhyReply {
  const { clientId, topic } = facts
  const links = [
    ...(clientId === null ? [] : clientLinks(facts)),
    ...(topic === null ? [] : topicLinks(facts, topic)),
  ]
  const verdict = links.find(({ state }) => state === 'bad') ?? null
  return {
    clientId,
    topic,
    finding: verdict?.finding ?? 'inOrder',
    verdict: verdict === null ? IN_ORDER : `${verdict.question} ${verdict.answer}`,
    sinceMs: facts.sinceMs,
    links,
  }
}

function clientLinks(facts: WhyFacts): WhyLink[] {
  const { client } = facts
  const links = [refusedLink(facts), bannedLink(facts), knownLink(facts)]
  if (client === null) return [...links, willLink(facts)].filter((one) => one !== null)
  return [
    ...links,
    takeoverLink(facts),
    connectedLink(client, facts),
    ...sessionLinks(facts, client),
  ].filter((one) => one !== null)
}

/** A refusal of late while a client with this id is connected was of another attempt than this connection. */
function refusedLink({ events, client }: WhyFacts): WhyLink | null {
  const refusals = events.filter(({ kind }) => kind === 'refused')
  const [last] = refusals
  if (last === undefined) return null
  const newest = events.find(({ kind }) => kind === 'refused' || kind === 'connected')
  const values = {
    reason: last.detail,
    remote: last.remote,
    user: last.username ?? '',
    count: String(refusals.length),
  }
  if (newest !== last) return link('refused', 'note', 'refusedBefore', values, last.timeMs)
  const finding = client?.connected === true ? 'refusedBesides' : 'refusedNow'
  return link('refused', 'bad', finding, values, last.timeMs)
}

function bannedLink({ ban }: WhyFacts): WhyLink | null {
  if (ban === null) return null
  const { id, clientId, username, address, untilMs, reason, by, madeAtMs } = ban
  const target = [clientId, username, address].filter((name) => name !== null).join(', ')
  const until = untilMs === null ? '' : `until ${new Date(untilMs).toISOString()}`
  return link('banned', 'bad', 'banned', { id: String(id), target, until, reason, by }, madeAtMs)
}

function knownLink({ client, events, nearClientId, sinceMs }: WhyFacts): WhyLink | null {
  const first = events.findLast(({ kind }) => kind === 'connected')
  if (client !== null) return link('known', 'good', 'seen', {}, first?.timeMs ?? null)
  const ended = events.find(({ kind }) => kind === 'expired' || kind === 'disconnected')
  if (ended?.kind === 'expired') return link('known', 'bad', 'sessionExpired', {}, ended.timeMs)
  if (ended !== undefined)
    return link('known', 'bad', 'gone', { reason: ended.detail }, ended.timeMs)
  // It was refused: that is said already.
  if (events.length > 0) return null
  return nearClientId === null
    ? link('known', 'bad', 'neverSeen', {}, sinceMs)
    : link('known', 'bad', 'nearId', { other: nearClientId })
}

function takeoverLink({ events, nowMs }: WhyFacts): WhyLink | null {
  const recent = events.filter(({ timeMs }) => timeMs >= nowMs - LOOK_BACK_MS)
  const takeovers = recent.filter(
    ({ kind, detail }) => kind === 'disconnected' && detail === TAKEOVER_TEXT,
  )
  const [last] = takeovers
  if (last === undefined) return link('takeover', 'good', 'oneDevice')
  const remotes = recent.filter(({ kind }) => kind === 'connected').map(({ remote }) => remote)
  const hosts = new Set(remotes.map(addressOf))
  const shown = hosts.size > 1 ? [...hosts] : [...new Set(remotes)]
  const values = { count: String(takeovers.length), addresses: shown.slice(0, 4).join(', ') }
  if (takeovers.length < TAKEOVERS_MAX)
    return link('takeover', 'note', 'takenOver', values, last.timeMs)
  // At one address it may as well be a single device that its network drops.
  const finding = hosts.size > 1 ? 'twoDevices' : 'takeoversFromOne'
  return link('takeover', 'bad', finding, values, last.timeMs)
}

function connectedLink(client: ClientDetailView, { events }: WhyFacts): WhyLink {
  if (client.connected)
    return link(
      'connected',
      'good',
      'online',
      { remote: client.remote ?? '' },
      client.connectedAtMs,
    )
  const reason = events.find(({ kind }) => kind === 'disconnected')?.detail ?? ''
  const values = { reason, queued: String(client.queued) }
  const finding = client.durable ? 'offlineKept' : 'offlineGone'
  return link('connected', 'bad', finding, values, client.disconnectedAtMs)
}

function sessionLinks(facts: WhyFacts, client: ClientDetailView): WhyLink[] {
  const { topic, subscriptions } = facts
  const links = [
    queueLink(client, facts),
    expiryLink(facts),
    ackLink(client, facts.nowMs),
    willLink(facts),
  ]
  if (topic === null)
    links.unshift(
      subscriptions.length === 0
        ? link('subscription', 'note', 'noSubscriptions')
        : link('subscription', 'good', 'someSubscriptions', {
            count: String(client.subscriptions),
          }),
    )
  return links.filter((one) => one !== null)
}

function queueLink(client: ClientDetailView, { nowMs }: WhyFacts): WhyLink {
  const { queued, inflight, dropped, lastDrop, lastDropMs, receiveMaximum } = client
  const values = { queued: String(queued), inflight: String(inflight) }
  if (lastDrop !== null && lastDropMs !== null && lastDropMs >= nowMs - LOOK_BACK_MS)
    return link(
      'queue',
      'bad',
      'dropped',
      { ...values, count: String(dropped), reason: lastDrop },
      lastDropMs,
    )
  if (queued === 0 && inflight === 0) return link('queue', 'good', 'queueEmpty')
  const isFull = receiveMaximum !== null && inflight >= receiveMaximum && queued > 0
  return isFull
    ? link('queue', 'bad', 'windowFull', { ...values, window: String(receiveMaximum) })
    : link('queue', 'note', 'waiting', values)
}

function expiryLink({ nextExpiryMs, nowMs }: WhyFacts): WhyLink | null {
  if (nextExpiryMs === null) return null
  const seconds = secondsBetween(nowMs, nextExpiryMs)
  return link('expiry', 'note', 'expiresNext', { seconds }, nextExpiryMs)
}

/** Of interest only while something waits to be acknowledged. */
function ackLink({ ackedAtMs, inflight }: ClientDetailView, nowMs: number): WhyLink | null {
  if (inflight === 0) return null
  return ackedAtMs === null
    ? link('acknowledged', 'note', 'neverAcked')
    : link(
        'acknowledged',
        'note',
        'acked',
        { seconds: secondsBetween(ackedAtMs, nowMs) },
        ackedAtMs,
      )
}

const secondsBetween = (sinceMs: number, untilMs: number): string =>
  String(Math.max(0, Math.round((untilMs - sinceMs) / 1000)))

/** The one that it has left, else the one that was due last. */
function willLink({ client, events }: WhyFacts): WhyLink | null {
  const will = client?.will ?? null
  if (client !== null && will !== null) {
    const values = { topic: will.topic, seconds: String(will.delaySeconds) }
    return link('will', 'note', client.connected ? 'willSet' : 'willWaits', values)
  }
  const due = events.find(({ kind }) => kind === 'will' || kind === 'willDenied')
  if (due === undefined) return null
  const finding = due.kind === 'will' ? 'willPublished' : 'willDenied'
  return link('will', 'note', finding, { topic: due.detail }, due.timeMs)
}

function topicLinks(facts: WhyFacts, topic: string): WhyLink[] {
  const { clientId, client, mayReceive, mayPublish } = facts
  const retained = link('retained', 'note', facts.retained ? 'retained' : 'notRetained')
  if (clientId === null) return [receiversLink(facts, topic), retained]
  const rights = [
    mayReceive === null
      ? null
      : link(
          'rights',
          mayReceive.allowed ? 'good' : 'bad',
          mayReceive.allowed ? 'mayReceive' : 'mayNotReceive',
          {
            because: mayReceive.explanation,
          },
        ),
    mayPublish === null
      ? null
      : link('publishing', 'note', mayPublish.allowed ? 'mayPublish' : 'mayNotPublish', {
          because: mayPublish.explanation,
        }),
  ]
  const subscription = client === null ? [] : subscriptionLinks(facts, client, topic)
  return [...subscription, ...rights, retained].filter((one) => one !== null)
}

/** What the client asked for, and was granted. */
function optionLinks(
  { qos, retainAsPublished, noLocal }: SubscriptionView,
  client: ClientDetailView,
  { maxQos, keepsQos0 }: WhyFacts,
): WhyLink[] {
  const granted =
    maxQos === null ? 'qos' : qos === maxQos && maxQos < 2 ? 'qosLowered' : 'qosAsAsked'
  return [
    qos === 0 && !client.connected && !keepsQos0
      ? link('qos', 'bad', 'qosNotKept')
      : link('qos', 'good', granted, { qos: String(qos) }),
    link('retainFlag', 'note', retainAsPublished ? 'retainAsPublished' : 'retainWhenKept'),
    ...(noLocal ? [link('ownMessages', 'note', 'noLocal')] : []),
  ]
}

function subscriptionLinks(facts: WhyFacts, client: ClientDetailView, topic: string): WhyLink[] {
  const { subscriptions } = facts
  if (subscriptions.length === 0) return [link('subscription', 'bad', 'noSubscriptions')]
  const plain = (filter: string): string => parseShared(filter)?.filter ?? filter
  const best = subscriptions
    .filter(({ filter }) => matches(plain(filter), topic))
    .reduce<SubscriptionView | null>(
      (one, other) => (one === null || other.qos > one.qos ? other : one),
      null,
    )
  if (best !== null)
    return [
      link('subscription', 'good', 'matches', { filter: best.filter, group: best.group ?? '' }),
      ...optionLinks(best, client, facts),
    ]
  const near = nearest(subscriptions, topic)
  return [
    near === null
      ? link('subscription', 'bad', 'noMatch', { count: String(client.subscriptions) })
      : link('subscription', 'bad', 'nearMiss', {
          filter: near.filter,
          difference: near.difference,
        }),
  ]
}

function receiversLink({ receivers, subscriptions }: WhyFacts, topic: string): WhyLink {
  if (receivers > 0) return link('receivers', 'good', 'receivers', { count: String(receivers) })
  const near = nearest(subscriptions, topic)
  return near === null
    ? link('receivers', 'bad', 'noReceivers')
    : link('receivers', 'bad', 'noReceiversNear', near)
}

function nearest(
  subscriptions: readonly SubscriptionView[],
  topic: string,
): { filter: string; clientId: string; difference: Difference } | null {
  let best: { filter: string; clientId: string; difference: Difference } | null = null
  for (const { filter, clientId } of subscriptions) {
    const difference = nearMiss(filter, topic)
    if (difference === null || (best !== null && rankOf(best.difference) <= rankOf(difference)))
      continue
    best = { filter, clientId, difference }
  }
  return best
}

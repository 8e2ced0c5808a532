/** The part of "why?" that is about a topic: who may read it, and who has subscribed to it. */
import type { ClientDetailView, SubscriptionView } from '../broker/views.ts'
import { matches, parseShared } from '../topics/names.ts'
import { nearMiss, rankOf, type Difference } from './near-miss.ts'
import type { AclReply, ClientEvent, WhyLink } from './schemas-clients.ts'
import { link, type WhyFacts } from './why-link.ts'

/** What backends of go-auth have not been asked, or the node of the client did not answer, is no denial. */
const NOT_ASKED = /: nobody was asked yet$|^node .* did not answer$/
const NEVER_RETAINED = 2
const ONLY_WHEN_NEW = 1

export function topicLinks(facts: WhyFacts, topic: string): WhyLink[] {
  const { clientId, client, mayReceive, mayPublish, retained } = facts
  const matching = facts.subscriptions.filter(({ filter }) => matches(plain(filter), topic))
  if (clientId === null || client === null) {
    const kept = link('retained', 'note', retained ? 'retained' : 'notRetained')
    return [
      ...(clientId === null ? [receiversLink(facts, topic)] : []),
      ...rightsLinks(mayReceive, mayPublish),
      kept,
    ]
  }
  return [
    ...subscriptionLinks(facts, client, topic, matching),
    ...rightsLinks(mayReceive, mayPublish),
    retainedLink(facts, matching),
  ]
}

const plain = (filter: string): string => parseShared(filter)?.filter ?? filter

function rightsLinks(mayReceive: AclReply | null, mayPublish: AclReply | null): WhyLink[] {
  const links: WhyLink[] = []
  if (mayReceive !== null) {
    const because = { because: mayReceive.explanation }
    if (mayReceive.allowed) links.push(link('rights', 'good', 'mayReceive', because))
    else if (NOT_ASKED.test(mayReceive.explanation))
      links.push(link('rights', 'note', 'rightsUnknown', because))
    else links.push(link('rights', 'bad', 'mayNotReceive', because))
  }
  if (mayPublish !== null) {
    const isUnknown = !mayPublish.allowed && NOT_ASKED.test(mayPublish.explanation)
    const finding = mayPublish.allowed
      ? 'mayPublish'
      : isUnknown
        ? 'rightsUnknown'
        : 'mayNotPublish'
    links.push(link('publishing', 'note', finding, { because: mayPublish.explanation }))
  }
  return links
}

/** What a client asked for when it subscribed to a filter the last time; undefined: that is not on record any more. */
const wishOf = ({ events }: WhyFacts, wanted: string): ClientEvent | undefined =>
  events.find(({ kind, filter }) => kind === 'subscribed' && filter === wanted)

/** What the client asked for, and was granted. `matching`: all that match; `best`: what decides. */
function optionLinks(
  facts: WhyFacts,
  client: ClientDetailView,
  matching: readonly SubscriptionView[],
  best: SubscriptionView,
): WhyLink[] {
  const { qos, retainAsPublished } = best
  const askedQos = wishOf(facts, best.filter)?.askedQos
  const granted = askedQos === undefined ? 'qos' : qos < askedQos ? 'qosLowered' : 'qosAsAsked'
  const values = { qos: String(qos), asked: String(askedQos ?? qos) }
  return [
    qos === 0 && !client.connected && !facts.keepsQos0
      ? link('qos', 'bad', 'qosNotKept')
      : link('qos', 'good', granted, values),
    link('retainFlag', 'note', retainAsPublished ? 'retainAsPublished' : 'retainWhenKept'),
    ...(matching.every(({ noLocal }) => noLocal) ? [link('ownMessages', 'note', 'noLocal')] : []),
  ]
}

/** Shared subscriptions, and those that asked for none, are not sent what is retained [MQTT-3.3.1-10, -11]. */
function retainedLink(facts: WhyFacts, matching: readonly SubscriptionView[]): WhyLink {
  if (!facts.retained) return link('retained', 'note', 'notRetained')
  const own = matching.filter(({ group }) => group === null)
  if (matching.length > 0 && own.length === 0)
    return link('retained', 'note', 'retainedNotShared', { group: matching[0].group ?? '' })
  const handlings = own.map(({ filter }) => wishOf(facts, filter)?.retainHandling ?? 0)
  const least = Math.min(...handlings)
  if (handlings.length > 0 && least === NEVER_RETAINED)
    return link('retained', 'note', 'retainedNotAsked')
  return link('retained', 'note', least === ONLY_WHEN_NEW ? 'retainedOnce' : 'retained')
}

function subscriptionLinks(
  facts: WhyFacts,
  client: ClientDetailView,
  topic: string,
  matching: readonly SubscriptionView[],
): WhyLink[] {
  const { subscriptions } = facts
  // One of its own beats a share, then the higher QoS.
  const [best] = matching.toSorted(
    (one, other) =>
      Number(one.group !== null) - Number(other.group !== null) || other.qos - one.qos,
  )
  if (best !== undefined) {
    const timeMs = wishOf(facts, best.filter)?.timeMs ?? null
    const { filter, group } = best
    return [
      group === null
        ? link('subscription', 'good', 'matches', { filter }, timeMs)
        : link('subscription', 'good', 'matchesShare', { filter, group }, timeMs),
      ...optionLinks(facts, client, matching, best),
    ]
  }
  const refused = refusedSubscription(facts, topic)
  if (refused !== null) return [refused]
  if (subscriptions.length === 0) return [link('subscription', 'bad', 'noSubscriptions')]
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

/** The last subscription (to a topic) that the client asked for and was refused. */
export function refusedSubscription({ events }: WhyFacts, topic?: string): WhyLink | null {
  const refused = events.find(
    ({ kind, filter = '' }) =>
      kind === 'subscribeRefused' && (topic === undefined || matches(plain(filter), topic)),
  )
  if (refused === undefined) return null
  const values = { filter: refused.filter ?? '', reason: refused.detail }
  return link('subscription', 'bad', 'subscribeRefused', values, refused.timeMs)
}

function receiversLink(
  { receivers: { total, receivers }, subscriptions }: WhyFacts,
  topic: string,
): WhyLink {
  if (total === 0) {
    const near = nearest(subscriptions, topic)
    return near === null
      ? link('receivers', 'bad', 'noReceivers')
      : link('receivers', 'bad', 'noReceiversNear', near)
  }
  const allowed = receivers.filter(({ mayReceive }) => mayReceive)
  const denied = receivers.length - allowed.length
  const values = { count: String(total), denied: String(denied) }
  // Of more than are looked at some may.
  if (total > receivers.length) return link('receivers', 'good', 'receivers', values)
  if (allowed.length === 0) return link('receivers', 'bad', 'receiversDenied', values)
  if (allowed.every(({ connected }) => !connected)) {
    const keeps = allowed.some((one) => one.keeps)
    return link('receivers', 'bad', keeps ? 'receiversAway' : 'receiversGone', values)
  }
  return link('receivers', 'good', denied === 0 ? 'receivers' : 'receiversSome', values)
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

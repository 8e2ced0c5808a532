/** Why does a client not get what it should? The questions an expert would ask, answered from what the broker knows. */
import { addressOf } from '../base/address.ts'
import type { ClientDetailView } from '../broker/views.ts'
import type { WhyLink, WhyReply } from './schemas-clients.ts'
import { link, LOOK_BACK_MS, type WhyFacts } from './why-link.ts'
import { refusedSubscription, topicLinks } from './why-topic.ts'
import { IN_ORDER, isFinding, NOTED, type Finding } from './why-words.ts'

const TAKEOVER_TEXT = 'session taken over'
const TAKEOVERS_MAX = 2
/** Devices that throw each other out come back within it. */
const TAKEOVER_NOW_MS = 5 * 60_000
/** Whoever has acknowledged something within it is slow, and not silent. */
const SILENT_MS = 10_000

/**
 * What may be in the way of some messages only, or was a while ago: it decides where nothing is that surely is in the way
 * now. The likelier first.
 */
const UNSURE: readonly Finding[] = [
  'windowFull',
  'slowToAck',
  'dropped',
  'twoDevices',
  'takeoversFromOne',
  'refusedBesides',
]

function rankOf({ finding, timeMs }: WhyLink, nowMs: number): number {
  const isTakeover = finding === 'twoDevices' || finding === 'takeoversFromOne'
  if (isTakeover && timeMs !== null && timeMs >= nowMs - TAKEOVER_NOW_MS) return 0
  return isFinding(finding) ? UNSURE.indexOf(finding) + 1 : 0
}

/** The verdict is the first link that is surely in the way, else the likeliest; behind it stands what is to be noted. */
export function why(facts: WhyFacts): WhyReply {
  const { clientId, topic, nowMs } = facts
  const links = [
    ...(clientId === null ? [] : clientLinks(facts)),
    ...(topic === null ? [] : topicLinks(facts, topic)),
  ]
  const [verdict = null] = links
    .filter(({ state }) => state === 'bad')
    .toSorted((one, other) => rankOf(one, nowMs) - rankOf(other, nowMs))
  const noted = links.filter(
    ({ finding }) => isFinding(finding) && NOTED[finding] === (verdict?.finding ?? 'inOrder'),
  )
  const words = ({ question, answer }: WhyLink) => `${question} ${answer}`
  return {
    clientId,
    topic,
    finding: verdict?.finding ?? 'inOrder',
    verdict: [verdict === null ? IN_ORDER : words(verdict), ...noted.map(words)].join(' '),
    noted: noted.map(({ finding }) => finding),
    sinceMs: facts.sinceMs,
    links,
  }
}

function clientLinks(facts: WhyFacts): WhyLink[] {
  const { client } = facts
  const links = [refusedLink(facts), bannedLink(facts), knownLink(facts), namelessLink(facts)]
  if (client === null) return [...links, willLink(facts)].filter((one) => one !== null)
  return [
    ...links,
    takeoverLink(facts),
    connectedLink(client, facts),
    ...sessionLinks(facts, client),
  ].filter((one) => one !== null)
}

const CONNECTION_KINDS = new Set(['refused', 'connected', 'disconnected'])

/** A refusal of late while a client with this id is connected was of another attempt than this connection, as was one before its end. */
function refusedLink({ events, client }: WhyFacts): WhyLink | null {
  const refusals = events.filter(({ kind }) => kind === 'refused')
  const [last] = refusals
  if (last === undefined) return null
  const newest = events.find(({ kind }) => CONNECTION_KINDS.has(kind))
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

/** Limits turn connections away before anybody knows whose they are: perhaps it was this client's. */
function namelessLink({ client, events, nameless, nowMs }: WhyFacts): WhyLink | null {
  const recent = nameless.filter(({ timeMs }) => timeMs >= nowMs - LOOK_BACK_MS)
  const [last] = recent
  if (last === undefined || client !== null || events.length > 0) return null
  const values = { count: String(recent.length), reason: last.detail, remote: last.remote }
  return link('nameless', 'note', 'turnedAway', values, last.timeMs)
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
  if (events.some(({ kind }) => kind === 'refused')) return null
  if (events.length > 0) return link('known', 'bad', 'gone', { reason: '' }, events[0].timeMs)
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
  const links: (WhyLink | null)[] = [
    ...queueLinks(client, facts),
    expiryLink(facts),
    ackLink(client, facts.nowMs),
    willLink(facts),
  ]
  if (topic === null)
    links.unshift(
      subscriptions.length === 0
        ? (refusedSubscription(facts) ?? link('subscription', 'note', 'noSubscriptions'))
        : link('subscription', 'good', 'someSubscriptions', {
            count: String(client.subscriptions),
          }),
    )
  return links.filter((one) => one !== null)
}

/** What holds messages back, and what was dropped for that. */
function queueLinks(client: ClientDetailView, { nowMs }: WhyFacts): WhyLink[] {
  const { queued, inflight, dropped, lastDrop, lastDropMs, receiveMaximum, ackedAtMs } = client
  const values = { queued: String(queued), inflight: String(inflight) }
  const links: WhyLink[] = []
  if (receiveMaximum !== null && inflight >= receiveMaximum && queued > 0) {
    const isSilent = ackedAtMs === null || ackedAtMs < nowMs - SILENT_MS
    const window = { ...values, window: String(receiveMaximum) }
    links.push(link('queue', 'bad', isSilent ? 'windowFull' : 'slowToAck', window))
  }
  if (lastDrop !== null && lastDropMs !== null && lastDropMs >= nowMs - LOOK_BACK_MS) {
    const drops = { ...values, count: String(dropped), reason: lastDrop }
    links.push(link('queue', 'bad', 'dropped', drops, lastDropMs))
  }
  if (links.length > 0) return links
  return queued === 0 && inflight === 0
    ? [link('queue', 'good', 'queueEmpty')]
    : [link('queue', 'note', 'waiting', values)]
}

function expiryLink({ nextExpiryMs, nowMs }: WhyFacts): WhyLink | null {
  if (nextExpiryMs === null) return null
  if (nextExpiryMs <= nowMs) return link('expiry', 'note', 'expiredNext', {}, nextExpiryMs)
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

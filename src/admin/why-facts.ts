/** What `why` is answered from, gathered at one moment. */
import { editDistance } from '../base/edit-distance.ts'
import { topicNameProblem } from '../topics/names.ts'
import type { Admin } from './admin.ts'
import { HttpError } from './http-error.ts'
import { takeFirst } from './scan.ts'
import type { Static } from './schema.ts'
import type { AclReply, ClientEvent, whyQuery } from './schemas-clients.ts'
import type { AclQuestion } from './source.ts'
import type { ClientEverything, Views } from './views.ts'
import type { WhyFacts } from './why-link.ts'

const SUBSCRIPTIONS_MAX = 5000
const IDS_MAX = 5000
const ID_CHARACTERS_MAX = 100
/** Where the local end of a bridge says that it comes from. */
const BRIDGE_REMOTE = 'bridge '
const BRIDGE_RIGHTS: AclReply = {
  allowed: true,
  rule: null,
  file: null,
  line: null,
  explanation: 'the rules do not restrict a bridge of this broker',
}
const NOBODY = { total: 0, receivers: [] }

/** @throws HttpError 400 for what cannot be asked. */
export async function whyFactsOf(
  admin: Admin,
  { client: id, topic: name }: Static<typeof whyQuery>,
): Promise<WhyFacts> {
  const { inspector, events: log, source } = admin
  const clientId = id ?? null
  const topic = name ?? null
  if (clientId === null && topic === null) throw new HttpError(400, 'Name a client or a topic.')
  const problem = topic === null ? null : topicNameProblem(topic)
  if (problem !== null) throw new HttpError(400, `topic: ${problem}`)
  const { views } = source
  const { client, queue, subscriptions } = await sessionFacts(views, clientId)
  const events = clientId === null ? [] : await eventsOf(admin, clientId)
  const { username, remote } = lastSeen(client, events)
  // Of whom nothing is known not even the user is, by whom the rules go.
  const isUnknown = client === null && events.length === 0
  const explain = (access: 'read' | 'write') =>
    clientId === null || topic === null || isUnknown
      ? null
      : explainWhere(source, client, remote, { clientId, username, access, topic })
  return {
    nowMs: Date.now(),
    sinceMs: log.sinceMs(),
    clientId,
    topic,
    client,
    ban: clientId === null ? null : source.bans.find({ clientId, username, remote }),
    nextExpiryMs: firstOf([...queue].map((one) => one.expiresAtMs)),
    keepsQos0: source.keepsQos0(),
    subscriptions,
    receivers: topic === null ? NOBODY : await views.receivers(topic),
    events,
    nameless: log.refusals().filter((one) => one.clientId === ''),
    nearClientId:
      clientId === null || client !== null || events.length > 0
        ? null
        : nearIdOf(clientId, [
            ...(await views.clientIds(IDS_MAX)),
            ...takeFirst(log.clientIds(), IDS_MAX),
          ]),
    mayReceive: await explain('read'),
    mayPublish: await explain('write'),
    retained: topic !== null && inspector.retainedOf(topic) !== undefined,
  }
}

/** The rules are those of the node whose listener the client came by. */
function explainWhere(
  source: Admin['source'],
  client: ClientEverything['client'] | null,
  remote: string,
  question: AclQuestion,
): AclReply | Promise<AclReply> {
  if (remote.startsWith(BRIDGE_REMOTE)) return BRIDGE_RIGHTS
  const port = client?.port ?? null
  const node = client?.node ?? null
  return node === null || node === source.cluster.facts().node
    ? source.explain(question, port)
    : source.explainAt(node, question, port)
}

/** What happened to a client here and at other nodes, newest first. */
export async function eventsOf(
  { events, source }: Admin,
  clientId: string,
): Promise<ClientEvent[]> {
  const elsewhere = await source.eventsElsewhere(clientId)
  const own = events.of(clientId)
  return elsewhere.length === 0
    ? own
    : [...own, ...elsewhere].toSorted((one, other) => other.timeMs - one.timeMs)
}

/** Who the client is or was, from where. */
function lastSeen(client: WhyFacts['client'], events: WhyFacts['events']) {
  const last = events.find(({ remote }) => remote !== '') ?? events[0]
  return {
    username: client === null ? (last?.username ?? null) : client.username,
    remote: client?.remote ?? last?.remote ?? '',
  }
}

/** Of one client, or of everybody. */
async function sessionFacts(
  views: Views,
  clientId: string | null,
): Promise<Omit<ClientEverything, 'client'> & { client: ClientEverything['client'] | null }> {
  if (clientId !== null)
    return (await views.client(clientId)) ?? { client: null, queue: [], subscriptions: [] }
  return { client: null, queue: [], subscriptions: await views.allSubscriptions(SUBSCRIPTIONS_MAX) }
}

function firstOf(times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null)
  return known.length === 0 ? null : Math.min(...known)
}

/** An id that differs by capitals, spaces or one letter; devices are numbered, so another digit is another device. */
function nearIdOf(wanted: string, ids: readonly string[]): string | null {
  const plain = (id: string): string => id.toLowerCase().replaceAll(/\s+/g, '')
  const withoutDigits = (id: string): string => id.replaceAll(/\d/g, '')
  const near = (id: string): boolean =>
    plain(id) === plain(wanted) ||
    (wanted.length > 2 &&
      wanted.length <= ID_CHARACTERS_MAX &&
      Math.abs(id.length - wanted.length) <= 1 &&
      withoutDigits(id) !== withoutDigits(wanted) &&
      editDistance(id, wanted) === 1)
  return ids.find(near) ?? null
}

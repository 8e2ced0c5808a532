/** Every endpoint of the HTTP API: what it takes, what it answers, who may call it. */
import * as bans from './schemas-bans.ts'
import * as broker from './schemas-broker.ts'
import * as clients from './schemas-clients.ts'
import { cluster, clusterQuery, clusterSessions, drainBody } from './schemas-cluster.ts'
import { delayedPage, delayedParams } from './schemas-delayed.ts'
import * as traces from './schemas-traces.ts'
import * as users from './schemas-users.ts'
import type { Schema } from './schema.ts'

/**
 * - `open`: everybody who reaches the port.
 * - `monitor`: whom the broker would let connect and read the path as a topic, as in mosquitto.
 * - `admin`: users of `http_admin_user`; in local-only mode everybody on the machine.
 */
export type Access = 'open' | 'monitor' | 'admin'

/** One endpoint. `reply` is null where the answer is no JSON; `type` says what it is then. */
export interface Endpoint<Params, Query, Body, Reply> {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: string
  readonly access: Access
  readonly tag: string
  readonly summary: string
  readonly params: Schema<Params> | null
  readonly query: Schema<Query> | null
  readonly body: Schema<Body> | null
  readonly reply: Schema<Reply> | null
  /** With 503 it answers the same, for that is no error; else as every error. */
  readonly answersUnavailable: boolean
  readonly type: string
  /** Bytes of the body, at most; 0: the server's default. */
  readonly bodyBytesMax: number
}

interface Traits<Params, Query, Body, Reply> {
  access?: Access
  params?: Schema<Params>
  query?: Schema<Query>
  body?: Schema<Body>
  reply?: Schema<Reply>
  answersUnavailable?: boolean
  type?: string
  bodyBytesMax?: number
}

function endpoint<Params = null, Query = null, Body = null, Reply = null>(
  tag: string,
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  summary: string,
  traits: Traits<Params, Query, Body, Reply>,
): Endpoint<Params, Query, Body, Reply> {
  return {
    method,
    url,
    tag,
    summary,
    access: traits.access ?? 'admin',
    params: traits.params ?? null,
    query: traits.query ?? null,
    body: traits.body ?? null,
    reply: traits.reply ?? null,
    answersUnavailable: traits.answersUnavailable ?? false,
    type: traits.type ?? 'application/json',
    bodyBytesMax: traits.bodyBytesMax ?? 0,
  }
}

const PUBLISH_BYTES_MAX = 8 << 20
const COMMAND_BYTES_MAX = 1 << 20

/** By the name of its handler. */
export const CONTRACT = {
  systree: endpoint('mosquitto', 'GET', '/api/v1/systree', 'The values of $SYS, as in mosquitto.', {
    access: 'monitor',
    reply: broker.systree,
  }),
  listeners: endpoint('mosquitto', 'GET', '/api/v1/listeners', 'Listeners, as in mosquitto.', {
    access: 'monitor',
    reply: broker.listeners,
  }),
  version: endpoint('mosquitto', 'GET', '/api/v1/version', 'The version alone, as in mosquitto.', {
    access: 'monitor',
    type: 'text/plain',
  }),
  health: endpoint('health', 'GET', '/health', 'Whether the process answers.', {
    access: 'open',
    reply: broker.health,
  }),
  ready: endpoint('health', 'GET', '/ready', 'Whether it takes connections; 503: it does not.', {
    access: 'open',
    answersUnavailable: true,
    reply: broker.health,
  }),
  metrics: endpoint('health', 'GET', '/metrics', 'For Prometheus.', {
    access: 'monitor',
    type: 'text/plain',
  }),
  session: endpoint('session', 'GET', '/api/v1/session', 'Who is logged in.', {
    access: 'open',
    reply: broker.sessionReply,
  }),
  login: endpoint('session', 'POST', '/api/v1/session', 'Logs in: sets the session cookie.', {
    access: 'open',
    body: broker.loginBody,
    reply: broker.sessionReply,
  }),
  logout: endpoint('session', 'DELETE', '/api/v1/session', 'Logs out.', {
    access: 'open',
    reply: clients.done,
  }),
  overview: endpoint('broker', 'GET', '/api/v1/overview', 'The broker now.', {
    reply: broker.overview,
  }),
  history: endpoint('broker', 'GET', '/api/v1/history', 'The last hour, second by second.', {
    query: broker.historyQuery,
    reply: broker.history,
  }),
  config: endpoint(
    'broker',
    'GET',
    '/api/v1/config',
    'The configuration in force: every option, its value, and where that comes from. Secrets are left out.',
    { reply: broker.config },
  ),
  listenersDetail: endpoint(
    'broker',
    'GET',
    '/api/v1/listeners/detail',
    'Listeners and their connections.',
    { reply: broker.listenersDetail },
  ),
  authority: endpoint(
    'broker',
    'GET',
    '/api/v1/authority',
    'Whose certificate a browser has to know before it opens a WebSocket with TLS at a port.',
    { access: 'open', query: broker.authorityQuery, reply: broker.authority },
  ),
  bridges: endpoint('bridges', 'GET', '/api/v1/bridges', 'Bridges and how they are.', {
    reply: broker.bridges,
  }),
  bridgePause: endpoint(
    'bridges',
    'POST',
    '/api/v1/bridges/pause',
    'Disconnects a bridge until it is resumed; what is to cross is kept.',
    { body: broker.bridgeBody, reply: clients.done },
  ),
  bridgeResume: endpoint('bridges', 'POST', '/api/v1/bridges/resume', 'Lets it connect again.', {
    body: broker.bridgeBody,
    reply: clients.done,
  }),
  events: endpoint(
    'broker',
    'GET',
    '/api/v1/events',
    'Live: event "stats" every second (a sample, with drops), "client" (clients coming and going), ' +
      '"log" (timeMs, level, text).',
    { query: broker.eventsQuery, type: 'text/event-stream' },
  ),
  log: endpoint('broker', 'GET', '/api/v1/log', 'The last lines of the log.', {
    query: broker.logQuery,
    reply: broker.logReply,
  }),
  why: endpoint('access', 'GET', '/api/v1/why', 'Why a client does not get a topic.', {
    query: clients.whyQuery,
    reply: clients.whyReply,
  }),
  refusals: endpoint('clients', 'GET', '/api/v1/refusals', 'Connections that were refused.', {
    reply: clients.refusals,
  }),
  clients: endpoint('clients', 'GET', '/api/v1/clients', 'Sessions: search, order, pages.', {
    query: clients.clientsQuery,
    reply: clients.clientPage,
  }),
  client: endpoint('clients', 'GET', '/api/v1/clients/detail', 'All about one client.', {
    query: clients.clientQuery,
    reply: clients.clientDetail,
  }),
  disconnect: endpoint('clients', 'POST', '/api/v1/clients/disconnect', 'Ends its connection.', {
    body: clients.disconnectBody,
    reply: clients.done,
  }),
  forget: endpoint(
    'clients',
    'POST',
    '/api/v1/clients/forget',
    'Ends its connection and its session, with all messages that wait for it.',
    { body: clients.clientQuery, reply: clients.done },
  ),
  subscriptions: endpoint('subscriptions', 'GET', '/api/v1/subscriptions', 'Subscriptions.', {
    query: clients.subscriptionsQuery,
    reply: clients.subscriptionPage,
  }),
  receivers: endpoint(
    'subscriptions',
    'GET',
    '/api/v1/subscriptions/receivers',
    'Who would receive a message of a topic.',
    { query: clients.receiversQuery, reply: clients.receivers },
  ),
  retained: endpoint('retained', 'GET', '/api/v1/retained', 'Retained messages.', {
    query: clients.retainedQuery,
    reply: clients.retainedPage,
  }),
  retainedMessage: endpoint('retained', 'GET', '/api/v1/retained/message', 'One of them, whole.', {
    query: clients.topicQuery,
    reply: clients.retainedMessage,
  }),
  retainedDelete: endpoint('retained', 'DELETE', '/api/v1/retained/message', 'Removes one.', {
    query: clients.topicQuery,
    reply: clients.done,
  }),
  retainedPurge: endpoint(
    'retained',
    'POST',
    '/api/v1/retained/purge',
    'Removes all that match a filter, or says what would go.',
    { body: clients.purgeBody, reply: clients.purgeReply },
  ),
  cluster: endpoint('cluster', 'GET', '/api/v1/cluster', 'The nodes of the cluster.', {
    reply: cluster,
  }),
  clusterSessions: endpoint(
    'cluster',
    'GET',
    '/api/v1/cluster/sessions',
    'Durable sessions of the cluster, and where their clients are; `q`: part of a client id or of a node.',
    { query: clusterQuery, reply: clusterSessions },
  ),
  clusterDrain: endpoint(
    'cluster',
    'POST',
    '/api/v1/cluster/drain',
    'Has a node send its clients to the others, before it is stopped; answers when it has begun.',
    { body: drainBody, reply: clients.done },
  ),
  delayed: endpoint('delayed', 'GET', '/api/v1/delayed', 'Publishes that wait for their time.', {
    query: clients.retainedQuery,
    reply: delayedPage,
  }),
  delayedCancel: endpoint('delayed', 'DELETE', '/api/v1/delayed/:id', 'Cancels one of them.', {
    params: delayedParams,
    reply: clients.done,
  }),
  topicMetrics: endpoint(
    'messages',
    'GET',
    '/api/v1/topic-metrics',
    'Messages counted by topic filter, for the filters that were asked for.',
    { reply: broker.topicMetrics },
  ),
  topicMetricStart: endpoint(
    'messages',
    'POST',
    '/api/v1/topic-metrics',
    'Counts what is published to a filter from now on; at most 50 filters.',
    { body: broker.topicMetricBody, reply: clients.done },
  ),
  topicMetricEnd: endpoint(
    'messages',
    'DELETE',
    '/api/v1/topic-metrics',
    'Counts a filter no more.',
    { query: broker.topicMetricBody, reply: clients.done },
  ),
  publish: endpoint('messages', 'POST', '/api/v1/publish', 'Publishes a message.', {
    body: clients.publishBody,
    reply: clients.publishReply,
    bodyBytesMax: PUBLISH_BYTES_MAX,
  }),
  publishBatch: endpoint('messages', 'POST', '/api/v1/publish/batch', 'Publishes many.', {
    body: clients.batchBody,
    reply: clients.batchReply,
    bodyBytesMax: PUBLISH_BYTES_MAX,
  }),
  users: endpoint('users', 'GET', '/api/v1/users', 'Users, a page of them; groups and roles.', {
    query: users.usersQuery,
    reply: users.usersReply,
  }),
  userCommands: endpoint(
    'users',
    'POST',
    '/api/v1/users/commands',
    "Changes them: mosquitto's commands of dynamic security, as over $CONTROL.",
    { body: users.commandsBody, reply: users.commandsReply, bodyBytesMax: COMMAND_BYTES_MAX },
  ),
  userRights: endpoint('users', 'GET', '/api/v1/users/rights', 'Who has a right, and why.', {
    query: users.rightsQuery,
    reply: users.rightsReply,
  }),
  userWithout: endpoint(
    'users',
    'GET',
    '/api/v1/users/without',
    'What would be decided otherwise if a role went.',
    { query: users.withoutQuery, reply: users.withoutReply },
  ),
  audit: endpoint('users', 'GET', '/api/v1/audit', 'Who changed users, groups and roles.', {
    reply: users.auditReply,
  }),
  bans: endpoint('bans', 'GET', '/api/v1/bans', 'Who is banned, and until when.', {
    query: bans.bansQuery,
    reply: bans.bansPage,
  }),
  banMake: endpoint(
    'bans',
    'POST',
    '/api/v1/bans',
    'Bans who has all of the names given: their connections end, and they are refused with 0x8A.',
    { body: bans.banBody, reply: bans.banReply },
  ),
  banLift: endpoint('bans', 'DELETE', '/api/v1/bans/:id', 'Lifts a ban.', {
    params: bans.banParams,
    reply: bans.banReply,
  }),
  aclTest: endpoint('access', 'GET', '/api/v1/acl/test', 'What the access rules say, and why.', {
    query: clients.aclQuery,
    reply: clients.aclReply,
  }),
  traces: endpoint('traces', 'GET', '/api/v1/traces', 'Packet traces.', { reply: traces.traces }),
  traceStart: endpoint(
    'traces',
    'POST',
    '/api/v1/traces',
    'Starts to keep the packets of a client, a topic or an address; with several, of what is all of it.',
    { body: traces.traceBody, reply: traces.trace },
  ),
  tracePackets: endpoint('traces', 'GET', '/api/v1/traces/:id', 'Packets of a trace.', {
    params: traces.traceParams,
    query: traces.traceQuery,
    reply: traces.traceReply,
  }),
  traceDownload: endpoint('traces', 'GET', '/api/v1/traces/:id/download', 'A trace as a file.', {
    params: traces.traceParams,
    query: traces.downloadQuery,
    type: 'application/x-ndjson',
  }),
  traceDelete: endpoint('traces', 'DELETE', '/api/v1/traces/:id', 'Ends and drops a trace.', {
    params: traces.traceParams,
    reply: clients.done,
  }),
}

export type Contract = typeof CONTRACT

/** What the API says of a cluster. */
import { flag, integer, list, object, text, type Static } from './schema.ts'
import { page, paged, pageSize } from './schemas-pages.ts'

export const cluster = object({
  clustered: flag('Is this broker a node of a cluster? If not, the rest is empty.'),
  name: text('Of the cluster.'),
  node: text('This one.'),
  leaseLeftMs: integer(
    'ms until this node ends itself, should no NATS server take its heartbeats.',
  ),
  leaseMs: integer('ms that the lease lasts when a heartbeat is taken.'),
  nodes: list(
    object({
      node: text('Its name.'),
      version: text('Of mozzie.'),
      connected: integer('Clients that are connected to it, as of its last heartbeat.'),
      draining: flag('Its clients are sent to other nodes, and it lets nobody in.'),
      received: integer('PUBLISH packets since it started, as of its last heartbeat.'),
      sent: integer('The same, to clients.'),
      dropped: integer('Messages that a receiver did not get.'),
      self: flag('The node that answers.'),
    }),
    'By name.',
  ),
})
export type ClusterFacts = Static<typeof cluster>

export const drainBody = object(
  {
    node: text('The node to be drained.', { minLength: 1, maxLength: 32 }),
    seconds: integer('Its clients are gone within some so many; absent: 10.', {
      minimum: 1,
      maximum: 3600,
    }),
  },
  ['seconds'],
)

export const clusterQuery = object(
  {
    q: text('Only where client id or node hold this text; case does not matter.', {
      maxLength: 1000,
    }),
    page,
    pageSize,
  },
  ['q', 'page', 'pageSize'],
)

export const clusterSessions = paged(
  object({
    clientId: text('Client id.'),
    node: text('Node that its client is connected to; empty: none.'),
    subscriptions: integer('How many it has.'),
  }),
)
export type ClusterSession = Static<typeof clusterSessions>['items'][number]

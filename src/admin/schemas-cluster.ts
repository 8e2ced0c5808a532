/** What the API says of a cluster. */
import { flag, integer, list, object, text, type Static } from './schema.ts'
import { page, paged, pageSize } from './schemas-clients.ts'

export const cluster = object({
  clustered: flag('Is this broker a node of a cluster? If not, the rest is empty.'),
  name: text('Of the cluster.'),
  node: text('This one.'),
  leaseLeftMs: integer(
    'ms until this node ends itself, should no NATS server take its heartbeats.',
  ),
  nodes: list(
    object({
      node: text('Its name.'),
      version: text('Of mozzie.'),
      connected: integer('Clients that are connected to it, as of its last heartbeat.'),
      self: flag('The node that answers.'),
    }),
    'By name.',
  ),
})
export type ClusterFacts = Static<typeof cluster>

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

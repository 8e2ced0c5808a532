/** The cluster: its nodes, and which of them has which client. */
import { holds, pageOf } from '../scan.ts'
import type { Handlers, HandlerWorld } from './handler.ts'

type ClusterHandlers = Pick<Handlers, 'cluster' | 'clusterSessions' | 'clusterDrain'>

const DRAIN_SECONDS = 10

export function clusterHandlers({ admin }: HandlerWorld): ClusterHandlers {
  const { cluster } = admin.source
  return {
    cluster: () => cluster.facts(),
    async clusterDrain({ body: { node, seconds = DRAIN_SECONDS } }) {
      await cluster.drain(node, seconds)
      return { done: true }
    },
    async clusterSessions({ query }) {
      const wanted = (query.q ?? '').toLowerCase()
      return await pageOf(
        cluster.sessions(),
        ({ clientId, node }) => holds(wanted, clientId) || holds(wanted, node),
        query,
        (left, right) => (left.clientId < right.clientId ? -1 : 1),
      )
    },
  }
}

/** The cluster: its nodes, and which of them has which client. */
import { holds, pageOf } from '../scan.ts'
import type { Handlers, HandlerWorld } from './handler.ts'

type ClusterHandlers = Pick<Handlers, 'cluster' | 'clusterSessions'>

export function clusterHandlers({ admin }: HandlerWorld): ClusterHandlers {
  const { cluster } = admin.source
  return {
    cluster: () => cluster.facts(),
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

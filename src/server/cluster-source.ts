/** The cluster as the admin API tells of it. */
import type { ClusterFacts, ClusterSession } from '../admin/schemas-cluster.ts'
import type { ClusterSource } from '../admin/source.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'

const ALONE: ClusterFacts = { clustered: false, name: '', node: '', leaseLeftMs: 0, nodes: [] }

/** `nodeOf`: null for a broker of its own. */
export function clusterSource(nodeOf: () => ClusterNode | null): ClusterSource {
  return {
    facts() {
      const node = nodeOf()
      return node === null || !node.isJoined ? ALONE : factsOf(node)
    },
    sessions() {
      const node = nodeOf()
      return node === null || !node.isJoined ? [] : sessionsOf(node)
    },
  }
}

function factsOf({ options, membership }: ClusterNode): ClusterFacts {
  const own = { ...membership.report(false), self: true }
  const others = membership.others().map((view) => ({ ...view, self: false }))
  const nodes = [own, ...others].map(({ node, version, connected, self }) => ({
    node,
    version,
    connected,
    self,
  }))
  nodes.sort((left, right) => (left.node < right.node ? -1 : 1))
  const leaseLeftMs = Math.max(0, Math.round(membership.leaseLeftMs))
  return { clustered: true, name: options.name, node: options.node, leaseLeftMs, nodes }
}

function* sessionsOf({ table, membership }: ClusterNode): IterableIterator<ClusterSession> {
  for (const { row } of table.sessions.values()) {
    if (row.record === null) continue
    const node = row.owner !== '' && membership.isAlive(row.owner) ? row.owner : ''
    yield { clientId: row.clientId, node, subscriptions: row.subscriptions.size }
  }
}

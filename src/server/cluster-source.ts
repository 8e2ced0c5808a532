/** The cluster as the admin API tells of it. */
import { HttpError } from '../admin/http-error.ts'
import type { ClusterFacts, ClusterSession } from '../admin/schemas-cluster.ts'
import type { ClusterSource } from '../admin/source.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import type { NodeReport } from '../cluster/node-report.ts'
import type { Drain } from './drain.ts'

const ALONE: ClusterFacts = {
  clustered: false,
  name: '',
  node: '',
  leaseLeftMs: 0,
  leaseMs: 0,
  nodes: [],
}
/** Of a version that does not tell. */
const NO_FIGURES = { received: 0, sent: 0, dropped: 0 }

interface Clustered {
  /** null: a broker of its own. */
  readonly cluster: { readonly node: ClusterNode } | null
  readonly drain: Drain | null
}

export function clusterSource(server: Clustered): ClusterSource {
  const joined = (): ClusterNode | null => {
    const node = server.cluster?.node ?? null
    return node?.isJoined === true ? node : null
  }
  return {
    facts() {
      const node = joined()
      return node === null ? ALONE : factsOf(node)
    },
    sessions() {
      const node = joined()
      return node === null ? [] : sessionsOf(node)
    },
    async drain(name, seconds) {
      const node = joined()
      if (node === null || server.drain === null)
        throw new HttpError(409, 'This is a broker of its own: it has nowhere to send its clients.')
      checkDrain(factsOf(node), name)
      const isTaken =
        name === node.options.node
          ? await server.drain.start(seconds)
          : await askToDrain(node, name, seconds)
      if (!isTaken) throw nobodyElse(name)
    },
  }
}

/** Throws HttpError where nobody is there to drain, or to take its clients. */
function checkDrain({ nodes }: ClusterFacts, name: string): void {
  if (!nodes.some(({ node }) => node === name))
    throw new HttpError(404, `The cluster has no node "${name}".`)
  if (!nodes.some(({ node, draining }) => node !== name && !draining)) throw nobodyElse(name)
}

function nobodyElse(name: string): HttpError {
  return new HttpError(409, `No other node takes clients: those of "${name}" would be nowhere.`)
}

/** False: no other node would take its clients. */
async function askToDrain(node: ClusterNode, name: string, seconds: number): Promise<boolean> {
  try {
    const answer = await node.questions.askOne(name, 'drain', [seconds])
    if (answer !== null) return answer.value !== false
  } catch (error) {
    throw new HttpError(503, (error as Error).message)
  }
  throw new HttpError(503, `Node "${name}" does not answer.`)
}

function factsOf({ options, membership }: ClusterNode): ClusterFacts {
  const row = (report: NodeReport, self: boolean): ClusterFacts['nodes'][number] => {
    const { node, version, connected, isDraining: draining = false, figures } = report
    return { node, version, connected, draining, ...(figures ?? NO_FIGURES), self }
  }
  const nodes = [
    row(membership.report(false), true),
    ...membership.others().map((view) => row(view, false)),
  ]
  nodes.sort((left, right) => (left.node < right.node ? -1 : 1))
  const leaseLeftMs = Math.max(0, Math.round(membership.leaseLeftMs))
  const { name, node, leaseMs } = options
  return { clustered: true, name, node, leaseLeftMs, leaseMs, nodes }
}

function* sessionsOf({ table, membership }: ClusterNode): IterableIterator<ClusterSession> {
  for (const { row } of table.sessions.values()) {
    if (row.record === null) continue
    const node = row.owner !== '' && membership.isAlive(row.owner) ? row.owner : ''
    yield { clientId: row.clientId, node, subscriptions: row.subscriptions.size }
  }
}

/** What nodes of a cluster ask each other for the admin API: every node shows the clients of all, and can do something to each. */
import { placedViews, viewsOf, type ClientPlace, type Views } from '../admin/views.ts'
import type { Broker } from '../broker/broker.ts'
import type { ShownSessions } from '../broker/inspect.ts'
import type { ClientView } from '../broker/views.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import type { BridgeControl } from '../ports/bridge-status.ts'
import { bridgeAnswers } from './bridge-desk.ts'
import type { Drain } from './drain.ts'
import { joinViews, type AskViews, type Heard } from './joint-views.ts'

function viewsOfNode(broker: Broker, node: ClusterNode, shown: ShownSessions): Views {
  const placeOf = ({ connected }: ClientView): Partial<ClientPlace> => ({
    node: connected ? node.options.node : null,
  })
  return placedViews(viewsOf(broker, broker.inspector(shown)), placeOf)
}

/** What is answered to other nodes: of clients and bridges that are here. */
export function clusterAnswers(
  { broker, bridges }: { readonly broker: Broker; readonly bridges: BridgeControl },
  node: ClusterNode,
  drain: Drain,
) {
  return {
    ...viewsOfNode(broker, node, { away: false, backlogOf: () => null }),
    ...bridgeAnswers(bridges, node),
    drain: (seconds: number) => drain.start(seconds),
  }
}

/** Clients of all nodes, and sessions whose clients are nowhere, which every node knows. */
export function clusterViews(broker: Broker, node: ClusterNode): Views {
  const own = viewsOfNode(broker, node, { away: true, backlogOf: () => null })
  const ask = async (name: string, ...args: readonly unknown[]): Promise<Heard<unknown>> => {
    if (!node.isJoined) return { said: [], missing: [] }
    // JSON would make null of it.
    const given = args.filter((arg) => arg !== undefined)
    const { answers, silent } = await node.questions.askAll(name, given)
    return { said: answers.map(({ value }) => value), missing: silent }
  }
  return joinViews(own, ask as AskViews)
}

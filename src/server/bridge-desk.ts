/** Bridges for the admin API: those of all nodes at every node, each looked at and paused from anywhere. */
import { HttpError } from '../admin/http-error.ts'
import type { BridgeDesk, PlacedBridge } from '../admin/source.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import type { Config } from '../config/config.ts'
import type { BridgeControl, BridgeStatus } from '../ports/bridge-status.ts'
import { postOf } from './cluster-bridges.ts'

interface Host {
  readonly bridges: BridgeControl
  readonly config: Pick<Config, 'bridges'>
  /** null: a broker of its own. */
  readonly cluster: { readonly node: ClusterNode } | null
}

/** What is answered to other nodes: of bridges that run here. `turnBridges`: when those that are paused by now are. */
export function bridgeAnswers(bridges: Pick<BridgeControl, 'list'>, { records }: ClusterNode) {
  return {
    bridges: async () => bridges.list(),
    turnBridges: () => records.refresh(),
  }
}

export function bridgeDeskOf(server: Host): BridgeDesk {
  const { bridges, cluster } = server
  return cluster === null ? ownDesk(bridges) : sharedDesk(server, cluster.node)
}

function ownDesk(bridges: BridgeControl): BridgeDesk {
  return {
    list: async () => ({ bridges: bridges.list().map((status) => ({ ...status, node: null })) }),
    pause: async (name) => bridges.pause(name),
    resume: async (name) => bridges.resume(name),
  }
}

function sharedDesk(server: Host, node: ClusterNode): BridgeDesk {
  const { bridges } = server
  const ask = async (name: string) =>
    node.isJoined ? await node.questions.askAll(name, []) : { answers: [], silent: [] }
  const isKnown = (name: string): boolean =>
    server.config.bridges.some((bridge) => bridge.name === name) ||
    node.membership.others().some((other) => other.bridges?.includes(name) === true)
  const turn = async (name: string, isPaused: boolean): Promise<boolean> => {
    if (!node.isJoined || !isKnown(name)) return false
    try {
      await node.pauses.set(name, isPaused)
    } catch (error) {
      throw new HttpError(503, (error as Error).message)
    }
    await ask('turnBridges')
    return true
  }
  return {
    async list() {
      const { answers, silent } = await ask('bridges')
      const others = answers.flatMap((answer) =>
        (answer.value as BridgeStatus[]).map((status) => ({ ...status, node: answer.node })),
      )
      const own = bridges.list().map((status) => ({ ...status, node: node.options.node }))
      const holderOf = (name: string): string => node.posts.holderOf(postOf(name)).node
      const rows = inOrder(eachOnce([...own, ...others], holderOf), server.config)
      return { bridges: rows, ...(silent.length === 0 ? {} : { missing: [...silent] }) }
    },
    pause: (name) => turn(name, true),
    resume: (name) => turn(name, false),
  }
}

/** While a bridge moves two nodes may tell of it. */
function eachOnce(rows: readonly PlacedBridge[], holderOf: (name: string) => string) {
  const found = new Map<string, PlacedBridge>()
  for (const row of rows)
    if (!found.has(row.name) || row.node === holderOf(row.name)) found.set(row.name, row)
  return [...found.values()]
}

/** As configured here, wherever they run; what only others have comes behind. */
function inOrder(rows: readonly PlacedBridge[], { bridges }: Pick<Config, 'bridges'>) {
  const places = new Map(bridges.map(({ name }, index) => [name, index]))
  const placeOf = ({ name }: PlacedBridge): number => places.get(name) ?? bridges.length
  return [...rows].sort((a, b) => placeOf(a) - placeOf(b) || (a.name < b.name ? -1 : 1))
}

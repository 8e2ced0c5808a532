/**
 * Bridges of a cluster: each runs at one node at a time, the one that holds its post (`cluster/posts.ts`). Its local session is
 * kept as any other, so the node that comes next goes on with what waits in it, and under the same packet identifiers.
 */
import type { Log } from '../base/log.ts'
import type { LocalBroker } from '../bridge/local-broker.ts'
import { TopicMap } from '../bridge/topic-map.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import type { Pauses } from '../cluster/pauses.ts'
import type { Observer } from '../ports/ports.ts'
import { createBridges, type Bridges, type NamedBridge, type NamedBridges } from './bridges.ts'

/** How often is looked whether another node has made the session of its bridge. */
const LOOK_MS = 50

export function createClusterBridges(
  node: ClusterNode,
  broker: LocalBroker,
  log: Log,
  first: NamedBridges,
): Bridges {
  let wanted = first
  let observer: Observer | null = null
  let here: Bridges | null = null

  const held = (): NamedBridges =>
    new Map([...wanted].filter(([name]) => node.posts.holds(postOf(name))))
  const want = (): Promise<void> => node.posts.want([...wanted.keys()].map(postOf))
  // The queue and the pause of a bridge go when no node is configured to have it any more.
  const isNobodys = (name: string): boolean =>
    !wanted.has(name) &&
    node.membership.others().every(({ bridges }) => bridges?.includes(name) !== true)

  const rules = { forgets: isNobodys, isPaused: (name: string) => node.pauses.has(name) }

  const prepare = async (done: () => void): Promise<void> => {
    await node.pauses.endIfAlone()
    await want()
    const running = createBridges(broker, log, held(), rules)
    here = running
    if (observer !== null) running.watch(observer)
    const preparedHere = new Promise<void>((resolve) => running.prepare(resolve))
    const elsewhere = [...wanted].filter(([name]) => !held().has(name))
    await Promise.all([preparedHere, ...elsewhere.map((bridge) => isPrepared(bridge))])
    done()
  }

  /** What is published here is to be kept for a bridge that another node has. */
  const isPrepared = async ([name, { settings }]: [string, NamedBridge]): Promise<void> => {
    if (settings.localCleanSession) return
    const filters = new TopicMap(settings.topics).localFilters
    const endMs = performance.now() + node.options.leaseMs
    while (!node.posts.holds(postOf(name)) && performance.now() < endMs) {
      const known = new Set(broker.filtersOf(settings.localClientId))
      if (filters.every(({ filter }) => known.has(filter))) return
      await new Promise((resolve) => void setTimeout(resolve, LOOK_MS))
    }
  }

  const follow = (): void => {
    node.posts.onChange = () => here?.apply(held(), () => {})
    node.pauses.onChange = () => turn(here, node.pauses)
    turn(here, node.pauses)
    here?.apply(held(), () => {})
  }

  return {
    prepare: (done) => void prepare(done),
    start() {
      here?.start()
      follow()
    },
    apply(settings, done) {
      const before = [...wanted.keys()]
      wanted = settings
      // Where NATS does not take it a pause is there for who gives the name to another bridge.
      for (const name of before) if (isNobodys(name)) node.pauses.set(name, false).catch(() => {})
      void node.membership.tellNow()
      void want().then(() => here?.apply(held(), done))
    },
    watch: (seen) => void (observer = seen),
    list: () => here?.list() ?? [],
    pause: (name) => here?.pause(name) ?? false,
    resume: (name) => here?.resume(name) ?? false,
    close() {
      here?.close()
      if (!node.isJoined) return
      node.posts.onChange = () => {}
      node.pauses.onChange = () => {}
      void node.posts.leave()
    },
  }
}

/** Pauses what is to be paused, and lets the rest go on. */
function turn(bridges: Bridges | null, pauses: Pauses): void {
  for (const { name } of bridges?.list() ?? [])
    if (pauses.has(name)) bridges?.pause(name)
    else bridges?.resume(name)
}

/** What a node that runs the bridge holds. */
export function postOf(name: string): string {
  return `bridge ${name}`
}

/**
 * Bridges of a cluster: each runs at one node at a time, the one that holds its post (`cluster/posts.ts`). Its local session is
 * kept as any other, so the node that comes next goes on with what waits in it, and under the same packet identifiers.
 */
import type { Log } from '../base/log.ts'
import type { LocalBroker } from '../bridge/local-broker.ts'
import { TopicMap } from '../bridge/topic-map.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
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
  // Its queue goes with a bridge that no node is configured to have any more.
  const forgets = (name: string): boolean =>
    !wanted.has(name) &&
    node.membership.others().every(({ bridges }) => bridges?.includes(name) !== true)

  const prepare = async (done: () => void): Promise<void> => {
    await want()
    const running = createBridges(broker, log, held(), forgets)
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
    here?.apply(held(), () => {})
  }

  return {
    prepare: (done) => void prepare(done),
    start() {
      here?.start()
      follow()
    },
    apply(settings, done) {
      wanted = settings
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
      void node.posts.leave()
    },
  }
}

/** What a node that runs the bridge holds. */
export function postOf(name: string): string {
  return `bridge ${name}`
}

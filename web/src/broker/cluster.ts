/** The cluster that the broker is a node of, and which of its nodes have gone since the page was opened. */
import { useEffect } from 'react'
import { createStore, useStore } from '../ui/store.ts'
import { call, type Cluster } from './api.ts'
import { brokerNowMs } from './reach.ts'
import { useLoaded } from './use-api.ts'

const REFRESH_MS = 3000
/** A broker of its own may become a node when it is started again. */
const ALONE_MS = 60_000

interface Known extends Cluster {
  /** Nodes that were there, and when they were seen last: ms since 1970, by the broker's clock. */
  readonly gone: readonly { node: string; seenAtMs: number }[]
}

export const cluster = createStore<Known>({
  clustered: false,
  name: '',
  node: '',
  leaseLeftMs: 0,
  leaseMs: 0,
  nodes: [],
  gone: [],
})

const seenAtMs = new Map<string, number>()

function note(now: Cluster): void {
  const isHere = new Set(now.nodes.map(({ node }) => node))
  for (const node of isHere) seenAtMs.set(node, brokerNowMs())
  const gone = [...seenAtMs].filter(([node]) => !isHere.has(node))
  // A node that starts, or a broker of its own, names nobody: that says nothing of the others.
  cluster.set({
    ...now,
    gone: now.clustered ? gone.map(([node, at]) => ({ node, seenAtMs: at })) : [],
  })
}

/** Keeps {@link cluster} up to date; shows nothing. */
export function ClusterWatch(): null {
  const isClustered = useStore(cluster, ({ clustered }) => clustered)
  const everyMs = isClustered ? REFRESH_MS : ALONE_MS
  const { value } = useLoaded('cluster', () => call('cluster'), everyMs, false)
  useEffect(() => {
    if (value !== null) note(value)
  }, [value])
  return null
}

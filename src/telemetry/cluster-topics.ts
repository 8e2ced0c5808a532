/** The nodes of a cluster together, below `$SYS/cluster/`: published when a value has changed. Ours. */

/** A node as of its last heartbeat. */
interface ClusterNodeFigures {
  readonly connected: number
  readonly received: number
  readonly sent: number
  readonly dropped: number
}

const SUMS: readonly (readonly [topic: string, value: (node: ClusterNodeFigures) => number])[] = [
  ['nodes/count', () => 1],
  ['clients/connected', ({ connected }) => connected],
  ['publish/messages/received', ({ received }) => received],
  ['publish/messages/sent', ({ sent }) => sent],
  ['publish/messages/dropped', ({ dropped }) => dropped],
]

/** @returns what publishes the changes since its last call; without nodes nothing. */
export function createClusterTopics(
  publish: (topic: string, text: string) => void,
): (nodes: readonly ClusterNodeFigures[]) => void {
  const last = new Map<string, number>()
  return (nodes) => {
    if (nodes.length === 0) return
    for (const [topic, value] of SUMS) {
      const sum = nodes.reduce((total, node) => total + value(node), 0)
      if (last.get(topic) === sum) continue
      last.set(topic, sum)
      publish(`$SYS/cluster/${topic}`, String(sum))
    }
  }
}

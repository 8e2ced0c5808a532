import { setTimeout as wait } from 'node:timers/promises'
import type { ClusterNode } from '../../src/cluster/cluster-node.ts'
import { ClusterPeers } from '../../src/cluster/cluster-peers.ts'
import { peersContract } from '../peers/contract.ts'
import type { PeersSetup } from '../peers/peer-node.ts'
import { Told } from '../store/told.ts'
import { waitMsMax } from '../support/patience.ts'
import type { NatsServers } from './nats-servers.ts'
import { newName, newNode } from './nodes.ts'
import { overNats } from './support/stage.ts'

/** Short, for a dead node is waited for; long enough for a test process on a machine that stops it for seconds. */
const LEASE_MS = 8000

async function setup(nats: NatsServers): Promise<PeersSetup> {
  const cluster = newName()
  const nodes = new Map<string, ClusterNode>()
  return {
    async join(name) {
      const node = newNode(nats.urls, cluster, name, { leaseMs: LEASE_MS })
      const peers = new ClusterPeers(node)
      const told = new Told()
      void node.open(told.events)
      await told.next('ready')
      nodes.set(name, node)
      return peers
    },
    async leave(name) {
      await nodes.get(name)?.cut()
      nodes.delete(name)
    },
    async until(condition) {
      const endMs = performance.now() + waitMsMax
      while (!condition()) {
        const over = [...nodes].filter(([, { membership }]) => !membership.isValid())
        if (performance.now() > endMs)
          throw new Error(`it does not come; leases over: ${over.map(([name]) => name).join()}`)
        await wait(2)
      }
    },
    async settle() {
      for (let round = 0; round < 3; round++) {
        for (const { wire } of nodes.values()) await wire.nc.flush()
        await wait(5)
      }
    },
    async dispose() {
      for (const node of nodes.values()) await node.cut()
    },
  }
}

overNats('the cluster’s peers', (nats) =>
  peersContract('cluster', () => setup(nats), { fair: true }),
)

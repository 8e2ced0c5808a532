import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ClusterNode } from '../../src/cluster/cluster-node.ts'
import { ClusterPeers } from '../../src/cluster/cluster-peers.ts'
import { PeerNode } from '../peers/contract.ts'
import { Told } from '../store/told.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'
import { newName, newNode } from './nodes.ts'

/** Longer than it takes to join: a former run counts as alive all the while. */
const LEASE_MS = 20_000

let nats: NatsServers

/** Resolves when it has joined. */
async function join(cluster: string, name: string): Promise<ClusterNode> {
  const node = newNode(nats.urls, cluster, name, { leaseMs: LEASE_MS })
  void new PeerNode(name, new ClusterPeers(node))
  const told = new Told()
  void node.open(told.events)
  await told.next('ready')
  return node
}

if (skipNats !== false) test('joining a cluster', { skip: skipNats }, () => {})
else {
  before(async () => {
    nats = await startNats()
  })
  after(() => nats.stop())

  test('nodes that are all killed and started at once join again', async () => {
    const cluster = newName()
    const names = ['a', 'b', 'c']
    const former = await Promise.all(names.map((name) => join(cluster, name)))
    await Promise.all(former.map((node) => node.cut()))
    const nodes = await Promise.all(names.map((name) => join(cluster, name)))
    for (const node of nodes) assert.equal(node.membership.others().length, 2)
    await Promise.all(nodes.map((node) => node.cut()))
  })
}

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterNode } from '../../src/cluster/cluster-node.ts'
import { Membership } from '../../src/cluster/membership.ts'
import { makeStreams } from '../../src/cluster/streams.ts'
import { ClusterPeers } from '../../src/cluster/cluster-peers.ts'
import { PeerNode } from '../peers/contract.ts'
import { testMsMax } from '../support/patience.ts'
import { Told } from '../store/told.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'
import { newName, newNode, plainWire } from './nodes.ts'

/** Longer than it takes to join: a former run counts as alive all the while. */
const LEASE_MS = 20_000
/** Of the option. */
const DEFAULT_LEASE_MS = 15_000
/** A fifth of it, the time between two heartbeats, is much more than `SOON_MS`. */
const LONG_LEASE_MS = 300_000
const SOON_MS = 20_000

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

  test(
    'a NATS server that hangs is left for another one within a lease',
    { timeout: testMsMax },
    async (context) => {
      const servers = await startNats(2)
      context.after(() => servers.stop())
      const wire = await plainWire(servers.urls)
      context.after(() => wire.cut())
      const used = (): string => wire.nc.getServer()
      const first = used()
      const hung = servers.servers.find(({ port }) => first.endsWith(`:${port}`))
      hung?.freeze(true)
      const frozenMs = performance.now()
      for await (const { type } of wire.nc.status()) if (type === 'reconnect') break
      const tookMs = Math.round(performance.now() - frozenMs)
      assert.notEqual(used(), first)
      assert.ok(tookMs < DEFAULT_LEASE_MS, `${tookMs} ms`)
      context.diagnostic(`${tookMs} ms`)
    },
  )

  test(
    'a heartbeat that nobody took is tried again at once',
    { timeout: testMsMax },
    async (context) => {
      const node = newNode(nats.urls, newName(), 'a', { leaseMs: LONG_LEASE_MS })
      const { options } = node
      const wire = await options.connect()
      context.after(() => wire.cut())
      await makeStreams(wire, options, () => {})
      const membership = new Membership(wire, options)
      await membership.join(() => {})
      context.after(() => membership.abandon())
      await wire.api(`STREAM.DELETE.${options.name}_N`)
      await membership.tellNow()
      const leaseEndMs = (): number => performance.now() + membership.leaseLeftMs
      const before = leaseEndMs()
      await makeStreams(wire, options, () => {})
      for (const endMs = performance.now() + SOON_MS; leaseEndMs() < before + 1;) {
        assert.ok(performance.now() < endMs, 'it waits for the next heartbeat')
        await sleep(20)
      }
    },
  )
}

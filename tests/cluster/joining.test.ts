import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NatsConnectionImpl } from '@nats-io/transport-node'
import { Membership } from '../../src/cluster/membership.ts'
import { makeStreams } from '../../src/cluster/streams.ts'
import { ClusterPeers } from '../../src/cluster/cluster-peers.ts'
import { PeerNode } from '../peers/peer-node.ts'
import { testMsMax } from '../support/patience.ts'
import { startNats } from './nats-servers.ts'
import { newName, newNode, plainWire } from './nodes.ts'
import { overNats, until, type Stage } from './support/stage.ts'

/** It does not end, and no heartbeat comes by itself, as long as a test may last. */
const ENDLESS_MS = 100 * testMsMax
/** Of the option. */
const DEFAULT_LEASE_MS = 15_000

const join = async (stage: Stage, name: string) =>
  stage.join(
    name,
    { leaseMs: ENDLESS_MS },
    (node) => void new PeerNode(name, new ClusterPeers(node)),
  )

overNats('joining a cluster', (nats) => {
  test('nodes that are all killed and started at once join again', async (context) => {
    const stage = nats.stage(context)
    const names = ['a', 'b', 'c']
    const former = await Promise.all(names.map((name) => join(stage, name)))
    await Promise.all(former.map(({ node }) => node.cut()))
    const places = await Promise.all(names.map((name) => join(stage, name)))
    for (const { node } of places) assert.equal(node.membership.others().length, 2)
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
      servers.servers.find(({ port }) => first.endsWith(`:${port}`))?.freeze(true)
      let pings = 0
      for await (const { type } of wire.nc.status()) {
        if (type === 'ping') pings++
        if (type === 'reconnect') break
      }
      assert.notEqual(used(), first)
      // What that comes to without other work on the machine.
      const { pingInterval = 0, timeout = 0 } = (wire.nc as NatsConnectionImpl).options
      const leftMs = pings * pingInterval + timeout
      assert.ok(pings > 0 && leftMs < DEFAULT_LEASE_MS, `${pings} pings, ${leftMs} ms`)
    },
  )

  test('a heartbeat that nobody took is tried again at once', async (context) => {
    const node = newNode(nats.urls, newName(), 'a', { leaseMs: ENDLESS_MS })
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
    await until(() => leaseEndMs() > before + 1)
  })
})

/** Nodes of a cluster as tests want them: short leases, one partition more than one. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { ClusterNode } from '../../src/cluster/cluster-node.ts'
import type { ClusterOptions } from '../../src/cluster/cluster-options.ts'
import { connectWire } from '../../src/cluster/connect.ts'
import type { Wire } from '../../src/cluster/wire.ts'

/** Long enough for a busy machine. */
const LEASE_MS = 60_000

export function newNode(
  urls: readonly string[],
  name: string,
  node: string,
  more: Partial<ClusterOptions> = {},
): ClusterNode {
  return new ClusterNode({
    name,
    node,
    run: randomBytes(6).toString('hex'),
    replicas: 1,
    partitions: 2,
    leaseMs: LEASE_MS,
    queuedMax: 0,
    version: 'test',
    log: { mask: 0, write() {} },
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    connect: () => plainWire(urls, node),
    counts: () => ({
      connected: 0,
      sessions: 0,
      isDraining: false,
      figures: { received: 0, sent: 0, dropped: 0 },
      bridges: [],
      sharesUsers: true,
    }),
    onFenced: () => assert.fail(`${node} has lost its lease`),
    ...more,
  })
}

/** A connection without certificates and passwords. */
export function plainWire(urls: readonly string[], name = 'test'): Promise<Wire> {
  return connectWire({
    urls,
    name,
    credsFile: null,
    caFile: null,
    certFile: null,
    keyFile: null,
    say() {},
  })
}

let last = 0

/** A name that no other cluster on these servers has. */
export function newName(): string {
  return `t${process.pid}x${++last}`
}

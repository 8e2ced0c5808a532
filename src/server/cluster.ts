/** The broker as a node of a cluster: what its options ask for, what is refused with them, and the ports over NATS. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { LogType, type Log } from '../base/log.ts'
import type { DynamicSecurity } from '../auth/dynamic/dynamic-security.ts'
import type { LocalBroker } from '../bridge/local-broker.ts'
import type { Broker } from '../broker/broker.ts'
import { ClusterNode } from '../cluster/cluster-node.ts'
import { ClusterPeers } from '../cluster/cluster-peers.ts'
import { ClusterStore } from '../cluster/cluster-store.ts'
import { connectWire } from '../cluster/connect.ts'
import { ClusterError } from '../cluster/failures.ts'
import type { NodeCounts } from '../cluster/node-report.ts'
import { findSync } from '../cluster/sync-check.ts'
import type { Config, GlobalValues } from '../config/config.ts'
import type { Bridges, NamedBridges } from './bridges.ts'
import { clusterAnswers } from './cluster-asks.ts'
import { createClusterBridges } from './cluster-bridges.ts'
import { createDrain, type Drain, type Draining } from './drain.ts'
import type { ListenerClients } from './engine.ts'
import type { RunningListener } from './listeners.ts'
import { nodeClock } from './node-ports.ts'
import { dynamicFileOf } from './security.ts'
import { shareUsers, type SharedUsers } from './shared-users.ts'
import { version } from './version.ts'

/** The broker process around the node. */
interface Served extends Draining {
  readonly broker: Broker
  readonly listeners: readonly RunningListener[]
  /** Listeners with pages, by name. */
  readonly pages: ReadonlyMap<string, unknown>
  readonly config: Config
  readonly bridges: Bridges
}

export interface Cluster {
  readonly node: ClusterNode
  readonly store: ClusterStore
  readonly peers: ClusterPeers
  /** Those that run at this node while no other one has them. */
  bridges(broker: LocalBroker, log: Log, first: NamedBridges): Bridges
  /** Users, groups and roles are those of all nodes; to be called before the node joins. */
  shareUsers(dynamicOf: () => DynamicSecurity, broker: Broker, log: Log): SharedUsers
  /** It serves clients: answers what other nodes ask from now on. `deafen`: closes what some listeners let in by. */
  begin(server: Served, deafen: (which: (clients: ListenerClients) => boolean) => void): Drain
}

export interface ClusterJoining {
  readonly config: Config
  readonly log: Log
  server(): Served
  /** The lease has ended: the process is to end without another word. */
  onFatal(error: Error): void
}

/** What a node of a cluster cannot have, by the name of its option. */
const REFUSALS: readonly (readonly [why: string, isAsked: (config: Config) => boolean])[] = [
  [
    '"persistence true" with "cluster_url": the cluster keeps what there is to keep',
    ({ global }) => global.persistence,
  ],
  [
    '"start_type lazy" with "cluster_url": the node that has a bridge does not see what wakes it at others',
    ({ bridges }) => bridges.some(({ startType }) => startType === 'lazy'),
  ],
  [
    'several dynamic_security_file with "cluster_url": the nodes share one',
    ({ listeners }) =>
      new Set(listeners.flatMap(({ dynamicSecurityFile: file }) => file ?? [])).size > 1,
  ],
]

const SPARE_BYTES = 64 * 1024

/** Throws {@link ClusterError} on options that do not go together. */
export function checkClusterOptions(config: Config): void {
  for (const [why, isAsked] of REFUSALS) if (isAsked(config)) throw new ClusterError(why)
  nodeIdOf(config.global)
}

function nodeIdOf({ clusterNodeId }: GlobalValues): string {
  const node =
    clusterNodeId ??
    hostname()
      .replaceAll(/[^A-Za-z0-9_-]/g, '-')
      .slice(0, 32)
  if (node === '')
    throw new ClusterError('this host has no name: give the node one, cluster_node_id')
  return node
}

/**
 * Connects, however long it takes until a NATS server answers. Throws {@link ClusterError} when the servers cannot be used.
 */
export async function joinCluster({
  config,
  log,
  server,
  onFatal,
}: ClusterJoining): Promise<Cluster> {
  checkClusterOptions(config)
  const { global } = config
  const urls = global.clusterUrls ?? []
  const nodeId = nodeIdOf(global)
  const wire = await connectWire({
    urls,
    name: `mozzie ${nodeId}`,
    credsFile: global.clusterCreds,
    caFile: global.clusterCafile,
    certFile: global.clusterCertfile,
    keyFile: global.clusterKeyfile,
    say: sayOnce(log),
  })
  const payloadMax = wire.nc.info?.max_payload ?? 0
  if (payloadMax < global.maxPacketBytes + SPARE_BYTES)
    throw new ClusterError(
      `the NATS servers take ${payloadMax} bytes at once: a max_packet_size of ${global.maxPacketBytes} needs a max_payload of ${global.maxPacketBytes + SPARE_BYTES} there`,
    )
  await checkSync(config, log)
  const node = new ClusterNode({
    name: global.clusterName,
    node: nodeId,
    run: randomBytes(8).toString('hex'),
    replicas: global.clusterReplicas,
    partitions: global.clusterPartitions,
    leaseMs: global.clusterLeaseMs,
    queuedMax: queuedMaxOf(global),
    version,
    log,
    nowMs: nodeClock.monotonicMs,
    wallMs: nodeClock.wallMs,
    connect: () => Promise.resolve(wire),
    counts: () => countsOf(server()),
    onFenced: () =>
      onFatal(
        new Error(
          `no NATS server has taken a heartbeat of this node for ${global.clusterLeaseMs / 1000} s: the others go on without it`,
        ),
      ),
  })
  log.write(
    LogType.information,
    `Node ${nodeId} of the cluster ${global.clusterName} at ${urls.map((url) => new URL(url).host).join(', ')}.`,
  )
  return {
    node,
    store: new ClusterStore(node),
    peers: new ClusterPeers(node),
    bridges: (broker, said, first) => createClusterBridges(node, broker, said, first),
    shareUsers: (dynamicOf, broker, said) => shareUsers(node, dynamicOf, broker, said),
    begin: (running, deafen) => begin(node, running, deafen),
  }
}

function begin(
  node: ClusterNode,
  server: Served,
  deafen: (which: (clients: ListenerClients) => boolean) => void,
): Drain {
  const ways = new Set<ListenerClients>(
    server.listeners.filter(({ name }) => !server.pages.has(name)),
  )
  const leave = (): void => {
    deafen((clients) => ways.has(clients))
    void node.posts.leave()
  }
  const drain = createDrain(server, node, leave)
  node.questions.answerWith(clusterAnswers(server, node, drain))
  return drain
}

/** What the others are told of this node. */
function countsOf({ broker, status, config }: Served): NodeCounts {
  const { connected, sessions } = broker.counts()
  const { publishReceived: received, publishSent: sent, publishDropped: dropped } = broker.stats
  const isDraining = status === 'draining'
  const figures = { received, sent, dropped }
  const bridges = config.bridges.map(({ name }) => name)
  const sharesUsers = dynamicFileOf(config) !== null
  return { connected, sessions, isDraining, figures, bridges, sharesUsers }
}

/** The log may not be open yet: who started the broker is to see what it waits for. */
function sayOnce(log: Log): (text: string) => void {
  let isSaid = false
  return (text) => {
    log.write(LogType.warning, `Warning: ${text}.`)
    if (!isSaid) process.stderr.write(`mozzie waits: ${text}.\n`)
    isSaid = true
  }
}

/** A queue and what is in flight of it. */
function queuedMaxOf({ maxQueuedMessages, maxInflightMessages }: GlobalValues): number {
  return maxQueuedMessages === 0 ? 0 : maxQueuedMessages + (maxInflightMessages ?? 0)
}

/** Does JetStream write every message to the disk before it says that it has it? */
async function checkSync({ global }: Config, log: Log): Promise<void> {
  const { clusterUrls, clusterMonitorPort: port, clusterRequireSync: isRequired } = global
  const found = port === 0 ? null : await findSync(clusterUrls ?? [], port)
  if (found === true) return
  const why =
    found === null
      ? 'it is not known whether the NATS servers sync every write (cluster_monitor_port)'
      : 'the NATS servers do not sync every write: a power cut of several at once loses what was acknowledged (sync_interval: always)'
  if (isRequired) throw new ClusterError(`${why}; "cluster_require_sync true" wants it`)
  log.write(LogType.warning, `Warning: ${why}.`)
}

/** The broker's numbers as Prometheus reads them. No label ever holds what a client sent. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { BridgeStatus } from '../ports/bridge-status.ts'
import type { Stats } from '../ports/stats.ts'
import type { Sample } from './sample.ts'

export interface MetricsSource {
  readonly version: string
  readonly startedAtMs: number
  readonly figures: { readonly stats: Stats }
  /** Seconds old at most. */
  latest(): Sample
  listeners(): readonly { port: number; protocol: string; connections: number }[]
  bridges(): readonly BridgeStatus[]
  cluster(): ClusterLease
}

/** Of a broker of its own: not `clustered`, and the rest empty. */
interface ClusterLease {
  readonly clustered: boolean
  readonly leaseLeftMs: number
  readonly nodes: readonly { readonly draining: boolean }[]
}

export interface Metrics {
  readonly contentType: string
  text(): Promise<string>
}

type GaugeRow = readonly [name: string, help: string, value: (sample: Sample) => number]

const GAUGES: readonly GaugeRow[] = [
  ['mozzie_connections', 'Open connections.', ({ connections }) => connections],
  ['mozzie_subscriptions', 'Subscriptions, shared ones included.', (s) => s.subscriptions],
  ['mozzie_shared_subscriptions', 'Shared subscriptions.', (s) => s.sharedSubscriptions],
  ['mozzie_retained_messages', 'Retained messages.', ({ retained }) => retained],
  ['mozzie_retained_bytes', 'Bytes of retained payloads.', ({ retainedBytes }) => retainedBytes],
  ['mozzie_queued_messages', 'QoS 1 and 2 messages not acknowledged yet.', ({ queued }) => queued],
  ['mozzie_queued_bytes', 'Their bytes.', ({ queuedBytes }) => queuedBytes],
  ['mozzie_output_bytes', 'Bytes that wait for slow clients.', ({ outputBytes }) => outputBytes],
  [
    'mozzie_event_loop_lag_p99_seconds',
    '99th percentile of the event loop delay over the last second.',
    ({ eventLoopLagMs }) => eventLoopLagMs / 1000,
  ],
  [
    'mozzie_event_loop_lag_max_seconds',
    'Longest event loop delay over the last second.',
    ({ eventLoopLagMaxMs }) => eventLoopLagMaxMs / 1000,
  ],
  [
    'mozzie_store_commit_max_seconds',
    'Longest time from a batch to its being safe over the last second.',
    ({ commitMaxMs }) => commitMaxMs / 1000,
  ],
]

type CounterRow = readonly [
  name: string,
  help: string,
  label: string | null,
  values: (stats: Stats) => Readonly<Record<string, number>>,
]

const COUNTERS: readonly CounterRow[] = [
  [
    'mozzie_packets_total',
    'MQTT packets.',
    'direction',
    ({ messagesReceived: received, messagesSent: sent }) => ({ received, sent }),
  ],
  [
    'mozzie_bytes_total',
    'Bytes on the network.',
    'direction',
    ({ bytesReceived: received, bytesSent: sent }) => ({ received, sent }),
  ],
  [
    'mozzie_publish_messages_total',
    'PUBLISH packets.',
    'direction',
    ({ publishReceived: received, publishSent: sent }) => ({ received, sent }),
  ],
  [
    'mozzie_publish_payload_bytes_total',
    'Bytes of their payloads.',
    'direction',
    ({ publishBytesReceived: received, publishBytesSent: sent }) => ({ received, sent }),
  ],
  [
    'mozzie_messages_dropped_total',
    'Messages that a receiver did not get.',
    'reason',
    ({ drops }) => drops,
  ],
  ['mozzie_sockets_total', 'Connections accepted.', null, ({ sockets }) => ({ '': sockets })],
  ['mozzie_connects_total', 'CONNECT packets taken.', null, (s) => ({ '': s.connections })],
  ['mozzie_sessions_expired_total', 'Sessions that expired.', null, (s) => ({ '': s.expired })],
  ['mozzie_store_commits_total', 'Batches made safe.', null, ({ commits }) => ({ '': commits })],
  [
    'mozzie_store_commit_seconds_total',
    'Time that batches waited to be safe.',
    null,
    ({ commitMs }) => ({ '': commitMs / 1000 }),
  ],
]

/** Metrics of the broker and, by prom-client's own names, of the process. */
export function createMetrics(source: MetricsSource): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  for (const [name, help, value] of GAUGES) {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers,
      collect: () => gauge.set(value(source.latest())),
    })
  }
  for (const row of COUNTERS) addCounter(row, source, registers)
  addSessions(source, registers)
  addListeners(source, registers)
  for (const row of BRIDGE_ROWS) addBridges(row, source, registers)
  for (const row of CLUSTER_ROWS) addCluster(row, source, registers)
  const info = new Gauge({
    name: 'mozzie_info',
    help: 'Version.',
    labelNames: ['version'],
    registers,
  })
  info.set({ version: source.version }, 1)
  const start = new Gauge({
    name: 'mozzie_start_time_seconds',
    help: 'When the broker started, seconds since 1970.',
    registers,
  })
  start.set(source.startedAtMs / 1000)
  return { contentType: registry.contentType, text: () => registry.metrics() }
}

function addCounter(
  [name, help, label, values]: CounterRow,
  { figures }: MetricsSource,
  registers: Registry[],
): void {
  const labelNames = label === null ? [] : [label]
  const counter: Counter = new Counter({
    name,
    help,
    labelNames,
    registers,
    collect() {
      counter.reset()
      for (const [key, value] of Object.entries(values(figures.stats)))
        counter.inc(label === null ? {} : { [label]: snakeCase(key) }, value)
    },
  })
}

function addSessions(source: MetricsSource, registers: Registry[]): void {
  const gauge: Gauge<'state'> = new Gauge({
    name: 'mozzie_sessions',
    help: 'Sessions.',
    labelNames: ['state'],
    registers,
    collect() {
      const { sessions, sessionsConnected } = source.latest()
      gauge.set({ state: 'connected' }, sessionsConnected)
      gauge.set({ state: 'offline' }, sessions - sessionsConnected)
    },
  })
}

function addListeners(source: MetricsSource, registers: Registry[]): void {
  const gauge: Gauge<'port' | 'protocol'> = new Gauge({
    name: 'mozzie_listener_connections',
    help: 'Open connections of a listener.',
    labelNames: ['port', 'protocol'],
    registers,
    collect() {
      gauge.reset()
      for (const { port, protocol, connections } of source.listeners())
        gauge.inc({ port: String(port), protocol }, connections)
    },
  })
}

type BridgeRow = readonly [
  name: string,
  help: string,
  make: typeof Gauge | typeof Counter,
  value: (bridge: BridgeStatus) => number,
]

/** The label is the name of the `connection` line. */
const BRIDGE_ROWS: readonly BridgeRow[] = [
  ['mozzie_bridge_up', '1: the bridge is connected.', Gauge, ({ state }) => Number(state === 'up')],
  ['mozzie_bridge_queued_messages', 'Messages that wait to cross.', Gauge, ({ queued }) => queued],
  ['mozzie_bridge_sent_total', 'Messages sent to the other broker.', Counter, ({ sent }) => sent],
  ['mozzie_bridge_received_total', 'Messages received from it.', Counter, (b) => b.received],
  ['mozzie_bridge_dropped_total', 'Messages not passed on for good.', Counter, (b) => b.dropped],
  ['mozzie_bridge_connects_total', 'Times that it was up.', Counter, ({ connects }) => connects],
]

function addBridges(
  [name, help, Made, value]: BridgeRow,
  source: MetricsSource,
  registers: Registry[],
): void {
  const metric: Gauge | Counter = new Made({
    name,
    help,
    labelNames: ['bridge'],
    registers,
    collect() {
      metric.reset()
      for (const bridge of source.bridges()) metric.inc({ bridge: bridge.name }, value(bridge))
    },
  })
}

type ClusterRow = readonly [name: string, help: string, value: (cluster: ClusterLease) => number]

const CLUSTER_ROWS: readonly ClusterRow[] = [
  [
    'mozzie_cluster_nodes',
    'Nodes that this one knows to be alive, itself among them.',
    (c) => c.nodes.length,
  ],
  [
    'mozzie_cluster_nodes_draining',
    'Those that send their clients away.',
    ({ nodes }) => nodes.filter(({ draining }) => draining).length,
  ],
  [
    'mozzie_cluster_lease_seconds',
    'Until this node ends itself, should NATS not answer.',
    ({ leaseLeftMs }) => leaseLeftMs / 1000,
  ],
]

/** Without a cluster they have no value. */
function addCluster(
  [name, help, value]: ClusterRow,
  source: MetricsSource,
  registers: Registry[],
): void {
  const gauge: Gauge = new Gauge({
    name,
    help,
    registers,
    collect() {
      const cluster = source.cluster()
      if (cluster.clustered) gauge.set(value(cluster))
      else gauge.remove()
    },
  })
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

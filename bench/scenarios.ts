/** What is measured, with which load, and what is asked of it. */

export const TARGET_NAMES = ['mozzie', 'mosquitto', 'aedes', 'floor'] as const
/** One of {@link TARGET_NAMES}, or a {@link Peer}. */
export type TargetName = string

/** A broker that whoever runs the benchmark has: `--peer NAME=COMMAND`, with `{port}` or `{conf}` in the command. */
export interface Peer {
  readonly name: string
  readonly command: string
}

/** Peers run what mosquitto does; with more than a port to serve only those that read its configuration file. */
export function mayRun({ command }: Peer, { targets, tls, durable }: Scenario): boolean {
  return targets.includes('mosquitto') && ((!tls && !durable) || command.includes('{conf}'))
}

export interface Goal {
  /**
   * `fixed` compares the figure itself, `fdatasync` its ratio to the median time of one (`fdatasync_us`), `node` to a
   * start of Node that does nothing (`node_ms`), the others its ratio to that target's figure.
   */
  readonly against: 'mosquitto' | 'floor' | 'fixed' | 'fdatasync' | 'node'
  readonly atLeast?: number
  readonly atMost?: number
}

export interface Metric {
  /** Field of the load client's JSON line. */
  readonly field: string
  readonly label: string
  readonly goals: readonly Goal[]
}

export interface Scenario {
  readonly name: string
  readonly title: string
  readonly mode:
    | 'handshakes'
    | 'flow'
    | 'connections'
    | 'retain'
    | 'subscriptions'
    | 'queue'
    | 'backlog'
    /** Nothing but the start of the broker, and of one that publishes a message. */
    | 'start'
  /** Options of the load client; `seconds`, `port` and `pid` are added by the runner. */
  readonly options: Readonly<Record<string, string | number>>
  readonly targetOptions?: Readonly<Partial<Record<TargetName, Record<string, string | number>>>>
  /** Over TLS, with a certificate of P-256. */
  readonly tls?: boolean
  /** The broker keeps its state on the disk (`persistence true`). */
  readonly durable?: boolean
  /** Lines of mosquitto.conf beside those that every run has; of ours alone, and of all who read such a file. */
  readonly ownLines?: string
  readonly lines?: string
  /** After the load the broker is killed; measured is how long it takes until it answers a CONNECT again. */
  readonly restart?: boolean
  /** `count` of a --quick run. */
  readonly quickCount?: number
  readonly targets: readonly TargetName[]
  readonly metrics: readonly Metric[]
}

const ALL = TARGET_NAMES
const BROKERS: readonly TargetName[] = ['mozzie', 'mosquitto', 'aedes']
const TWO: readonly TargetName[] = ['mozzie', 'mosquitto']
const PAYLOAD_BYTES = 64
const NO_LOSS: Metric = { field: 'lost', label: 'lost', goals: [{ against: 'fixed', atMost: 0 }] }

function rateMetrics(ratioMin: number, floorMin: number): Metric[] {
  return [
    {
      field: 'rate',
      label: 'delivered/s',
      goals: [
        { against: 'mosquitto', atLeast: ratioMin },
        { against: 'floor', atLeast: floorMin },
      ],
    },
    { field: 'broker_cpu_us_per_msg', label: 'broker CPU µs/msg', goals: [] },
    { field: 'p99_us', label: 'p99 µs', goals: [] },
    NO_LOSS,
  ]
}

const TLS_RATE_METRICS: readonly Metric[] = [
  { field: 'rate', label: 'delivered/s', goals: [{ against: 'mosquitto', atLeast: 5 }] },
  { field: 'broker_cpu_us_per_msg', label: 'broker CPU µs/msg', goals: [] },
  { field: 'p99_us', label: 'p99 µs', goals: [] },
  NO_LOSS,
]

const TEN_PAIRS = { shape: 'pair', publishers: 10, subscribers: 10, payload: PAYLOAD_BYTES }

/** 10,000 msg/s in all, one by one. */
const PACED = {
  shape: 'pair',
  publishers: 500,
  subscribers: 500,
  pace: 20,
  payload: PAYLOAD_BYTES,
}

const PACED_METRICS: readonly Metric[] = [
  {
    field: 'broker_cpu_us_per_msg',
    label: 'broker CPU µs/msg',
    goals: [{ against: 'mosquitto', atMost: 1.15 }],
  },
  // Unlike in `latency` mosquitto, which leaves Nagle's algorithm on, waits for nobody.
  { field: 'p99_us', label: 'p99 µs', goals: [{ against: 'mosquitto', atMost: 1 }] },
  NO_LOSS,
]

/** No bound on what waits for a session: mosquitto has 1000 messages, ours its bytes as well. */
const UNBOUNDED_QUEUE = 'max_queued_messages 0\n'

/** mosquitto has no such bound. */
const UNBOUNDED_RATE = 'max_connection_rate 0\n'

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'one-qos0',
    title: '1 → 1, QoS 0',
    mode: 'flow',
    options: { shape: 'pair', publishers: 1, subscribers: 1, qos: 0, payload: PAYLOAD_BYTES },
    targets: ALL,
    metrics: rateMetrics(5, 0.6),
  },
  {
    name: 'pair-qos0',
    title: '10 → 10, QoS 0',
    mode: 'flow',
    options: { ...TEN_PAIRS, qos: 0 },
    targets: ALL,
    metrics: rateMetrics(12, 0.6),
  },
  {
    name: 'pair-qos0-1k',
    title: '10 → 10, QoS 0, 1 KB',
    mode: 'flow',
    options: { ...TEN_PAIRS, payload: 1024, qos: 0 },
    targets: ALL,
    metrics: rateMetrics(4, 0.75),
  },
  {
    name: 'fanout',
    title: '1 → 100, QoS 0',
    mode: 'flow',
    // With 200 under way everything goes in bundles of a megabyte, and what is measured is the receivers.
    options: {
      shape: 'fanout',
      publishers: 1,
      subscribers: 100,
      payload: PAYLOAD_BYTES,
      window: 20,
    },
    targets: ALL,
    metrics: rateMetrics(6, 0.85),
  },
  {
    name: 'fanin',
    title: '50 → 1, QoS 0',
    mode: 'flow',
    options: { shape: 'fanin', publishers: 50, subscribers: 1, payload: PAYLOAD_BYTES },
    targets: ALL,
    metrics: rateMetrics(9, 0.55),
  },
  {
    name: 'pair-qos1',
    title: '10 → 10, QoS 1',
    mode: 'flow',
    options: { ...TEN_PAIRS, qos: 1 },
    targets: ALL,
    metrics: rateMetrics(20, 0.45),
  },
  {
    name: 'tls-pair-qos0',
    title: '10 → 10, QoS 0, TLS 1.3',
    mode: 'flow',
    tls: true,
    ownLines: UNBOUNDED_RATE,
    options: { ...TEN_PAIRS, qos: 0 },
    targets: TWO,
    metrics: TLS_RATE_METRICS,
  },
  {
    name: 'tls-pair-qos1',
    title: '10 → 10, QoS 1, TLS 1.3',
    mode: 'flow',
    tls: true,
    ownLines: UNBOUNDED_RATE,
    options: { ...TEN_PAIRS, qos: 1 },
    targets: TWO,
    metrics: TLS_RATE_METRICS,
  },
  {
    name: 'tls-handshakes',
    title: 'TLS 1.3 handshakes, P-256, to CONNACK',
    mode: 'handshakes',
    tls: true,
    ownLines: UNBOUNDED_RATE,
    options: { concurrent: 16 },
    targets: TWO,
    metrics: [
      { field: 'rate', label: 'handshakes/s', goals: [{ against: 'mosquitto', atLeast: 1 }] },
      { field: 'broker_cpu_us', label: 'broker CPU µs each', goals: [] },
      { field: 'failed', label: 'failed', goals: [{ against: 'fixed', atMost: 0 }] },
    ],
  },
  {
    name: 'pair-qos2',
    title: '10 → 10, QoS 2',
    mode: 'flow',
    options: { ...TEN_PAIRS, qos: 2 },
    // mosquitto 2.0 leaves what a client sends beyond max_inflight_messages (20) unanswered for
    // good. Its rate is the same with a window of 200, only 180 messages of each publisher are then
    // lost.
    targetOptions: { mosquitto: { window: 20 } },
    targets: ALL,
    metrics: rateMetrics(15, 0.45),
  },
  {
    name: 'one-by-one',
    title: '1 → 1, QoS 1, window 1',
    mode: 'flow',
    options: {
      shape: 'pair',
      publishers: 1,
      subscribers: 1,
      qos: 1,
      window: 1,
      payload: PAYLOAD_BYTES,
    },
    targets: ALL,
    metrics: [
      { field: 'p50_us', label: 'p50 µs', goals: [{ against: 'mosquitto', atMost: 1.15 }] },
      { field: 'broker_cpu_us_per_msg', label: 'broker CPU µs/msg', goals: [] },
      NO_LOSS,
    ],
  },
  {
    name: 'paced',
    title: '500 → 500, 20 msg/s each',
    mode: 'flow',
    options: PACED,
    targets: ALL,
    metrics: PACED_METRICS,
  },
  {
    name: 'paced-qos1',
    title: '500 → 500, 20 msg/s each, QoS 1',
    mode: 'flow',
    options: { ...PACED, qos: 1 },
    targets: ALL,
    metrics: PACED_METRICS,
  },
  {
    name: 'latency',
    title: '10 → 10, 10,000 msg/s in all',
    mode: 'flow',
    options: { ...TEN_PAIRS, qos: 0, pace: 1000 },
    targets: ALL,
    metrics: [
      { field: 'p50_us', label: 'p50 µs', goals: [] },
      { field: 'p99_us', label: 'p99 µs', goals: [{ against: 'mosquitto', atMost: 1 }] },
      { field: 'p999_us', label: 'p99.9 µs', goals: [] },
      NO_LOSS,
    ],
  },
  {
    name: 'subscriptions',
    title: '100,000 filters, 100 connections',
    mode: 'subscriptions',
    options: { count: 100_000, connections: 100, payload: PAYLOAD_BYTES },
    quickCount: 20_000,
    targets: BROKERS,
    metrics: [
      {
        field: 'subscribe_cpu_us',
        label: 'subscribe CPU µs',
        goals: [{ against: 'fixed', atMost: 5 }],
      },
      {
        field: 'bytes_per_filter',
        label: 'bytes/filter',
        goals: [{ against: 'fixed', atMost: 600 }],
      },
      {
        field: 'published_per_s',
        label: 'published/s',
        goals: [{ against: 'mosquitto', atLeast: 5 }],
      },
      {
        field: 'broker_cpu_us_per_publish',
        label: 'publish CPU µs',
        goals: [{ against: 'fixed', atMost: 3 }],
      },
    ],
  },
  {
    name: 'retained',
    title: '100,000 retained messages',
    mode: 'retain',
    options: { count: 100_000, payload: PAYLOAD_BYTES },
    quickCount: 20_000,
    targets: BROKERS,
    metrics: [
      { field: 'put_per_s', label: 'written/s', goals: [{ against: 'mosquitto', atLeast: 3 }] },
      { field: 'put_cpu_us', label: 'write CPU µs', goals: [{ against: 'fixed', atMost: 3.5 }] },
      { field: 'get_per_s', label: 'read back/s', goals: [{ against: 'mosquitto', atLeast: 3 }] },
      { field: 'get_cpu_us', label: 'read CPU µs', goals: [{ against: 'fixed', atMost: 1.5 }] },
      { field: 'rss_mb', label: 'resident MiB', goals: [{ against: 'fixed', atMost: 110 }] },
    ],
  },
  {
    name: 'idle',
    title: '10,000 idle connections',
    mode: 'connections',
    ownLines: UNBOUNDED_RATE,
    options: { count: 10_000 },
    quickCount: 2000,
    targets: BROKERS,
    metrics: [
      {
        field: 'rss_kb_per_conn',
        label: 'KiB/connection',
        goals: [{ against: 'fixed', atMost: 4.5 }],
      },
      { field: 'per_s', label: 'connected/s', goals: [{ against: 'fixed', atLeast: 9000 }] },
      {
        field: 'broker_cpu_us_per_conn',
        label: 'connect CPU µs',
        goals: [{ against: 'fixed', atMost: 70 }],
      },
    ],
  },
  {
    name: 'queue',
    title: '900 queued for an absent session, QoS 1',
    mode: 'queue',
    // mosquitto keeps max_queued_messages (1000) for a session and drops the rest.
    options: { count: 900, qos: 1, payload: PAYLOAD_BYTES },
    targets: BROKERS,
    metrics: [
      { field: 'in_per_s', label: 'queued/s', goals: [] },
      { field: 'out_per_s', label: 'drained/s', goals: [] },
      NO_LOSS,
    ],
  },
  {
    name: 'queue-long',
    title: '100,000 queued for an absent session, QoS 1',
    mode: 'queue',
    lines: UNBOUNDED_QUEUE,
    ownLines: 'max_queued_bytes 0\n',
    options: { count: 100_000, qos: 1, payload: PAYLOAD_BYTES },
    quickCount: 20_000,
    targets: TWO,
    metrics: [
      { field: 'in_cpu_us', label: 'queue CPU µs', goals: [{ against: 'fixed', atMost: 1.5 }] },
      { field: 'out_cpu_us', label: 'drain CPU µs', goals: [{ against: 'fixed', atMost: 2.5 }] },
      { field: 'rss_growth_mb', label: 'memory MiB', goals: [] },
      NO_LOSS,
    ],
  },
  {
    name: 'start',
    title: 'Start',
    mode: 'start',
    options: {},
    targets: TWO,
    metrics: [
      {
        field: 'accept_ms',
        label: 'ms to the first accept',
        goals: [{ against: 'node', atMost: 2 }],
      },
      { field: 'rss_mb', label: 'resident MiB', goals: [{ against: 'fixed', atMost: 46 }] },
      { field: 'pub_ms', label: 'ms of a `pub`', goals: [{ against: 'node', atMost: 1.4 }] },
      { field: 'node_ms', label: 'ms of `node -e 0`', goals: [] },
    ],
  },
  // mosquitto acknowledges before anything is on the disk, and writes it at the end or every half hour: what it
  // promises with `persistence true` is less, so the ratio is against a weaker promise.
  {
    name: 'durable-flow',
    title: 'durable: 50 → 50 sessions, QoS 1, window 20',
    mode: 'flow',
    durable: true,
    options: {
      shape: 'pair',
      publishers: 50,
      subscribers: 50,
      qos: 1,
      window: 20,
      durable: 1,
      payload: PAYLOAD_BYTES,
    },
    targets: TWO,
    metrics: [
      {
        field: 'rate',
        label: 'acknowledged/s',
        goals: [
          { against: 'fixed', atLeast: 100_000 },
          { against: 'mosquitto', atLeast: 6 },
        ],
      },
      { field: 'broker_cpu_us_per_msg', label: 'broker CPU µs/msg', goals: [] },
      NO_LOSS,
    ],
  },
  {
    name: 'durable-latency',
    title: 'durable: 50 → 50 sessions, 5,000 msg/s in all',
    mode: 'flow',
    durable: true,
    options: {
      shape: 'pair',
      publishers: 50,
      subscribers: 50,
      qos: 1,
      window: 20,
      pace: 100,
      durable: 1,
      payload: PAYLOAD_BYTES,
    },
    targets: TWO,
    metrics: [
      { field: 'ack_p50_us', label: 'PUBACK p50 µs', goals: [] },
      { field: 'ack_p99_us', label: 'PUBACK p99 µs', goals: [{ against: 'fdatasync', atMost: 4 }] },
      { field: 'fdatasync_us', label: 'fdatasync p50 µs', goals: [] },
      NO_LOSS,
    ],
  },
  {
    name: 'durable-queue',
    title: 'durable: 1,000,000 queued for an absent session',
    mode: 'queue',
    durable: true,
    options: { count: 1_000_000, qos: 1, payload: 100 },
    quickCount: 100_000,
    targets: ['mozzie'],
    metrics: [
      { field: 'in_per_s', label: 'queued/s', goals: [{ against: 'fixed', atLeast: 150_000 }] },
      { field: 'out_per_s', label: 'drained/s', goals: [{ against: 'fixed', atLeast: 150_000 }] },
      { field: 'rss_growth_mb', label: 'memory MiB', goals: [{ against: 'fixed', atMost: 64 }] },
      NO_LOSS,
    ],
  },
  {
    name: 'restart-retained',
    title: 'durable: start with 1,000,000 retained messages',
    mode: 'retain',
    durable: true,
    restart: true,
    options: { count: 1_000_000, payload: PAYLOAD_BYTES },
    quickCount: 100_000,
    targets: ['mozzie'],
    metrics: [
      { field: 'restart_s', label: 's to CONNACK', goals: [{ against: 'fixed', atMost: 15 }] },
    ],
  },
  {
    name: 'restart-sessions',
    title: 'durable: start with 100,000 sessions of 10 messages',
    mode: 'backlog',
    durable: true,
    restart: true,
    options: { sessions: 100_000, messages: 10, payload: PAYLOAD_BYTES },
    targets: ['mozzie'],
    metrics: [
      { field: 'restart_s', label: 's to CONNACK', goals: [{ against: 'fixed', atMost: 20 }] },
    ],
  },
]

/** Scenarios whose rate the C load generator must confirm. */
export function isRateFlow(scenario: Scenario): boolean {
  // The C generator speaks no TLS.
  if (scenario.durable === true || scenario.tls === true) return false
  return scenario.metrics.some(({ field }) => field === 'rate')
}

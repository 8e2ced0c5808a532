/** What a broker keeps in memory: filters, retained messages, connections, queues; and its start. */
import {
  BROKERS,
  NO_LOSS,
  PAYLOAD_BYTES,
  TWO,
  UNBOUNDED_QUEUE,
  UNBOUNDED_RATE,
  type Scenario,
} from './scenario.ts'

export const KEPT: readonly Scenario[] = [
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
]

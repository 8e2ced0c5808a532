/** What a broker keeps on the disk. */
import { NO_LOSS, PAYLOAD_BYTES, TWO, type Scenario } from './scenario.ts'

export const DURABLE: readonly Scenario[] = [
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
      { field: 'fdatasync_p99_us', label: 'fdatasync p99 µs', goals: [] },
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

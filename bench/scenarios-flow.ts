/** Messages that go through at once: rates, latencies, handshakes. */
import {
  TARGET_NAMES,
  NO_LOSS,
  PAYLOAD_BYTES,
  TWO,
  UNBOUNDED_RATE,
  type Metric,
  type Scenario,
} from './scenario.ts'

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

export const FLOWS: readonly Scenario[] = [
  {
    name: 'one-qos0',
    title: '1 → 1, QoS 0',
    mode: 'flow',
    options: { shape: 'pair', publishers: 1, subscribers: 1, qos: 0, payload: PAYLOAD_BYTES },
    targets: TARGET_NAMES,
    metrics: rateMetrics(5, 0.6),
  },
  {
    name: 'pair-qos0',
    title: '10 → 10, QoS 0',
    mode: 'flow',
    options: { ...TEN_PAIRS, qos: 0 },
    targets: TARGET_NAMES,
    metrics: rateMetrics(12, 0.6),
  },
  {
    name: 'pair-qos0-1k',
    title: '10 → 10, QoS 0, 1 KB',
    mode: 'flow',
    options: { ...TEN_PAIRS, payload: 1024, qos: 0 },
    targets: TARGET_NAMES,
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
    targets: TARGET_NAMES,
    metrics: rateMetrics(6, 0.85),
  },
  {
    name: 'fanin',
    title: '50 → 1, QoS 0',
    mode: 'flow',
    options: { shape: 'fanin', publishers: 50, subscribers: 1, payload: PAYLOAD_BYTES },
    targets: TARGET_NAMES,
    metrics: rateMetrics(9, 0.55),
  },
  {
    name: 'pair-qos1',
    title: '10 → 10, QoS 1',
    mode: 'flow',
    options: { ...TEN_PAIRS, qos: 1 },
    targets: TARGET_NAMES,
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
    targets: TARGET_NAMES,
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
    targets: TARGET_NAMES,
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
    targets: TARGET_NAMES,
    metrics: PACED_METRICS,
  },
  {
    name: 'paced-qos1',
    title: '500 → 500, 20 msg/s each, QoS 1',
    mode: 'flow',
    options: { ...PACED, qos: 1 },
    targets: TARGET_NAMES,
    metrics: PACED_METRICS,
  },
  {
    name: 'latency',
    title: '10 → 10, 10,000 msg/s in all',
    mode: 'flow',
    options: { ...TEN_PAIRS, qos: 0, pace: 1000 },
    targets: TARGET_NAMES,
    metrics: [
      { field: 'p50_us', label: 'p50 µs', goals: [] },
      { field: 'p99_us', label: 'p99 µs', goals: [{ against: 'mosquitto', atMost: 1 }] },
      { field: 'p999_us', label: 'p99.9 µs', goals: [] },
      NO_LOSS,
    ],
  },
]

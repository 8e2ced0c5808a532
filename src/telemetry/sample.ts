/** What is known of the broker every second, by name. Rates are per second. */
export const METRIC_NAMES = {
  connections: 'Open connections, those that have not said CONNECT yet included.',
  sessions: 'Sessions.',
  sessionsConnected: 'Sessions whose client is connected.',
  subscriptions: 'Subscriptions, shared ones included.',
  sharedSubscriptions: 'Shared subscriptions.',
  retained: 'Retained messages.',
  retainedBytes: 'Bytes of their payloads.',
  queued: 'QoS 1 and 2 messages sent and not acknowledged, or waiting.',
  queuedBytes: 'Their bytes.',
  outputBytes: 'Bytes that wait for slow clients.',
  packetsReceivedRate: 'Packets received a second.',
  packetsSentRate: 'Packets sent a second.',
  bytesReceivedRate: 'Bytes received a second.',
  bytesSentRate: 'Bytes sent a second.',
  publishReceivedRate: 'PUBLISH packets received a second.',
  publishSentRate: 'PUBLISH packets sent a second.',
  droppedRate: 'Messages a second that a receiver did not get.',
  connectsRate: 'CONNECT packets accepted a second.',
  eventLoopLagMs: '99th percentile of the delay of the event loop, ms.',
  eventLoopLagMaxMs: 'Longest delay of the event loop, ms.',
  cpuPercent: 'Processor time, percent of one core.',
  rssBytes: 'Memory of the process.',
  heapUsedBytes: 'Memory of its JavaScript objects.',
  commitsRate: 'Batches written to the store a second.',
  commitMeanMs: 'Mean time from a batch to its being safe, ms.',
  commitMaxMs: 'Longest such time, ms.',
} as const

export type MetricName = keyof typeof METRIC_NAMES

/** One second of the broker. */
export type Sample = Record<MetricName, number> & { timeMs: number }

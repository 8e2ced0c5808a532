/** What the API keeps, whatever the number of its listeners. */
import type { Inspector } from '../broker/inspect.ts'
import { createMetrics, type Metrics } from '../telemetry/prometheus.ts'
import { createSampler, type Sampler } from '../telemetry/sampler.ts'
import { createEventLog, type EventLog } from './event-log.ts'
import { createLogins, type Logins } from './logins.ts'
import type { AdminSource } from './source.ts'
import { createTopicMetrics, type TopicMetrics } from './topic-metrics.ts'
import { createTraces, type Traces } from './traces.ts'

export interface Admin {
  readonly source: AdminSource
  readonly inspector: Inspector
  readonly sampler: Sampler
  readonly events: EventLog
  readonly traces: Traces
  readonly metrics: Metrics
  readonly logins: Logins
  readonly topicMetrics: TopicMetrics
  stop(): void
}

/** Starts to look at the broker: from here on there is a history. */
export function createAdmin(source: AdminSource): Admin {
  const { broker, version, startedAtMs } = source
  const inspector = broker.inspector()
  const sampler = createSampler(source.figures)
  const traces = createTraces(broker, inspector, source.otherTraces)
  const logins = createLogins(() => Date.now(), source.loginKeeper)
  return {
    source,
    inspector,
    sampler,
    events: createEventLog(source.observer),
    traces,
    logins,
    topicMetrics: createTopicMetrics(source.observer, () => Date.now()),
    metrics: createMetrics({
      version,
      startedAtMs,
      figures: source.figures,
      latest: sampler.latest,
      listeners: source.listeners,
      bridges: () => source.bridges.list(),
      cluster: () => source.cluster.facts(),
    }),
    stop() {
      sampler.stop()
      traces.stop()
      logins.close()
    },
  }
}

/** Messages counted by topic filter. */
import { checkFilter } from './clients.ts'
import type { Handlers, HandlerWorld } from './handler.ts'

type TopicMetricHandlers = Pick<Handlers, 'topicMetrics' | 'topicMetricStart' | 'topicMetricEnd'>

export function topicMetricHandlers({ admin }: HandlerWorld): TopicMetricHandlers {
  const { topicMetrics } = admin
  return {
    topicMetrics: () => ({ items: topicMetrics.list() }),
    topicMetricStart({ body: { filter } }) {
      checkFilter(filter)
      topicMetrics.start(filter)
      return { done: true }
    },
    topicMetricEnd: ({ query: { filter } }) => ({ done: topicMetrics.end(filter) }),
  }
}

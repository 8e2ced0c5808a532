/**
 * Messages counted by topic filter, for the filters that somebody asked for: what is published to them, whoever it came
 * from. Nothing is counted, and nothing costs anything, while there is no filter.
 */
import type { Message } from '../ports/message.ts'
import type { Observer } from '../ports/ports.ts'
import { matches } from '../topics/names.ts'
import { HttpError } from './http-error.ts'
import type { TopicMetric } from './schemas-broker.ts'

export const TOPIC_METRICS_MAX = 50
/** Topics whose filters are not looked for again. */
const KNOWN_TOPICS_MAX = 10_000
const KNOWN_LENGTH_MAX = 256

type Counted = { -readonly [Key in keyof TopicMetric]: TopicMetric[Key] }

export interface TopicMetrics {
  list(): TopicMetric[]
  /** Counts from now on. @throws HttpError 409 when there are too many. */
  start(filter: string): void
  end(filter: string): boolean
}

/** @param now Wall clock, ms since 1970. */
export function createTopicMetrics(observer: Observer, now: () => number): TopicMetrics {
  const counted = new Map<string, Counted>()
  const known = new Map<string, readonly Counted[]>()
  const find = (topic: string): readonly Counted[] => {
    const found = known.get(topic)
    if (found !== undefined) return found
    const fitting = [...counted.values()].filter(({ filter }) => matches(filter, topic))
    if (topic.length > KNOWN_LENGTH_MAX) return fitting
    if (known.size >= KNOWN_TOPICS_MAX) known.clear()
    known.set(topic, fitting)
    return fitting
  }
  const count = (message: Message): void => {
    const fitting = find(message.topicName)
    if (fitting.length === 0) return
    const timeMs = now()
    for (const each of fitting) {
      each.messages++
      each.payloadBytes += message.payloadLength
      if (message.retain) each.retained++
      each.lastMs = timeMs
    }
  }
  const change = (): void => {
    known.clear()
    if (counted.size > 0) observer.published = count
    else observer.published = undefined
  }
  return {
    list: () => [...counted.values()].map((each) => ({ ...each })),
    start(filter) {
      const old = counted.get(filter)
      if (old === undefined && counted.size >= TOPIC_METRICS_MAX)
        throw new HttpError(
          409,
          `There are ${TOPIC_METRICS_MAX} counted filters. Remove one of them first.`,
        )
      const fresh = {
        filter,
        sinceMs: now(),
        messages: 0,
        payloadBytes: 0,
        retained: 0,
        lastMs: null,
      }
      counted.set(filter, fresh)
      change()
    },
    end(filter) {
      const done = counted.delete(filter)
      if (done) change()
      return done
    },
  }
}

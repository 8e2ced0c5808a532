/** The load of many filters. */
import { performance } from 'node:perf_hooks'
import {
  publishTemplate,
  subscribeFrame,
  type ProtocolVersion,
  type PublishTemplate,
} from './frames.ts'
import { append, appendPublish, flush, newLoad, openLink, until } from './link.ts'
import type { Link, Load } from './model.ts'
import { cpuSecondsOf, residentKibOf } from './process-stats.ts'

export interface SubscriptionsOptions {
  readonly port: number
  readonly brokerPid: number
  readonly version: ProtocolVersion
  /** Filters in all, half of them with wildcards. */
  readonly count: number
  readonly connections: number
  readonly payloadBytes: number
  readonly seconds: number
}

const LIMIT_MS = 60_000
const SITES = 100
const UNANSWERED_SUBSCRIBES_MAX = 2048
const SUBSCRIBES_PER_TURN = 64
const WINDOW = 500
const BURST = 64

function filterAt(index: number): string {
  const device = Math.floor(index / 2)
  if (index % 2 === 0) return `site/${device % SITES}/dev/${Math.floor(device / SITES)}/temp`
  return `site/+/dev/${device}/${device % 2 === 1 ? '#' : 'temp'}`
}

/** Whole numbers below a limit, the same ones in every run. */
function seededPicker(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

/**
 * Spreads the filters over the connections, then publishes at QoS 1 to topics that each match two
 * or three of them.
 */
export async function runSubscriptions(options: SubscriptionsOptions) {
  const { brokerPid, count } = options
  const load = newLoad(options.port, options.version)
  for (let index = 0; index < options.connections; index++) {
    openLink(load, `subs-${index}-${process.pid}`)
  }
  await until(load, () => load.connected >= options.connections, LIMIT_MS, 'connecting')

  const cpuBefore = cpuSecondsOf(brokerPid)
  const rssBefore = residentKibOf(brokerPid)
  const start = performance.now()
  await subscribeAll(load, options)
  const subscribeSeconds = (performance.now() - start) / 1000
  const subscribeCpu = cpuSecondsOf(brokerPid) - cpuBefore
  const rssAfter = residentKibOf(brokerPid)

  return {
    filters: count,
    subscribe_per_s: Math.round(count / subscribeSeconds),
    subscribe_cpu_us: (subscribeCpu * 1e6) / count,
    bytes_per_filter: Math.round(((rssAfter - rssBefore) * 1024) / count),
    ...(await publishToAll(load, options)),
  }
}

function subscribeAll(load: Load, options: SubscriptionsOptions): Promise<void> {
  const { count, connections, version } = options
  const frames = Array.from({ length: count }, (_, index) => {
    const packetId = 1 + (Math.floor(index / connections) % 60_000)
    return subscribeFrame(version, packetId, filterAt(index), 0)
  })
  const subscribers = load.links.slice()
  let sent = 0
  const pump = (): boolean => {
    while (sent < count && sent - load.subscribed < UNANSWERED_SUBSCRIBES_MAX) {
      const end = Math.min(count, sent + SUBSCRIBES_PER_TURN)
      for (; sent < end; sent++) append(subscribers[sent % connections], frames[sent])
      for (const link of subscribers) flush(link)
    }
    return load.subscribed >= count
  }
  return until(load, pump, LIMIT_MS, 'subscribing')
}

async function publishToAll(load: Load, options: SubscriptionsOptions) {
  const publisher = openLink(load, `subs-pub-${process.pid}`)
  await until(load, () => load.connected > options.connections, LIMIT_MS, 'connecting')
  const templates = topicTemplates(options, publisher)
  const random = seededPicker(7)

  const deliveredBefore = load.delivered
  const cpuBefore = cpuSecondsOf(options.brokerPid)
  const start = performance.now()
  const end = start + options.seconds * 1000
  const pump = (): boolean => {
    while (publisher.inflight < WINDOW && !publisher.writing) {
      const burst = Math.min(BURST, WINDOW - publisher.inflight)
      for (let sent = 0; sent < burst; sent++) {
        appendPublish(publisher, templates[random(templates.length)])
      }
      flush(publisher)
    }
    return performance.now() >= end
  }
  await until(load, pump, options.seconds * 1000 + LIMIT_MS, 'publishing')
  const seconds = (performance.now() - start) / 1000
  const acked = Math.max(1, load.acked)
  return {
    published_per_s: Math.round(load.acked / seconds),
    delivered_per_s: Math.round((load.delivered - deliveredBefore) / seconds),
    broker_cpu_us_per_publish: ((cpuSecondsOf(options.brokerPid) - cpuBefore) * 1e6) / acked,
    rss_mb: residentKibOf(options.brokerPid) / 1024,
  }
}

function topicTemplates(options: SubscriptionsOptions, publisher: Link): PublishTemplate[] {
  const devices = Math.max(1, Math.floor(options.count / 2 / SITES))
  return Array.from({ length: SITES * devices }, (_, index) =>
    publishTemplate({
      version: options.version,
      topic: `site/${index % SITES}/dev/${Math.floor(index / SITES)}/temp`,
      qos: 1,
      retain: false,
      payloadBytes: options.payloadBytes,
      publisherId: publisher.id,
    }),
  )
}

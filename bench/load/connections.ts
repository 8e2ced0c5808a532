/** The load of idle connections. */
import { performance } from 'node:perf_hooks'
import type { ProtocolVersion } from './frames.ts'
import { newLoad, openLink, sleep, until } from './link.ts'
import { cpuSecondsOf, residentKibOf } from './process-stats.ts'

export interface ConnectionsOptions {
  readonly port: number
  readonly brokerPid: number
  readonly version: ProtocolVersion
  readonly count: number
  /** How many may be between connect() and CONNACK at a time. */
  readonly concurrent: number
  readonly holdSeconds: number
}

const LIMIT_MS = 120_000

/**
 * Opens `count` idle connections and holds them: how fast, and what memory each costs the broker.
 */
export async function runConnections(options: ConnectionsOptions) {
  const { count, brokerPid } = options
  const load = newLoad(options.port, options.version)
  const rssBefore = residentKibOf(brokerPid)
  const cpuBefore = cpuSecondsOf(brokerPid)
  const start = performance.now()
  await until(
    load,
    () => {
      while (load.links.length < count && load.links.length - load.connected < options.concurrent) {
        openLink(load, `idle-${load.links.length}-${process.pid}`)
      }
      return load.connected >= count
    },
    LIMIT_MS,
    'connecting',
  )
  const seconds = (performance.now() - start) / 1000
  const cpu = cpuSecondsOf(brokerPid) - cpuBefore
  await sleep(options.holdSeconds * 1000)
  const rss = residentKibOf(brokerPid)
  return {
    count,
    per_s: Math.round(count / seconds),
    broker_cpu_us_per_conn: (cpu * 1e6) / count,
    rss_kb_per_conn: (rss - rssBefore) / count,
    rss_mb: rss / 1024,
    lost: load.dead,
  }
}

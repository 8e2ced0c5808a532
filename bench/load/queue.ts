/** The load of one session's queue: in while it is absent, out when it is back. */
import { performance } from 'node:perf_hooks'
import {
  DISCONNECT_FRAME,
  publishTemplate,
  subscribeFrame,
  type ProtocolVersion,
} from './frames.ts'
import { append, closeLink, flush, newLoad, nextPacketId, openLink, sleep, until } from './link.ts'
import { cpuSecondsOf, residentKibOf } from './process-stats.ts'
import { streamOut } from './stream-out.ts'

export interface QueueOptions {
  readonly port: number
  readonly brokerPid: number
  readonly version: ProtocolVersion
  readonly count: number
  readonly qos: number
  readonly payloadBytes: number
}

const LIMIT_MS = 100_000
const SETTLE_MS = 100
/**
 * A drain that brings nothing for so long is over: the rest was dropped by the broker's queue
 * limit.
 */
const STALL_MS = 5000

/**
 * A session that is kept goes away, `count` messages queue for it, it comes back and takes them.
 */
export async function runQueue(options: QueueOptions) {
  const { brokerPid, count, version } = options
  const load = newLoad(options.port, version)
  const sessionId = `queue-sub-${process.pid}`
  const first = openLink(load, sessionId, false)
  await until(load, () => load.connected >= 1, LIMIT_MS, 'connecting')
  append(first, subscribeFrame(version, 1, 'q/#', options.qos))
  flush(first)
  await until(load, () => load.subscribed >= 1, LIMIT_MS, 'subscribing')
  append(first, DISCONNECT_FRAME)
  flush(first)
  first.closing = true
  await sleep(SETTLE_MS)
  closeLink(first)

  const publisher = openLink(load, `queue-pub-${process.pid}`)
  await until(load, () => load.connected >= 2, LIMIT_MS, 'connecting the publisher')
  const template = publishTemplate({
    version,
    topic: 'q/a/b',
    qos: Math.max(1, options.qos),
    retain: false,
    payloadBytes: options.payloadBytes,
    publisherId: publisher.id,
  })
  const frameAt = (): Uint8Array => {
    template.bytes.writeUInt16BE(nextPacketId(publisher), template.packetIdAt)
    return template.bytes
  }
  const rssBeforeMb = residentKibOf(brokerPid) / 1024
  const inCpuBefore = cpuSecondsOf(brokerPid)
  const inStart = performance.now()
  await streamOut(load, publisher, count, frameAt, () => load.acked, LIMIT_MS)
  const inSeconds = (performance.now() - inStart) / 1000
  const inCpu = cpuSecondsOf(brokerPid) - inCpuBefore
  const rssMb = residentKibOf(brokerPid) / 1024

  const outCpuBefore = cpuSecondsOf(brokerPid)
  const outStart = performance.now()
  let lastDelivery = outStart
  let seen = 0
  openLink(load, sessionId, false)
  const drained = (): boolean => {
    const now = performance.now()
    if (load.delivered !== seen) lastDelivery = now
    seen = load.delivered
    return seen >= count || now - lastDelivery > STALL_MS
  }
  await until(load, drained, LIMIT_MS, 'draining the queue')
  const delivered = Math.max(1, load.delivered)
  return {
    count,
    qos: options.qos,
    in_per_s: Math.round(count / inSeconds),
    in_cpu_us: (inCpu * 1e6) / count,
    out_per_s: Math.round((load.delivered * 1000) / Math.max(1, lastDelivery - outStart)),
    out_cpu_us: ((cpuSecondsOf(brokerPid) - outCpuBefore) * 1e6) / delivered,
    rss_mb: rssMb,
    rss_growth_mb: rssMb - rssBeforeMb,
    lost: count - load.delivered,
  }
}

/** The load of retained messages: stored, then read. */
import { performance } from 'node:perf_hooks'
import { publishTemplate, subscribeFrame, type ProtocolVersion } from './frames.ts'
import { append, flush, newLoad, openLink, until } from './link.ts'
import { cpuSecondsOf, residentKibOf } from './process-stats.ts'
import { streamOut } from './stream-out.ts'

export interface RetainOptions {
  readonly port: number
  readonly brokerPid: number
  readonly version: ProtocolVersion
  readonly count: number
  readonly payloadBytes: number
}

const LIMIT_MS = 60_000
const READ_BACK_LIMIT_MS = 20_000

function retainedFrame(options: RetainOptions, index: number): Uint8Array {
  const shelf = Math.floor(index / 50) % 40
  const { bytes, packetIdAt } = publishTemplate({
    version: options.version,
    topic: `store/${index % 50}/shelf/${shelf}/label/${index}`,
    qos: 1,
    retain: true,
    payloadBytes: options.payloadBytes,
    publisherId: 0,
  })
  bytes.writeUInt16BE(1 + (index % 0xffff), packetIdAt)
  return bytes
}

/** Publishes `count` retained messages at QoS 1, then reads all of them back by one `store/#`. */
export async function runRetain(options: RetainOptions) {
  const { count, brokerPid } = options
  const load = newLoad(options.port, options.version)
  // Encoded before the clock starts: the broker's speed is asked, not this encoder's.
  const frames = Array.from({ length: count }, (_, index) => retainedFrame(options, index))
  const publisher = openLink(load, `retain-pub-${process.pid}`)
  await until(load, () => load.connected >= 1, LIMIT_MS, 'connecting')

  const putCpuBefore = cpuSecondsOf(brokerPid)
  const putStart = performance.now()
  await streamOut(
    load,
    publisher,
    count,
    (index) => frames[index],
    () => load.acked,
    LIMIT_MS,
  )
  const putSeconds = (performance.now() - putStart) / 1000
  const putCpu = cpuSecondsOf(brokerPid) - putCpuBefore

  const reader = openLink(load, `retain-sub-${process.pid}`)
  await until(load, () => load.connected >= 2, LIMIT_MS, 'connecting the reader')
  const getCpuBefore = cpuSecondsOf(brokerPid)
  const getStart = performance.now()
  append(reader, subscribeFrame(options.version, 1, 'store/#', 0))
  flush(reader)
  await until(
    load,
    () => load.delivered >= count,
    READ_BACK_LIMIT_MS,
    'reading the retained messages',
  )
  const getSeconds = (performance.now() - getStart) / 1000
  return {
    count,
    put_per_s: Math.round(count / putSeconds),
    put_cpu_us: (putCpu * 1e6) / count,
    get_per_s: Math.round(count / getSeconds),
    get_cpu_us: ((cpuSecondsOf(brokerPid) - getCpuBefore) * 1e6) / count,
    rss_mb: residentKibOf(brokerPid) / 1024,
    lost: count - load.delivered,
  }
}

/** What a running broker does now and then: figures for $SYS, memory, retained messages that have expired. */
import { createBridgeTopics } from '../telemetry/bridge-topics.ts'
import { createClusterTopics } from '../telemetry/cluster-topics.ts'
import { createSysTopics } from '../telemetry/sys-topics.ts'
import { clusterSource } from './cluster-source.ts'
import { TICK_MS } from './engine.ts'
import { usedBytes } from './garbage-watch.ts'
import { createMemoryWatch } from './memory-watch.ts'
import { nodeClock } from './node-ports.ts'
import type { Server } from './running-server.ts'
import { figuresOf } from './thread-figures.ts'
import { version } from './version.ts'

const TICKS_PER_SECOND = 1000 / TICK_MS

/** What is done now and then; the result is called every {@link TICK_MS}. */
export function createChores(server: Server): () => void {
  const { broker, log } = server
  const publishSys = (topic: string, text: string): void => {
    server.threads?.tell({ kind: 'sys', topic, text })
    broker.publishSys(topic, text)
  }
  const sys = createSysTopics(
    {
      version,
      figures: figuresOf(server),
      heapBytes: usedBytes,
      publish: publishSys,
      persistenceSync: server.persistence?.sync ?? null,
    },
    nodeClock.monotonicMs(),
  )
  const tellBridges = createBridgeTopics(publishSys)
  const tellCluster = createClusterTopics(publishSys)
  const cluster = clusterSource(server)
  const watchMemory = createMemoryWatch(broker, log, {
    limit: () => server.config.global.memoryBytesMax,
    others: server.threads?.budgets.memory ?? null,
    isFirst: true,
  })
  // The first clients could fill all of it within the first second.
  watchMemory()
  let ticks = 0
  let nextSysMs = 0
  let nextSweepMs = nodeClock.monotonicMs()
  return () => {
    server.threads?.tick()
    watchMemory()
    const now = nodeClock.wallMs()
    const { sysIntervalMs, retainExpiryIntervalMs } = server.config.global
    if (sysIntervalMs > 0 && (now >= nextSysMs || nextSysMs - now > sysIntervalMs)) {
      nextSysMs = (Math.floor(now / sysIntervalMs) + 1) * sysIntervalMs
      sys.update(nodeClock.monotonicMs())
      tellBridges(server.bridges.list())
      tellCluster(cluster.facts().nodes)
    }
    const nowMs = nodeClock.monotonicMs()
    if (retainExpiryIntervalMs !== null && nowMs >= nextSweepMs) {
      nextSweepMs = nowMs + retainExpiryIntervalMs
      broker.sweepRetained()
    }
    if (++ticks % TICKS_PER_SECOND !== 0) return
    log.tick()
  }
}

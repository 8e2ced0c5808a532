/** The figures of the broker: those of its one thread, or of all of them together. */
import type { Broker } from '../broker/broker.ts'
import { Stats, type Counts } from '../ports/stats.ts'
import type { Threads } from './threads.ts'

export interface Figures {
  readonly stats: Stats
  counts(): Counts
}

/** With several threads what the others told last, half a second ago at most. */
export function figuresOf({
  broker,
  threads,
}: {
  readonly broker: Broker
  readonly threads: Threads | null
}): Figures {
  if (threads === null) return { stats: broker.stats, counts: () => broker.counts() }
  return {
    get stats() {
      return sumOf(broker.stats, threads)
    },
    counts: () => countsOf(broker, threads),
  }
}

/** `commitMsMax` is the first thread's, which has the store; `sessionsMax` of the moments in which `countsOf` was asked. */
function sumOf(own: Stats, threads: Threads): Stats {
  const sum = Object.assign(new Stats(), own)
  Object.assign(sum.drops, own.drops)
  // Whoever looks at it begins a new one.
  Object.defineProperty(sum, 'commitMsMax', {
    enumerable: true,
    get: () => own.commitMsMax,
    set(ms: number) {
      own.commitMsMax = ms
    },
  })
  const added = Object.keys(sum).filter((key) => !ALONE.has(key)) as Added[]
  sum.drops.slowThread = threads.dropped()
  sum.publishDropped += sum.drops.slowThread
  for (const { stats } of threads.reports()) {
    sum.publishDropped += stats.drops.slowThread
    for (const key of added) sum[key] += stats[key]
    for (const reason of Object.keys(sum.drops) as (keyof Stats['drops'])[])
      sum.drops[reason] += stats.drops[reason]
  }
  return sum
}

type Added = Exclude<keyof Stats, 'drops'>

const ALONE = new Set<string>([
  'drops',
  'sessionsMax',
  'subscriptions',
  'sharedSubscriptions',
  'commits',
  'commitMs',
  'commitMsMax',
])

function countsOf(broker: Broker, threads: Threads): Counts {
  const counts = broker.counts()
  const own = broker.ownCounts()
  const waiting = threads.queued()
  counts.queued = own.queued + waiting.count
  counts.queuedBytes = own.queuedBytes + waiting.bytes
  for (const { counts: theirs } of threads.reports()) {
    counts.sessions += theirs.cleanSessions
    counts.connected += theirs.connected
    counts.sockets += theirs.sockets
    counts.subscriptions += theirs.cleanSubscriptions
    counts.sharedSubscriptions += theirs.cleanSharedSubscriptions
    counts.queued += theirs.queued
    counts.queuedBytes += theirs.queuedBytes
    counts.outputBytes += theirs.outputBytes
    counts.outputPackets += theirs.outputPackets
  }
  const { stats } = broker
  stats.sessionsMax = Math.max(stats.sessionsMax, counts.sessions)
  return counts
}

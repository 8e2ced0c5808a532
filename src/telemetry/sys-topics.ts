/** The `$SYS` tree of mosquitto 2.1: same names, same formats, published when a value has changed. */
import { LOAD_WINDOWS, newLoadAverage, updateLoad, type LoadAverage } from './load-average.ts'

/** The counters since the start that the tree shows; `Stats` of the core has them. */
export interface SysStats {
  readonly messagesReceived: number
  readonly messagesSent: number
  readonly bytesReceived: number
  readonly bytesSent: number
  readonly publishReceived: number
  readonly publishSent: number
  readonly publishDropped: number
  readonly publishCrossed: number
  readonly publishBytesReceived: number
  readonly publishBytesSent: number
  readonly sockets: number
  readonly connections: number
  readonly expired: number
  readonly sessionsMax: number
}

/** What there is at the moment; `Broker.counts` gives it. */
export interface SysCounts {
  readonly sessions: number
  readonly sockets: number
  readonly retained: number
  readonly retainedBytes: number
  readonly queued: number
  readonly queuedBytes: number
  readonly subscriptions: number
  readonly sharedSubscriptions: number
  readonly outputBytes: number
  readonly outputPackets: number
}

export interface SysSource {
  /** Behind `mozzie version `. */
  readonly version: string
  /** What they are when they are asked for: with several threads `stats` is a sum that is made then. */
  readonly figures: { readonly stats: SysStats; counts(): SysCounts }
  /** Bytes that the process uses: objects, and the buffers outside of the heap. */
  heapBytes(): number
  /** `persistence_sync` of a broker with a store; null: it has none. */
  readonly persistenceSync: string | null
  /** Publishes retained at QoS 2. */
  publish(topic: string, text: string): void
}

export interface SysTopics {
  /** Publishes what has changed; `nowMs` is monotonic. */
  update(nowMs: number): void
}

type Row = readonly [topics: string, value: (stats: SysStats, counts: SysCounts) => number]

// The word behind a comma is a second name of the same value.
export const SYS_ROWS: readonly Row[] = [
  ['clients/total', (_, { sessions }) => sessions],
  ['clients/connected,clients/active', (_, { sockets }) => sockets],
  [
    'clients/disconnected,clients/inactive',
    (_, { sessions, sockets }) => Math.max(0, sessions - sockets),
  ],
  ['clients/expired', ({ expired }) => expired],
  ['messages/stored,store/messages/count', (_, { retained, queued }) => retained + queued],
  ['store/messages/bytes', (_, { retainedBytes, queuedBytes }) => retainedBytes + queuedBytes],
  ['subscriptions/count', (_, { subscriptions }) => subscriptions],
  ['shared_subscriptions/count', (_, { sharedSubscriptions }) => sharedSubscriptions],
  ['retained messages/count', (_, { retained }) => retained],
  ['messages/received', ({ messagesReceived }) => messagesReceived],
  ['messages/sent', ({ messagesSent }) => messagesSent],
  ['bytes/received', ({ bytesReceived }) => bytesReceived],
  ['bytes/sent', ({ bytesSent }) => bytesSent],
  ['publish/messages/received', ({ publishReceived }) => publishReceived],
  ['publish/messages/sent', ({ publishSent }) => publishSent],
  ['publish/messages/dropped', ({ publishDropped }) => publishDropped],
  ['publish/bytes/received', ({ publishBytesReceived }) => publishBytesReceived],
  ['publish/bytes/sent', ({ publishBytesSent }) => publishBytesSent],
  ['packet/out/count', (_, { outputPackets }) => outputPackets],
  ['packet/out/bytes', (_, { outputBytes }) => outputBytes],
  ['connections/socket/count', (_, { sockets }) => sockets],
]

const LOADS: readonly (readonly [topic: string, count: (stats: SysStats) => number])[] = [
  ['messages/received', ({ messagesReceived }) => messagesReceived],
  ['messages/sent', ({ messagesSent }) => messagesSent],
  ['publish/received', ({ publishReceived }) => publishReceived],
  ['publish/sent', ({ publishSent }) => publishSent],
  ['publish/dropped', ({ publishDropped }) => publishDropped],
  ['bytes/received', ({ bytesReceived }) => bytesReceived],
  ['bytes/sent', ({ bytesSent }) => bytesSent],
  ['sockets', ({ sockets }) => sockets],
  ['connections', ({ connections }) => connections],
]

const rowTopics = SYS_ROWS.map(([names, value]) => ({ topics: names.split(','), value }))

/** The tree of one broker; its time begins at `startMs` (monotonic). Nothing is published yet. */
export function createSysTopics(source: SysSource, startMs: number): SysTopics {
  const said = new Map<string, string>()
  const averages: LoadAverage[] = LOADS.map(newLoadAverage)
  let lastMs = startMs
  let heapMax = 0

  const say = (topic: string, text: string): void => {
    if (said.get(topic) === text) return
    said.set(topic, text)
    source.publish(`$SYS/broker/${topic}`, text)
  }

  const sayLoads = (stats: SysStats, seconds: number): void => {
    LOADS.forEach(([topic, count], index) => {
      const average = averages[index]
      if (seconds > 0) updateLoad(average, count(stats), seconds)
      LOAD_WINDOWS.forEach((window, place) =>
        say(`load/${topic}/${window}`, average.values[place].toFixed(2)),
      )
    })
  }

  /** The maximum is that of the moments looked at. */
  const sayHeap = (bytes: number): void => {
    heapMax = Math.max(heapMax, bytes)
    say('heap/current', String(bytes))
    say('heap/maximum', String(heapMax))
  }

  return {
    update(nowMs) {
      const counts = source.figures.counts()
      const { stats } = source.figures
      say('version', `mozzie version ${source.version}`)
      say('uptime', `${Math.floor((nowMs - startMs) / 1000)} seconds`)
      for (const { topics, value } of rowTopics)
        for (const topic of topics) say(topic, String(value(stats, counts)))
      // Of one thread that is all there is nothing crosses.
      if (stats.publishCrossed > 0) say('publish/messages/crossed', String(stats.publishCrossed))
      if (stats.sessionsMax > 1) say('clients/maximum', String(stats.sessionsMax))
      sayHeap(source.heapBytes())
      const { persistenceSync } = source
      // Only a promise weaker than mosquitto's readers expect is news.
      if (persistenceSync !== null && persistenceSync !== 'always')
        say('persistence/sync', persistenceSync)
      sayLoads(stats, (nowMs - lastMs) / 1000)
      lastMs = nowMs
    },
  }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Stats } from '../../src/ports/stats.ts'
import { createSysTopics } from '../../src/telemetry/sys-topics.ts'

const counts = {
  sessions: 1,
  sockets: 2,
  retained: 3,
  retainedBytes: 30,
  queued: 4,
  queuedBytes: 40,
  subscriptions: 5,
  sharedSubscriptions: 6,
  outputBytes: 7,
  outputPackets: 8,
}

function tree() {
  const stats = new Stats()
  const published: [string, string][] = []
  const heap = { bytes: 1000 }
  const source = {
    persistenceSync: null,
    version: '1.2.3',
    figures: { stats, counts: () => counts },
    heapBytes: () => heap.bytes,
    publish: (topic: string, text: string) => void published.push([topic, text]),
  }
  return { stats, published, heap, sys: createSysTopics(source, 1000) }
}

test('the first update publishes every value in the formats of mosquitto', () => {
  const { published, sys } = tree()
  sys.update(1000)
  const values = new Map(published)
  assert.equal(values.get('$SYS/broker/version'), 'mozzie version 1.2.3')
  assert.equal(values.get('$SYS/broker/uptime'), '0 seconds')
  assert.equal(values.get('$SYS/broker/clients/disconnected'), '0')
  assert.equal(values.get('$SYS/broker/clients/inactive'), '0')
  assert.equal(values.get('$SYS/broker/store/messages/count'), '7')
  assert.equal(values.get('$SYS/broker/store/messages/bytes'), '70')
  assert.equal(values.get('$SYS/broker/retained messages/count'), '3')
  assert.equal(values.get('$SYS/broker/load/connections/15min'), '0.00')
  assert.equal(values.has('$SYS/broker/clients/maximum'), false)
})

test('how many messages crossed to other threads is said once one has', () => {
  const { published, stats, sys } = tree()
  sys.update(1000)
  stats.publishCrossed = 3
  sys.update(1000)
  const said = published.filter(([topic]) => topic.endsWith('/crossed'))
  assert.deepEqual(said, [['$SYS/broker/publish/messages/crossed', '3']])
})

test('memory in use is heap/current, the most there was heap/maximum', () => {
  const { published, heap, sys } = tree()
  for (const bytes of [1000, 3000, 2000]) {
    heap.bytes = bytes
    sys.update(1000)
  }
  const said = published.filter(([topic]) => topic.includes('/heap/'))
  assert.deepEqual(
    said.map(([topic, text]) => `${topic.slice('$SYS/broker/heap/'.length)} ${text}`),
    ['current 1000', 'maximum 1000', 'current 3000', 'maximum 3000', 'current 2000'],
  )
})

test('a later update publishes only what has changed', () => {
  const { stats, published, sys } = tree()
  sys.update(1000)
  published.length = 0
  stats.sessionsMax = 2
  sys.update(11_000)
  assert.deepEqual(published, [
    ['$SYS/broker/uptime', '10 seconds'],
    ['$SYS/broker/clients/maximum', '2'],
  ])
})

test('loads are averages per minute that decay by their window', () => {
  const { stats, published, sys } = tree()
  stats.sockets = 10
  sys.update(11_000)
  const one = 60 * (1 - Math.exp(-10 / 60))
  assert.equal(new Map(published).get('$SYS/broker/load/sockets/1min'), one.toFixed(2))
  published.length = 0
  sys.update(21_000)
  const decayed = one * Math.exp(-10 / 60)
  assert.equal(new Map(published).get('$SYS/broker/load/sockets/1min'), decayed.toFixed(2))
})

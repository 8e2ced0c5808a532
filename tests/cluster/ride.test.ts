import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Qos } from '../../src/codec/packets.ts'
import { processMsMax, testMsMax } from '../support/patience.ts'
import { startBrokers, type ClusterBrokers } from './brokers.ts'
import { Ledger } from './ledger.ts'
import { skipNats, startNats } from './nats-servers.ts'
import { newName } from './nodes.ts'

const SETTLE_MS_MAX = 60_000

/** Waits until so many more are acknowledged: whatever is done next is done under load. */
async function underWay(ledger: Ledger, more: number, { brokers }: ClusterBrokers): Promise<void> {
  const target = ledger.acked + more
  for (const endMs = performance.now() + processMsMax; ledger.acked < target; await sleep(20))
    assert.ok(performance.now() < endMs, brokers.map((broker) => broker.log()).join('\n'))
}

for (const qos of [1, 2] as const satisfies Qos[])
  test(
    `QoS ${qos}: a broker that is killed, one that ends, and a NATS server that is killed lose nothing`,
    { skip: skipNats, timeout: testMsMax },
    async () => {
      const nats = await startNats(3)
      const options = {
        urls: nats.urls,
        cluster: newName(),
        count: 2,
        replicas: 3,
        leaseSeconds: 10,
      }
      const cluster = await startBrokers(options)
      const { brokers, stop } = cluster
      try {
        const ledger = new Ledger(brokers, qos, 2, 2)
        await ledger.start()
        await underWay(ledger, 100, cluster)
        await brokers[0].kill('SIGKILL')
        await underWay(ledger, 100, cluster)
        await brokers[0].start()
        await nats.servers[0].kill('SIGKILL')
        await underWay(ledger, 100, cluster)
        await nats.servers[0].start()
        await brokers[1].kill('SIGTERM')
        await underWay(ledger, 100, cluster)
        await brokers[1].start()
        const { lost, twice, outOfOrder } = await ledger.finish(SETTLE_MS_MAX)
        assert.deepEqual(lost, [])
        assert.equal(outOfOrder, 0)
        if (qos === 2) assert.equal(twice, 0)
      } finally {
        await stop()
        await nats.stop()
      }
    },
  )

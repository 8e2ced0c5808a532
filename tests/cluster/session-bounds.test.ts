/** Whoever is in has its place at every node: it comes back to another one while its old connection is still there. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { MqttClient } from 'mqtt'
import { Reason } from '../../src/codec/reason-codes.ts'
import { connectOnce } from '../support/connect-once.ts'
import { testMsMax } from '../support/patience.ts'
import { startBrokers, type ClusterBrokers } from './brokers.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'
import { newName } from './nodes.ts'

/** No test waits for its end: however busy the machine is, nobody loses it. */
const LEASE_SECONDS = 60

let nats: NatsServers

async function stage(lines: string): Promise<{
  cluster: ClusterBrokers
  connect(index: number, clientId: string, username: string): Promise<MqttClient>
}> {
  const cluster = await startBrokers({
    ...{ urls: nats.urls, cluster: newName(), count: 2, replicas: 1, lines },
    leaseSeconds: LEASE_SECONDS,
  })
  const connect = (index: number, clientId: string, username: string) =>
    connectOnce(`mqtt://127.0.0.1:${cluster.brokers[index].port}`, {
      ...{ protocolVersion: 5, clientId, username, reconnectPeriod: 0 },
    })
  return { cluster, connect }
}

const closeOf = (client: MqttClient) =>
  new Promise<void>((resolve) => client.once('close', () => resolve()))

const busy = { code: Reason.serverBusy }

if (skipNats !== false) test('bounds on sessions in a cluster', { skip: skipNats }, () => {})
else {
  before(async () => {
    nats = await startNats(1)
  })
  after(() => nats.stop())

  for (const lines of ['global_max_clients 1', 'max_clients_per_user 1'])
    test(
      `${lines}: a client comes back to another node, another one does not come in`,
      { timeout: testMsMax },
      async (context) => {
        const { cluster, connect } = await stage(lines)
        context.after(() => cluster.stop())
        let client = await connect(0, 'in', 'ann')
        for (const index of [1, 0, 1]) {
          const closed = closeOf(client)
          client = await connect(index, 'in', 'ann')
          await closed
          await assert.rejects(connect(index, 'other', 'ann'), busy)
        }
        client.end(true)
      },
    )

  test(
    'another user’s connection stays when its user has no room to take it over',
    { timeout: testMsMax },
    async (context) => {
      const { cluster, connect } = await stage(
        'max_clients_per_user 1\nsession_takeover_any_user true',
      )
      context.after(() => cluster.stop())
      const client = await connect(0, 'ann’s', 'ann')
      const own = await connect(1, 'bob’s', 'bob')
      await assert.rejects(connect(1, 'ann’s', 'bob'), busy)
      assert.ok(client.connected)
      const gone = closeOf(own)
      // Its broker ends the connection as well, behind DISCONNECT: then it knows.
      own.end()
      await gone
      const taken = closeOf(client)
      const taker = await connect(1, 'ann’s', 'bob')
      await taken
      taker.end(true)
    },
  )
}

import { after, before, test } from 'node:test'
import { ClusterStore } from '../../src/cluster/cluster-store.ts'
import { storeContract } from '../store/contract.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'
import { newName, newNode } from './nodes.ts'

let nats: NatsServers

if (skipNats !== false) test('the cluster’s store', { skip: skipNats }, () => {})
else {
  before(async () => {
    nats = await startNats()
  })
  after(() => nats.stop())
  storeContract(
    'cluster',
    async () => {
      const name = newName()
      return {
        store: (node) => new ClusterStore(newNode(nats.urls, name, node)),
        dispose: async () => {},
      }
    },
    { shared: true, numbersLater: true },
  )
}

import { ClusterStore } from '../../src/cluster/cluster-store.ts'
import { storeContract } from '../store/contract.ts'
import { newName, newNode } from './nodes.ts'
import { overNats } from './support/stage.ts'

overNats('the cluster’s store', (nats) =>
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
  ),
)

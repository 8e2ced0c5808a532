/** The clients of all threads, for what is done to some of them wherever they are. */
import type { DynamicSecurity } from '../auth/dynamic/dynamic-security.ts'
import { formatState } from '../auth/dynamic/write-state.ts'
import type { Broker } from '../broker/broker.ts'
import type { Threads } from './threads.ts'

type ConnectionsByUser = ReturnType<Broker['connectionsByUser']>

export interface Everyone {
  /** As `Broker.connectionsByUser`. */
  connectionsByUser(): ConnectionsByUser
  /** Ends all connections of a user; null: of clients without a user name. */
  kickUser(username: string | null): void
  /** As `Broker.tell`. */
  tell(clientId: string, topic: string, payload: Uint8Array): void
  /** Users, groups and roles are others: resolves when that is in force everywhere. */
  applyDynamic(dynamic: DynamicSecurity): Promise<void>
}

export function everyoneOf(broker: Broker, threads: Threads | null): Everyone {
  if (threads === null) return { ...alone(broker), applyDynamic: async () => {} }
  const here = alone(broker)
  const { whereabouts, ask } = threads
  return {
    connectionsByUser: () => whereabouts.addTo(here.connectionsByUser()),
    kickUser(username) {
      here.kickUser(username)
      void ask('kickUser', username).catch(() => {})
    },
    tell(clientId, topic, payload) {
      if (whereabouts.has(clientId))
        void ask('tellClient', clientId, topic, payload).catch(() => {})
      else here.tell(clientId, topic, payload)
    },
    async applyDynamic({ file, state }) {
      await ask('applyDynamic', file, formatState(state))
    },
  }
}

function alone(broker: Broker): Omit<Everyone, 'applyDynamic'> {
  return {
    connectionsByUser: () => broker.connectionsByUser(),
    kickUser: (username) => void broker.kickUser(username),
    tell: (clientId, topic, payload) => broker.tell(clientId, topic, payload),
  }
}

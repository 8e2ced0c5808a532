/** The clients of all threads, or nodes, for what is done to some of them wherever they are. */
import type { Kicks } from '../auth/dynamic/draft.ts'
import type { DynamicSecurity, DynamicWorld } from '../auth/dynamic/dynamic-security.ts'
import { formatState } from '../auth/dynamic/write-state.ts'
import type { Broker } from '../broker/broker.ts'
import type { SharedUsers } from './shared-users.ts'
import type { Threads } from './threads.ts'

type ConnectionsByUser = ReturnType<Broker['connectionsByUser']>

export interface Everyone {
  /** As `Broker.connectionsByUser`; of a cluster those of this node. */
  connectionsByUser(): ConnectionsByUser
  /** Ends all connections of some users. */
  kick(kicks: Kicks): void
  /** As `Broker.tell`. */
  tell(clientId: string, topic: string, payload: Uint8Array): void
  /** Users, groups and roles are others: resolves when that is in force everywhere. */
  applyDynamic(dynamic: DynamicSecurity): Promise<void>
  /** Where changes are kept, when that is not the file. */
  readonly share: DynamicWorld['share']
}

/** @param shared The users that all nodes of a cluster have; null: there are none. */
export function everyoneOf(
  broker: Broker,
  threads: Threads | null,
  shared: SharedUsers | null,
): Everyone {
  if (shared !== null) return inCluster(broker, shared)
  if (threads === null) return { ...alone(broker), applyDynamic: async () => {} }
  const here = alone(broker)
  const { whereabouts, ask } = threads
  return {
    ...here,
    connectionsByUser: () => whereabouts.addTo(here.connectionsByUser()),
    kick(kicks) {
      here.kick(kicks)
      for (const username of namesIn(kicks)) void ask('kickUser', username).catch(() => {})
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

function inCluster(broker: Broker, { share, everywhere, kick }: SharedUsers): Everyone {
  const here = alone(broker)
  return {
    ...here,
    share,
    kick(kicks) {
      here.kick(kicks)
      void kick(namesIn(kicks))
    },
    applyDynamic: everywhere,
  }
}

function alone(broker: Broker): Omit<Everyone, 'applyDynamic'> {
  return {
    share: undefined,
    connectionsByUser: () => broker.connectionsByUser(),
    kick(kicks) {
      for (const username of namesIn(kicks)) broker.kickUser(username)
    },
    tell: (clientId, topic, payload) => broker.tell(clientId, topic, payload),
  }
}

/** null: clients without a user name. */
function namesIn({ anonymous, usernames }: Kicks): (string | null)[] {
  return anonymous ? [null, ...usernames] : [...usernames]
}

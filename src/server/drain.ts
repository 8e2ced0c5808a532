/** A node of a cluster that is to be stopped: nobody is let in, and its clients go to the others, a few at a time. */
import { LogType, type Log } from '../base/log.ts'
import type { Broker } from '../broker/broker.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'

const SLICE_MS = 100

export interface Draining {
  readonly broker: Pick<Broker, 'sendAway' | 'counts'>
  readonly log: Log
  /** `draining` from the beginning on: whoever balances load sees it. */
  status: 'starting' | 'ok' | 'draining' | 'stopping'
}

export interface Drain {
  /** Sends the clients away within some `seconds`. There is no way back but to start the broker again. */
  start(seconds: number): void
}

/** @param deafen Closes what MQTT comes in by; the admin API stays. */
export function createDrain(
  server: Draining,
  node: Pick<ClusterNode, 'membership' | 'writer'>,
  deafen: () => void,
): Drain {
  const { broker, log } = server
  let timer: NodeJS.Timeout | null = null

  const slice = (most: number): void => {
    if (server.status !== 'draining') return end()
    if (broker.sendAway(most) > 0) return
    end()
    void node.writer.flush().then(() => {
      log.write(LogType.notice, 'Drained: no client is left, the broker may be stopped.')
      return node.membership.tellNow()
    })
  }

  const end = (): void => {
    clearInterval(timer ?? undefined)
    timer = null
  }

  return {
    start(seconds) {
      if (server.status !== 'ok') return
      server.status = 'draining'
      deafen()
      const { connected } = broker.counts()
      log.write(
        LogType.notice,
        `Draining: ${connected} clients go to other nodes within ${seconds} s.`,
      )
      void node.membership.tellNow()
      const most = Math.max(1, Math.ceil((connected * SLICE_MS) / (seconds * 1000)))
      timer = setInterval(() => slice(most), SLICE_MS)
    },
  }
}

/** A node of a cluster that is to be stopped: nobody is let in, and its clients go to the others, a few at a time. */
import { LogType, type Log } from '../base/log.ts'
import type { Broker } from '../broker/broker.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { sayLeaving } from '../cluster/leaving.ts'

const SLICE_MS = 100

export interface Draining {
  readonly broker: Pick<Broker, 'sendAway' | 'counts'>
  readonly log: Log
  /** `draining` from the beginning on: whoever balances load sees it. */
  status: 'starting' | 'ok' | 'draining' | 'stopping'
}

export interface Drain {
  /**
   * Sends the clients away within some `seconds`; resolves when it begins, to false where no other node would take them. There
   * is no way back but to start the broker again.
   */
  start(seconds: number): Promise<boolean>
}

/** @param deafen Closes what MQTT comes in by, bridges too; the admin API stays. */
export function createDrain(
  server: Draining,
  node: Pick<ClusterNode, 'membership' | 'writer' | 'records' | 'options'>,
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
    async start(seconds) {
      if (server.status !== 'ok') return true
      if (!(await sayLeaving(node.records, node.membership, node.options))) return false
      // It was asked for twice, or is to end meanwhile.
      if (server.status !== 'ok') return true
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
      return true
    },
  }
}

/** The broker as bridges see it. */
import type { LocalBroker } from '../bridge/local-broker.ts'
import type { Broker } from '../broker/broker.ts'
import type { Threads } from './threads.ts'

/** What bridges say of themselves clients of all threads hear; what waits for them comes from any. */
export function bridgeSide(broker: Broker, threads: Threads | null): LocalBroker {
  if (threads === null) return broker
  return Object.create(broker, {
    publish: {
      value(...[topic, payload, options]: Parameters<LocalBroker['publish']>) {
        if (topic.startsWith('$SYS/'))
          threads.tell({ kind: 'sys', topic, text: new TextDecoder().decode(payload) })
        return broker.publish(topic, payload, options)
      },
    },
    queuedFor: {
      value: (clientId: string) =>
        threads.backlogOf(clientId)?.queuedCount ?? broker.queuedFor(clientId),
    },
  }) as LocalBroker
}

/** The broker as bridges see it. */
import type { LocalBroker } from '../bridge/local-broker.ts'
import type { Broker } from '../broker/broker.ts'
import type { Threads } from './threads.ts'

/** What bridges say of themselves clients of all threads hear. */
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
  }) as LocalBroker
}

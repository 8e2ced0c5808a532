/** Publishes that wait for their time: list and cancel. */
import type { Delayed } from '../../broker/state/delays.ts'
import { matches } from '../../topics/names.ts'
import { holds, pageOf } from '../scan.ts'
import { checkFilter } from './clients.ts'
import type { Handlers, HandlerWorld } from './handler.ts'
import { rowOf } from './messages.ts'

type DelayedHandlers = Pick<Handlers, 'delayed' | 'delayedCancel'>

export function delayedHandlers({ admin }: HandlerWorld): DelayedHandlers {
  const { inspector, source } = admin
  return {
    async delayed({ query }) {
      const { filter = '#', q = '' } = query
      checkFilter(filter)
      const wanted = q.toLowerCase()
      const page = await pageOf(
        inspector.delayed(),
        ({ message: { topicName } }) => holds(wanted, topicName) && matches(filter, topicName),
        query,
        inOrder,
      )
      return {
        ...page,
        items: page.items.map(({ id, dueAtMs, message }) => {
          const { retain } = message
          return { ...rowOf(message.topicName, message), id, retain, dueAtMs }
        }),
      }
    },
    delayedCancel: ({ params: { id } }) => ({ done: source.broker.cancelDelayed(id) }),
  }
}

/** Those that are due first come first. */
function inOrder(left: Delayed, right: Delayed): number {
  return left.dueAtMs - right.dueAtMs || (left.id < right.id ? -1 : 1)
}

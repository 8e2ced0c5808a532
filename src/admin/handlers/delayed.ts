/** Publishes that wait for their time: list and cancel. */
import { checkFilter } from './clients.ts'
import type { Handlers, HandlerWorld } from './handler.ts'

type DelayedHandlers = Pick<Handlers, 'delayed' | 'delayedCancel'>

export function delayedHandlers({ admin }: HandlerWorld): DelayedHandlers {
  const { views } = admin.source
  return {
    delayed({ query }) {
      checkFilter(query.filter ?? '#')
      return views.delayed(query)
    },
    delayedCancel: async ({ params: { id } }) => ({ done: await views.cancelDelayed(id) }),
  }
}

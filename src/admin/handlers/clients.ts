/** Clients and their subscriptions. */
import { isShared, topicFilterProblem, topicNameProblem } from '../../topics/names.ts'
import { HttpError } from '../http-error.ts'
import { eventsOf } from '../why-facts.ts'
import type { Handlers, HandlerWorld } from './handler.ts'

type ClientHandlers = Pick<
  Handlers,
  'clients' | 'client' | 'refusals' | 'disconnect' | 'forget' | 'subscriptions' | 'receivers'
>

const SHOWN_MAX = 1000

export function clientHandlers({ admin }: HandlerWorld): ClientHandlers {
  const { inspector, events, source } = admin
  const { views } = source
  return {
    clients: ({ query }) => views.clients(query),
    refusals: () => ({ items: events.refusals() }),
    async client({ query: { clientId } }) {
      const found = await views.client(clientId)
      if (found === null) throw noClient(clientId)
      const { client, queue, subscriptions } = found
      return {
        ...client,
        window: [...client.window],
        queue: [...queue],
        will: client.will,
        subscriptionList: subscriptions.slice(0, SHOWN_MAX),
        events: await eventsOf(admin, clientId),
      }
    },
    disconnect: async ({ body: { clientId, reasonCode } }) => ({
      done: await views.disconnect(clientId, reasonCode),
    }),
    forget: async ({ body: { clientId } }) => ({ done: await views.forget(clientId) }),
    subscriptions({ query }) {
      if (query.match !== undefined) checkTopic('match', query.match)
      return views.subscriptions(query)
    },
    async receivers({ query: { topic } }) {
      checkTopic('topic', topic)
      const { receivers, ...all } = await views.receivers(topic)
      const retained = inspector.retainedOf(topic) !== undefined
      return { topic, ...all, retained, items: receivers }
    },
  }
}

/** @throws HttpError 400 for what is no topic name. */
export function checkTopic(parameter: string, topic: string): void {
  const problem = topicNameProblem(topic)
  if (problem !== null) throw new HttpError(400, `${parameter}: ${problem}`)
}

/** @throws HttpError 400 for what is no filter of single topics. */
export function checkFilter(filter: string): void {
  const problem = isShared(filter) ? 'a shared filter matches no topic' : topicFilterProblem(filter)
  if (problem !== null) throw new HttpError(400, `filter: ${problem}`)
}

function noClient(clientId: string): HttpError {
  return new HttpError(404, `There is no session of a client "${clientId}".`)
}

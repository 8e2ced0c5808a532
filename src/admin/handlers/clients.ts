/** Clients and their subscriptions. */
import type { ClientView } from '../../broker/inspect.ts'
import { isShared, matches, topicFilterProblem, topicNameProblem } from '../../topics/names.ts'
import { parseShared } from '../../topics/names.ts'
import { HttpError } from '../http-error.ts'
import { holds, pageOf, takeFirst } from '../scan.ts'
import type { ClientsQuery, SubscriptionsQuery } from '../schemas-clients.ts'
import type { Handlers, HandlerWorld } from './handler.ts'

type ClientHandlers = Pick<
  Handlers,
  'clients' | 'client' | 'refusals' | 'disconnect' | 'forget' | 'subscriptions' | 'receivers'
>

const SHOWN_MAX = 1000

export function clientHandlers({ admin }: HandlerWorld): ClientHandlers {
  const { inspector, events, source } = admin
  const { broker } = source
  return {
    clients: ({ query }) => pageOf(inspector.clients(), clientTest(query), query, orderOf(query)),
    refusals: () => ({ items: events.refusals() }),
    async client({ query: { clientId } }) {
      const queue = await inspector.queue(clientId)
      const view = inspector.client(clientId)
      if (view === null) throw noClient(clientId)
      const subscriptions = inspector.subscriptions(clientId)
      return {
        ...view,
        window: [...view.window],
        queue: [...queue],
        will: view.will,
        subscriptionList: [...takeFirst(subscriptions, SHOWN_MAX)],
        events: events.of(clientId),
      }
    },
    disconnect: ({ body: { clientId, reasonCode } }) => ({
      done: broker.disconnect(clientId, reasonCode),
    }),
    forget: ({ body: { clientId } }) => ({ done: broker.forget(clientId) }),
    subscriptions({ query }) {
      const { match } = query
      if (match !== undefined) checkTopic('match', match)
      return pageOf(inspector.subscriptions(query.clientId), subscriptionTest(query), query)
    },
    receivers({ query: { topic } }) {
      checkTopic('topic', topic)
      const { total, receivers } = inspector.receivers(topic, SHOWN_MAX)
      const retained = inspector.retainedOf(topic) !== undefined
      return { topic, total, retained, items: receivers }
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

function clientTest({ q = '', state, username, version }: ClientsQuery) {
  const wanted = q.toLowerCase()
  return (client: ClientView): boolean =>
    (state === undefined || client.connected === (state === 'connected')) &&
    (username === undefined || client.username === username) &&
    (version === undefined || client.version === version) &&
    holds(wanted, client.clientId, client.username, client.remote)
}

/** null: as they came. */
function orderOf({ sort, order = 'asc' }: ClientsQuery) {
  if (sort === undefined) return null
  const sign = order === 'asc' ? 1 : -1
  return (left: ClientView, right: ClientView): number =>
    sign * compare(left[sort], right[sort]) || compare(left.clientId, right.clientId)
}

function compare(left: string | number | null, right: string | number | null): number {
  if (left === right) return 0
  if (left === null) return -1
  if (right === null) return 1
  return left < right ? -1 : 1
}

function subscriptionTest({ q = '', match, shared }: SubscriptionsQuery) {
  const wanted = q.toLowerCase()
  return (subscription: { clientId: string; filter: string; group: string | null }): boolean =>
    (shared === undefined || shared === (subscription.group !== null)) &&
    (match === undefined || matches(plainFilter(subscription.filter), match)) &&
    holds(wanted, subscription.filter, subscription.clientId)
}

function plainFilter(filter: string): string {
  return parseShared(filter)?.filter ?? filter
}

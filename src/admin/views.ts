/** What the API lists of sessions, and does to them: of one core, or put together from several (`server/joint-views.ts`). */
import type { Broker } from '../broker/broker.ts'
import type { Inspector } from '../broker/inspect.ts'
import type {
  ClientDetailView,
  ClientView,
  QueuedView,
  ReceiverView,
  SubscriptionView,
  WillView,
} from '../broker/views.ts'
import type { Delayed } from '../broker/state/delays.ts'
import { matches, parseShared } from '../topics/names.ts'
import { rowOf } from './kept-row.ts'
import { holds, pageOf, takeFirst, type Page, type PageQuery } from './scan.ts'
import type { ClientsQuery, RetainedQuery, SubscriptionsQuery } from './schemas-clients.ts'
import type { DelayedRow } from './schemas-delayed.ts'

/** Where a session is. `thread`: of several; `node`: of a cluster, where its client is connected. null: there is one, or it is nowhere. */
export interface ClientPlace {
  readonly thread: number | null
  readonly node: string | null
}

export type ClientEntry = ClientView & ClientPlace

export interface ClientEverything {
  readonly client: ClientDetailView & ClientPlace
  readonly queue: readonly QueuedView[]
  /** The first of them. */
  readonly subscriptions: readonly SubscriptionView[]
}

export interface Views {
  clients(query: ClientsQuery): Promise<Page<ClientEntry>>
  /** null: no such session. */
  client(clientId: string): Promise<ClientEverything | null>
  /** null: none, or it waits elsewhere. */
  will(clientId: string): Promise<WillView | null>
  subscriptions(query: SubscriptionsQuery): Promise<Page<SubscriptionView>>
  /** The first of all clients. */
  allSubscriptions(max: number): Promise<SubscriptionView[]>
  /** The first of them, and how many there are; `missing` as of a page. */
  receivers(
    topic: string,
  ): Promise<{ total: number; receivers: ReceiverView[]; missing?: string[] }>
  delayed(query: RetainedQuery): Promise<Page<DelayedRow>>
  clientIds(max: number): Promise<string[]>
  disconnect(clientId: string, reasonCode: number | undefined): Promise<boolean>
  forget(clientId: string): Promise<boolean>
  cancelDelayed(id: string): Promise<boolean>
}

const SUBSCRIPTIONS_MAX = 5000
const RECEIVERS_MAX = 1000
const NOWHERE: ClientPlace = { thread: null, node: null }

export function viewsOf(broker: Broker, inspector: Inspector): Views {
  return {
    async clients(query) {
      const page = await pageOf(inspector.clients(), clientTest(query), query, clientOrder(query))
      return { ...page, items: page.items.map((client) => ({ ...client, ...NOWHERE })) }
    },
    async client(clientId) {
      const queue = await inspector.queue(clientId)
      const client = inspector.client(clientId)
      if (client === null) return null
      const subscriptions = [...takeFirst(inspector.subscriptions(clientId), SUBSCRIPTIONS_MAX)]
      return { client: { ...client, ...NOWHERE }, queue, subscriptions }
    },
    will: async (clientId) => inspector.will(clientId),
    subscriptions: (query) =>
      pageOf(inspector.subscriptions(query.clientId), subscriptionTest(query), query),
    allSubscriptions: async (max) => [...takeFirst(inspector.subscriptions(), max)],
    receivers: async (topic) => inspector.receivers(topic, RECEIVERS_MAX),
    async delayed(query) {
      const page = await pageOf(inspector.delayed(), delayedTest(query), query, delayedOrder)
      return { ...page, items: page.items.map(delayedRow) }
    },
    clientIds: async (max) => [...takeFirst(inspector.clients(), max)].map((one) => one.clientId),
    disconnect: async (clientId, reasonCode) => broker.disconnect(clientId, reasonCode),
    forget: async (clientId) => broker.forget(clientId),
    cancelDelayed: async (id) => broker.cancelDelayed(id),
  }
}

/** The same, and where each client is. */
export function placedViews(
  views: Views,
  placeOf: (client: ClientView) => Partial<ClientPlace>,
): Views {
  return {
    ...views,
    async clients(query) {
      const page = await views.clients(query)
      return { ...page, items: page.items.map((client) => ({ ...client, ...placeOf(client) })) }
    },
    async client(clientId) {
      const found = await views.client(clientId)
      if (found === null) return null
      return { ...found, client: { ...found.client, ...placeOf(found.client) } }
    },
  }
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
export function clientOrder({ sort, order = 'asc' }: ClientsQuery) {
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
  return (subscription: SubscriptionView): boolean =>
    (shared === undefined || shared === (subscription.group !== null)) &&
    (match === undefined || matches(plainFilter(subscription.filter), match)) &&
    holds(wanted, subscription.filter, subscription.clientId)
}

function plainFilter(filter: string): string {
  return parseShared(filter)?.filter ?? filter
}

function delayedTest({ filter = '#', q = '' }: RetainedQuery) {
  const wanted = q.toLowerCase()
  return ({ message: { topicName } }: Delayed): boolean =>
    holds(wanted, topicName) && matches(filter, topicName)
}

/** Those that are due first come first. */
export function delayedOrder(
  left: Pick<Delayed, 'dueAtMs' | 'id'>,
  right: Pick<Delayed, 'dueAtMs' | 'id'>,
): number {
  return left.dueAtMs - right.dueAtMs || (left.id < right.id ? -1 : 1)
}

function delayedRow({ id, dueAtMs, message }: Delayed): DelayedRow {
  const { retain } = message
  return { ...rowOf(message.topicName, message), id, retain, dueAtMs }
}

/** The same page out of all lists one behind the other; each of them begins at its first entry. */
export function joinPages<T>(
  pages: readonly Page<T>[],
  { page = 1, pageSize = 50 }: PageQuery,
  order: ((left: T, right: T) => number) | null = null,
): Page<T> {
  const all = pages.flatMap(({ items }) => items)
  const total = pages.reduce((sum, one) => sum + one.total, 0)
  const items = (order === null ? all : all.sort(order)).slice((page - 1) * pageSize)
  return { items: items.slice(0, pageSize), total, page, pageSize }
}

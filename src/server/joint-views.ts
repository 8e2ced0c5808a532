/** The sessions of all threads as the API lists them: each thread says what it has, the first puts it together. */
import {
  clientOrder,
  delayedOrder,
  joinPages,
  type ClientEntry,
  type Views,
} from '../admin/views.ts'
import type { Page, PageQuery } from '../admin/scan.ts'
import type { AskThreads } from './thread-asks.ts'

/** @param own What the first thread shows. */
export function joinViews(own: Views, ask: AskThreads): Views {
  const any = async (done: Promise<boolean>, elsewhere: () => Promise<boolean[]>) =>
    (await done) || (await elsewhere()).includes(true)
  return {
    async clients(query) {
      const wanted = fromTheFirst(query)
      const pages = [await own.clients(wanted), ...(await ask('clients', wanted))]
      return joinPages(pages.map(withThread), query, clientOrder(query))
    },
    async client(clientId) {
      const found = [await own.client(clientId), ...(await ask('client', clientId))]
      const thread = found.findIndex((one) => one !== null)
      const one = found[thread] ?? null
      return one === null ? null : { ...one, client: { ...one.client, thread } }
    },
    async subscriptions(query) {
      const wanted = fromTheFirst(query)
      const others = await ask('subscriptions', wanted)
      return joinPages([await own.subscriptions(wanted), ...others], query)
    },
    async allSubscriptions(max) {
      const others = await ask('allSubscriptions', max)
      return [...(await own.allSubscriptions(max)), ...others.flat()].slice(0, max)
    },
    async receivers(topic) {
      const all = [await own.receivers(topic), ...(await ask('receivers', topic))]
      return {
        total: all.reduce((sum, { total }) => sum + total, 0),
        receivers: all.flatMap(({ receivers }) => receivers),
      }
    },
    async delayed(query) {
      const wanted = fromTheFirst(query)
      const others = await ask('delayed', wanted)
      return joinPages([await own.delayed(wanted), ...others], query, delayedOrder)
    },
    async clientIds(max) {
      const others = await ask('clientIds', max)
      return [...(await own.clientIds(max)), ...others.flat()].slice(0, max)
    },
    disconnect: (...who) => any(own.disconnect(...who), () => ask('disconnect', ...who)),
    forget: (clientId) => any(own.forget(clientId), () => ask('forget', clientId)),
    cancelDelayed: (id) => any(own.cancelDelayed(id), () => ask('cancelDelayed', id)),
  }
}

/** All rows up to the end of the page that is asked for. */
function fromTheFirst<Query extends PageQuery>(query: Query): Query {
  const { page = 1, pageSize = 50 } = query
  return { ...query, page: 1, pageSize: page * pageSize }
}

function withThread(page: Page<ClientEntry>, thread: number): Page<ClientEntry> {
  return { ...page, items: page.items.map((client) => ({ ...client, thread })) }
}

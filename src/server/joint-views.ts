/** The sessions of all threads, or of all nodes of a cluster, as the API lists them: each says what it has, and who was asked puts it together. */
import { clientOrder, delayedOrder, joinPages, type Views } from '../admin/views.ts'
import type { PageQuery } from '../admin/scan.ts'

/** Asks all others. */
export type AskViews = <Name extends keyof Views>(
  name: Name,
  ...args: Parameters<Views[Name]>
) => Promise<Awaited<ReturnType<Views[Name]>>[]>

/** @param own What is shown where it is put together. */
export function joinViews(own: Views, ask: AskViews): Views {
  const any = async (done: Promise<boolean>, elsewhere: () => Promise<boolean[]>) =>
    (await done) || (await elsewhere()).includes(true)
  return {
    async clients(query) {
      const wanted = fromTheFirst(query)
      const pages = [await own.clients(wanted), ...(await ask('clients', wanted))]
      return joinPages(pages, query, clientOrder(query))
    },
    async client(clientId) {
      const found = [await own.client(clientId), ...(await ask('client', clientId))]
      return found.find((one) => one !== null) ?? null
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

/** The sessions of all threads, or of all nodes of a cluster, as the API lists them: each says what it has, and who was asked puts it together. */
import { HttpError } from '../admin/http-error.ts'
import {
  clientOrder,
  delayedOrder,
  joinPages,
  type ClientEverything,
  type Views,
} from '../admin/views.ts'
import type { PageQuery } from '../admin/scan.ts'

/** What the others have said. */
export interface Heard<T> {
  readonly said: readonly T[]
  /** Those that have not said anything, by name. */
  readonly missing: readonly string[]
}

type Said<Name extends keyof Views> = Awaited<ReturnType<Views[Name]>>

/** Asks all others. */
export type AskViews = <Name extends keyof Views>(
  name: Name,
  ...args: Parameters<Views[Name]>
) => Promise<Heard<Said<Name>>>

/** Of those that are never missing. */
export function askingAll(
  ask: <Name extends keyof Views>(
    name: Name,
    ...args: Parameters<Views[Name]>
  ) => Promise<Said<Name>[]>,
): AskViews {
  return async (name, ...args) => ({ said: await ask(name, ...args), missing: [] })
}

/** @param own What is shown where it is put together. */
export function joinViews(own: Views, ask: AskViews): Views {
  const any = async (done: Promise<boolean>, elsewhere: () => Promise<Heard<boolean>>) => {
    if (await done) return true
    const { said, missing } = await elsewhere()
    if (!said.includes(true)) refuseFor(missing)
    return said.includes(true)
  }
  const willOf = async (clientId: string) =>
    (await own.will(clientId)) ??
    (await ask('will', clientId)).said.find((one) => one !== null) ??
    null
  /** A will waits where its client was. */
  const withWill = async (found: ClientEverything): Promise<ClientEverything> => {
    const { client } = found
    if (client.connected || client.will !== null) return found
    return { ...found, client: { ...client, will: await willOf(client.clientId) } }
  }
  return {
    async clients(query) {
      const wanted = fromTheFirst(query)
      const { said, missing } = await ask('clients', wanted)
      const page = joinPages([await own.clients(wanted), ...said], query, clientOrder(query))
      return lacking(page, missing)
    },
    async client(clientId) {
      const { said, missing } = await ask('client', clientId)
      const found = [await own.client(clientId), ...said].find((one) => one !== null)
      if (found === undefined) refuseFor(missing)
      return found === undefined ? null : withWill(found)
    },
    will: willOf,
    async subscriptions(query) {
      const wanted = fromTheFirst(query)
      const { said, missing } = await ask('subscriptions', wanted)
      return lacking(joinPages([await own.subscriptions(wanted), ...said], query), missing)
    },
    async allSubscriptions(max) {
      const { said } = await ask('allSubscriptions', max)
      return [...(await own.allSubscriptions(max)), ...said.flat()].slice(0, max)
    },
    async receivers(topic) {
      const { said, missing } = await ask('receivers', topic)
      const all = [await own.receivers(topic), ...said]
      const total = all.reduce((sum, one) => sum + one.total, 0)
      return lacking({ total, receivers: all.flatMap(({ receivers }) => receivers) }, missing)
    },
    async delayed(query) {
      const wanted = fromTheFirst(query)
      const { said, missing } = await ask('delayed', wanted)
      const page = joinPages([await own.delayed(wanted), ...said], query, delayedOrder)
      return lacking(page, missing)
    },
    async clientIds(max) {
      const { said } = await ask('clientIds', max)
      return [...(await own.clientIds(max)), ...said.flat()].slice(0, max)
    },
    disconnect: (...who) => any(own.disconnect(...who), () => ask('disconnect', ...who)),
    forget: (clientId) => any(own.forget(clientId), () => ask('forget', clientId)),
    cancelDelayed: (id) => any(own.cancelDelayed(id), () => ask('cancelDelayed', id)),
  }
}

function lacking<T>(list: T, missing: readonly string[]): T | (T & { missing: string[] }) {
  return missing.length === 0 ? list : { ...list, missing: [...missing] }
}

/** @throws HttpError: whoever has not said anything may have it. */
function refuseFor(missing: readonly string[]): void {
  if (missing.length > 0)
    throw new HttpError(
      503,
      `What is asked for is at no other node, and ${missing.join(', ')} did not answer.`,
    )
}

/** All rows up to the end of the page that is asked for. */
function fromTheFirst<Query extends PageQuery>(query: Query): Query {
  const { page = 1, pageSize = 50 } = query
  return { ...query, page: 1, pageSize: page * pageSize }
}

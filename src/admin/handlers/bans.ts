/** Bans: listed, made and lifted. */
import { HTTP_CLIENT_ID } from '../callers.ts'
import { HttpError } from '../http-error.ts'
import { holds, pageOf } from '../scan.ts'
import type { Handlers, HandlerWorld } from './handler.ts'
import { authorOf } from './users.ts'

type BanHandlers = Pick<Handlers, 'bans' | 'banMake' | 'banLift'>

export function banHandlers({ admin }: HandlerWorld): BanHandlers {
  const { bans, localOnly } = admin.source
  return {
    bans({ query }) {
      const wanted = (query.q ?? '').toLowerCase()
      const test = ({
        clientId,
        username,
        address,
        reason,
      }: ReturnType<typeof bans.list>[number]) => holds(wanted, clientId, username, address, reason)
      return pageOf(bans.list(), test, query)
    },
    banMake(call) {
      const { body, caller, credentials } = call
      const { clientId = null, username = null, address = null, seconds, reason = '' } = body
      const target = { clientId, username, address }
      const own = {
        clientId: HTTP_CLIENT_ID,
        username: caller.who?.username ?? null,
        remote: credentials.remote,
      }
      if (!localOnly && bans.fits(target, own))
        throw new HttpError(409, 'This ban would keep you out as well: name it more closely.')
      const forMs = seconds === undefined ? null : seconds * 1000
      return bans.ban({ ...target, forMs, reason }, authorOf(call))
    },
    async banLift(call) {
      const id = Number(call.params.id)
      const ban = await bans.lift(id, authorOf(call))
      if (ban === null) throw new HttpError(404, `There is no ban ${id}.`)
      return ban
    },
  }
}

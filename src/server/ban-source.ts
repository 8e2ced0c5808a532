/** Bans as the admin API lists, makes and lifts them. */
import { HttpError } from '../admin/http-error.ts'
import type { BanAdministration } from '../admin/source.ts'
import { fits } from '../auth/bans/ban-list.ts'
import { BanError } from '../auth/bans/bans.ts'
import type { BanDesk } from './ban-desk.ts'
import { nodeClock } from './node-ports.ts'

const STATUS_OF = { wish: 400, full: 409, unsaved: 503 } as const

export function banSourceOf({ bans, ban, lift }: BanDesk): BanAdministration {
  const refused = (error: unknown): never => {
    if (!(error instanceof BanError)) throw error
    throw new HttpError(STATUS_OF[error.kind], error.message)
  }
  return {
    fits,
    list: () => bans.inForce(),
    find: (who) => bans.list.find(who, nodeClock.wallMs()),
    ban: (wish, author) => ban(wish, author).catch(refused),
    lift: (id, author) => lift(id, author).catch(refused),
  }
}

/** What the API says of bans. */
import { integer, nullable, object, text, type Static } from './schema.ts'
import { page, pageSize, paged } from './schemas-pages.ts'

const TIME_MS = 'Wall clock, ms since 1970'
const SECONDS_MAX = 3_153_600_000

const ban = object({
  id: integer('Ascends.', { minimum: 1 }),
  clientId: nullable(text('Only this client id; null: any.')),
  username: nullable(text('Only this user name; null: any.')),
  address: nullable(text('Only this address, or addresses of this network; null: any.')),
  untilMs: nullable(integer(`${TIME_MS}; null: for good.`)),
  reason: text('Why, in the words of who made it; may be empty.'),
  by: text('Who made it; flapping_ban: the rule.'),
  madeAtMs: integer(`${TIME_MS}.`),
})
export type BanView = Static<typeof ban>

export const bansQuery = object(
  {
    q: text('Only where client id, user name, address or reason hold this text.', {
      maxLength: 1000,
    }),
    page,
    pageSize,
  },
  ['q', 'page', 'pageSize'],
)
export const bansPage = paged(ban)
export const banReply = ban

export const banBody = object(
  {
    clientId: text('Client id.', { maxLength: 65_535 }),
    username: text('User name.', { maxLength: 65_535 }),
    address: text('Address, or network as 192.0.2.0/24.', { maxLength: 100 }),
    seconds: integer('How long; absent: for good.', { minimum: 1, maximum: SECONDS_MAX }),
    reason: text('Why; for other administrators.', { maxLength: 1000 }),
  },
  ['clientId', 'username', 'address', 'seconds', 'reason'],
)
export type BanBody = Static<typeof banBody>

export const banParams = object({
  id: text('Of the ban.', { pattern: '^[1-9][0-9]*$', maxLength: 15 }),
})

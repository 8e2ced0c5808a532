/** `mozzie ban`: keeps clients, users and addresses out of a running broker. */
import type { BanBody, BanView } from '../admin/schemas-bans.ts'
import { API_OPTIONS, askRows, orFail, tellApi, type ApiPlace } from './ask-api.ts'
import { parseWords } from './unknown-option.ts'

export const HELP = `Usage: mozzie ban list [OPTIONS]
       mozzie ban add [--client ID] [--user NAME] [--address ADDRESS] [--for TIME] [--reason TEXT] [OPTIONS]
       mozzie ban lift NUMBER [OPTIONS]

Keeps clients, users and addresses out of a running broker. Whoever is all that a ban names is disconnected, and refused.

  list               who is banned, until when, and why
  add                bans
  lift               lifts the ban of this number
  --client ID        this client id
  --user NAME        this user name
  --address ADDRESS  this address, or the network ADDRESS/BITS
  --for TIME         so long: 90s, 10m, 2h, 7d (default: for good)
  --reason TEXT      for other administrators
  --url ADDRESS      of the admin API (default http://127.0.0.1:9883)
  -u USER            an administrator of the broker (http_admin_user)
  -P PASSWORD        the password; or put it into the variable MOZZIE_PASSWORD
  --json             a line of JSON for each ban

Exit code: 0 it is done, 1 it is not.

Examples:
  mozzie ban add --client till-7 --for 10m --reason "reconnects all the time"
  mozzie ban add --address 203.0.113.0/24
  mozzie ban list
  mozzie ban lift 3
`

export const BAN_FLAGS = [
  '--client',
  '--user',
  '--address',
  '--for',
  '--reason',
  '--url',
  '-u',
  '-P',
  '--json',
  '--help',
] as const

const OPTIONS = {
  client: { type: 'string' },
  user: { type: 'string' },
  address: { type: 'string' },
  for: { type: 'string' },
  reason: { type: 'string' },
  ...API_OPTIONS,
  help: { type: 'boolean', short: 'h' },
} as const

const SECONDS_OF: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

type Wish = ReturnType<typeof parse>['values']
const parse = (words: readonly string[]) =>
  parseWords({ args: [...words], options: OPTIONS, allowPositionals: true })

type Action = (place: ApiPlace, wish: Wish, operands: readonly string[]) => Promise<void>
const ACTIONS: Readonly<Record<string, Action>> = { list, add, lift }
export const BAN_WORDS: readonly string[] = Object.keys(ACTIONS)

/** Runs `mozzie ban` with the words behind its name; sets the exit code. */
export async function runBan(words: readonly string[]): Promise<void> {
  await orFail(async (): Promise<void> => {
    const { values, positionals } = parse(words)
    if (values.help) return void process.stdout.write(HELP)
    const [name = '', ...operands] = positionals
    if (!Object.hasOwn(ACTIONS, name)) throw new Error(`say list, add or lift.\n\n${HELP}`)
    await ACTIONS[name](values, values, operands)
  })
}

async function list(place: ApiPlace, wish: Wish): Promise<void> {
  for await (const ban of askRows<BanView>(place, 'bans')) print(ban, wish)
}

async function add(place: ApiPlace, wish: Wish, operands: readonly string[]): Promise<void> {
  const [stray] = operands
  if (stray !== undefined) throw new Error(`"${stray}" is too many: say --client ${stray}, or so.`)
  const { client, user, address, reason } = wish
  const body: BanBody = {
    ...(client !== undefined && { clientId: client }),
    ...(user !== undefined && { username: user }),
    ...(address !== undefined && { address }),
    ...(wish.for !== undefined && { seconds: secondsOf(wish.for) }),
    ...(reason !== undefined && { reason }),
  }
  print(await tellApi<BanView>(place, 'POST', 'bans', body), wish)
}

async function lift(place: ApiPlace, wish: Wish, operands: readonly string[]): Promise<void> {
  const [number = ''] = operands
  if (operands.length !== 1 || !/^[1-9]\d*$/.test(number))
    throw new Error('say the number of one ban: "mozzie ban list" shows them.')
  print(await tellApi<BanView>(place, 'DELETE', `bans/${number}`), wish)
}

function secondsOf(text: string): number {
  const [, digits = '', unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? []
  const seconds = Number(digits) * SECONDS_OF[unit]
  if (digits === '' || seconds === 0)
    throw new Error(`"${text}" is no time such as 90s, 10m, 2h or 7d.`)
  return seconds
}

function print(ban: BanView, { json }: Wish): void {
  process.stdout.write(`${json ? JSON.stringify(ban) : lineOf(ban)}\n`)
}

function lineOf({ id, clientId, username, address, untilMs, reason, by }: BanView): string {
  const names = [
    clientId === null ? [] : `client ${JSON.stringify(clientId)}`,
    username === null ? [] : `user ${JSON.stringify(username)}`,
    address === null ? [] : `address ${address}`,
  ].flat()
  const until = untilMs === null ? 'for good' : `until ${new Date(untilMs).toISOString()}`
  const why = reason === '' ? '' : `: ${JSON.stringify(reason)}`
  return `${id}  ${names.join(', ')}  ${until}, by ${by}${why}`
}

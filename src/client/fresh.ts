/** Options that a program computes for each connection: tokens that expire, a server that is looked up. */
import { optionsOf, type OptionNames } from '../base/option-names.ts'
import { checkNames } from './check-names.ts'
import { MqttError } from './errors.ts'
import { dialLater, orAborted } from './late-wire.ts'
import { toBytes } from './options.ts'
import type { Dial, Login } from './ports.ts'
import { parseUrl, type Address } from './url.ts'

/** What may be different for each connection. */
export interface FreshOptions {
  url?: string
  username?: string
  password?: string | Uint8Array
}

/** Asks for the options of the connection that is about to be made. `signal`: it is given up. */
export type AskOptions<Fresh extends FreshOptions> = (attempt: {
  readonly signal: AbortSignal
}) => Fresh | Promise<Fresh>

/** The last of these that says who: the URL, the options. */
export function loginOf(...from: readonly Pick<FreshOptions, 'username' | 'password'>[]) {
  const login: Pick<FreshOptions, 'username' | 'password'> = {}
  for (const { username, password } of from) {
    if (username !== undefined) login.username = username
    if (password !== undefined) login.password = password
  }
  return login
}

export const FRESH_NAMES = {
  url: true,
  username: true,
  password: true,
} as const satisfies Record<keyof FreshOptions, true>

/** A dial that calls `ask` each time, and what `dialOf` makes of the answer, of these `names`, over `given`. */
export function dialFresh<Fresh extends FreshOptions>(
  url: string,
  given: Fresh,
  ask: AskOptions<Fresh>,
  names: OptionNames,
  dialOf: (address: Address, options: Fresh) => Dial,
): Dial {
  if (typeof ask !== 'function') throw new MqttError('INVALID', 'options is no function')
  return dialLater(async (signal, events) => {
    const answer = (async () => ask({ signal }))()
    const said = await orAborted(answer, signal)
    if (typeof said !== 'object' || said === null)
      throw new MqttError('INVALID', `options() gave ${String(said)}, not an object`)
    checkNames('', said, names)
    const fresh = optionsOf(said, names)
    const address = parseUrl(fresh.url ?? url)
    const urls = fresh.url === undefined ? [address, given] : [parseUrl(url), given, address]
    const { username = null, password } = loginOf(...urls, fresh)
    const login: Login = { username, password: password === undefined ? null : toBytes(password) }
    events.login?.(login)
    return dialOf(address, { ...given, ...fresh })
  })
}

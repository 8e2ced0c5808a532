/** Names of hosts, ours and others': one way for all that asks. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { loopbackAddresses } from '../base/loopback.ts'

/** The addresses of `host`, in the order in which to try them. Rejects as the resolver does (`ENOTFOUND`). */
export async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  const own = loopbackAddresses(host)
  if (own !== null) return own
  const found = await lookup(host, { all: true })
  return found.map(({ address }) => address)
}

/** Those that a socket to `host` can be bound to; all of them while it is a name. */
export function ofFamilyOf(host: string, addresses: readonly string[]): readonly string[] {
  const family = isIP(host)
  if (family === 0) return addresses
  const fitting = addresses.filter((address) => isIP(address) === family)
  return fitting.length > 0 ? fitting : addresses
}

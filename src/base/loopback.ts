/** Names that are this machine, whatever a resolver would say of them (RFC 6761, 6.3). */
const LOOPBACK_NAME = /^(?:.+\.)?localhost\.?$/i
const IPV4 = '127.0.0.1'
const IPV6 = '::1'

/**
 * What to dial for `localhost` and names below it, in this order; null: any other name. To ask for them takes Node 5 ms, most of it
 * for loading what asks. `localAddress`: the end that is ours has this address, so the other one is of its family.
 */
export function loopbackAddresses(host: string, localAddress?: string): readonly string[] | null {
  if (!LOOPBACK_NAME.test(host)) return null
  if (localAddress === undefined) return [IPV4, IPV6]
  return [localAddress.includes(':') ? IPV6 : IPV4]
}

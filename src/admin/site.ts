/**
 * Which requests come from our own pages. A page of another site can make a browser send requests here, and by a
 * name that resolves to our address (DNS rebinding) even read the answers; what it cannot do is choose `Host`, `Origin`
 * and `Sec-Fetch-Site`, or set a header of our own.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

/** `host[:port]` without the port, in lower case; brackets of IPv6 addresses gone. null: malformed. */
function hostName(host: string): string | null {
  const match = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9._-]{1,253}))(?::\d{1,5})?$/i.exec(host)
  return match === null ? null : (match[1] ?? match[2]).toLowerCase()
}

/** Whether `Host` is an address (which nobody can rebind), localhost, or one of `names`. */
export function isOurHost(host: string | undefined, names: readonly string[]): boolean {
  const name = host === undefined ? null : hostName(host)
  if (name === null) return false
  return isIP(name) !== 0 || name === 'localhost' || names.includes(name)
}

/** Whether a browser sent this for a page of another site. */
export function isForeign(headers: IncomingHttpHeaders, origins: readonly string[] = []): boolean {
  const { origin, host } = headers
  if (origin !== undefined && origins.includes(origin)) return false
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  return origin !== undefined && hostOfOrigin(origin) !== host
}

/** null for `null` and what is no origin. */
function hostOfOrigin(origin: string): string | null {
  if (origin.length > 300 || !URL.canParse(origin)) return null
  const { protocol, host } = new URL(origin)
  return protocol === 'http:' || protocol === 'https:' ? host : null
}

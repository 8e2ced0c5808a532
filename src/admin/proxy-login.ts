/**
 * People whom a proxy has logged in, such as Home Assistant's Ingress: it says who they are in a header, and nobody else may say
 * anything to such a listener. Host is what the browser called the proxy.
 */
import type { IncomingHttpHeaders } from 'node:http'

const USER_HEADERS = ['x-remote-user-name', 'x-remote-user-id'] as const
const USER_CHARACTERS_MAX = 200
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Whom the proxy names; null: nobody that can be a user. */
export function proxyUser(headers: IncomingHttpHeaders): string | null {
  for (const name of USER_HEADERS) {
    const value = headers[name]
    const user = typeof value === 'string' ? textOf(value) : ''
    if (user !== '' && user.length <= USER_CHARACTERS_MAX && !CONTROLS.test(user)) return user
  }
  return null
}

/** Bytes of a header are UTF-8, whatever Node takes them for. */
function textOf(value: string): string {
  try {
    return utf8.decode(Buffer.from(value, 'latin1')).trim()
  } catch {
    return ''
  }
}

/** Whether a page of another site made the browser send this through the proxy. */
export function isForeignToProxy(headers: IncomingHttpHeaders): boolean {
  const { origin, host, 'sec-fetch-site': site, 'x-forwarded-host': forwarded } = headers
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  if (origin === undefined) return false
  const name = URL.canParse(origin) ? new URL(origin).host : null
  return name === null || (name !== host && name !== forwarded)
}

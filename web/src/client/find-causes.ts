/** Why no connection came about, by what a browser can still ask: other WebSockets, the web server there, and the broker that served the page. */
import type { Authority } from '../../../src/admin/schemas-broker.ts'
import {
  causesOf,
  isSameHost,
  neighbours,
  type Cause,
  type Reply,
} from '../model/connect-causes.ts'
import { profileUrl, type Profile } from '../model/profile.ts'
import { hereAddress } from '../state/app-state.ts'

const KNOCK_MS_MAX = 2500

export interface Found {
  readonly causes: readonly Cause[]
  /** PEM of the authority that a browser has to know; null: nobody here knows it. */
  readonly authority: string | null
}

export async function findCauses(profile: Profile): Promise<Found> {
  const pageIsSecure = location.protocol === 'https:'
  const near = neighbours(profile, pageIsSecure)
  const [own, reply, ...isOpen] = await Promise.all([
    askOwnBroker(profile),
    knock(profile),
    ...near.map((address) => opens(profileUrl(address))),
  ])
  const isOwnMqtt = own?.mqtt === true
  const here = hereAddress()
  const open = [
    // What the broker itself offers instead of its port for MQTT over TCP comes first.
    ...(isOwnMqtt && (await opens(profileUrl(here))) ? [here] : []),
    ...near.filter((_, at) => isOpen[at]),
  ]
  const isOwnTls = own !== null && own.tls && !own.clientCertificates
  const causes = causesOf({ address: profile, pageIsSecure, open, reply, isOwnTls, isOwnMqtt })
  return { causes, authority: own?.certificate ?? null }
}

/** Whether a WebSocket for MQTT opens there: all that a browser says of it. */
function opens(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    let socket: WebSocket
    try {
      socket = new WebSocket(address, 'mqtt')
    } catch {
      return resolve(false)
    }
    const timer = setTimeout(() => end(false), KNOCK_MS_MAX)
    const end = (isOpen: boolean) => {
      clearTimeout(timer)
      resolve(isOpen)
      socket.close()
    }
    socket.addEventListener('open', () => end(true))
    socket.addEventListener('error', () => end(false))
  })
}

/** What people open to see the browser's warning. */
export function webAddress({ host, port }: Pick<Profile, 'host' | 'port'>): string {
  return profileUrl({ scheme: 'wss', host, port, path: '/' }).replace('wss:', 'https:')
}

/** Whether a web server answers there; with a certificate that the browser trusts, where it has one. */
async function knock(profile: Profile): Promise<Reply> {
  const place = webAddress(profile)
  try {
    await fetch(profile.scheme === 'wss' ? place : place.replace('https:', 'http:'), {
      mode: 'no-cors',
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(KNOCK_MS_MAX),
    })
    return 'answered'
  } catch (error) {
    return error instanceof DOMException && error.name === 'TimeoutError' ? 'none' : 'failed'
  }
}

/** What the broker that served the page says of that port. null: it is another machine's, or what served the page is no broker of ours. */
export async function askOwnBroker({
  host,
  port,
}: Pick<Profile, 'host' | 'port'>): Promise<Authority | null> {
  if (!isSameHost(host, location.hostname)) return null
  try {
    const response = await fetch(new URL(`api/v1/authority?port=${port}`, document.baseURI), {
      credentials: 'same-origin',
      signal: AbortSignal.timeout(KNOCK_MS_MAX),
    })
    return response.ok ? ((await response.json()) as Authority) : null
  } catch {
    return null
  }
}

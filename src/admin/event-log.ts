/** What happened to clients lately: the last events of all of them, and whoever wants to hear the next. */
import { shownUser, type Identity, type Observer } from '../ports/ports.ts'
import type { ClientEvent } from './schemas-clients.ts'

const VERSIONS = { 3: '3.1', 4: '3.1.1', 5: '5.0' } as const
const EVENTS_MAX = 20_000
const REFUSALS_MAX = 1000
const PER_CLIENT_MAX = 100
/** Of events that have none. */
const NO_QOS = -1

type Who = Pick<Identity, 'clientId' | 'username' | 'remote'>

export interface EventLog {
  /** Newest first. */
  of(clientId: string): ClientEvent[]
  /** CONNECTs that were refused, newest first. */
  refusals(): ClientEvent[]
  /** Client ids that something happened to lately. */
  clientIds(): Set<string>
  /** Since when nothing is missing; wall clock, ms. */
  sinceMs(): number
  onEvent(handler: (event: ClientEvent) => void): () => void
}

/** Fills in `observer`. */
export function createEventLog(observer: Observer): EventLog {
  const ring = createRing(EVENTS_MAX)
  const handlers = new Set<(event: ClientEvent) => void>()
  const refusals: ClientEvent[] = []
  const startedAtMs = Date.now()

  const note = (kind: ClientEvent['kind'], who: Who, detail: string, qos = NO_QOS): void => {
    const timeMs = Date.now()
    // What no client is named for pushes out nothing that one is.
    if (who.clientId !== '') ring.put(timeMs, kind, who, detail, qos)
    if (kind !== 'refused' && handlers.size === 0) return
    const event = eventOf(timeMs, kind, who, detail, qos)
    if (kind === 'refused') {
      refusals.unshift(event)
      if (refusals.length > REFUSALS_MAX) refusals.pop()
    }
    for (const handler of handlers) handler(event)
  }

  const nobody = { clientId: '', username: null }
  observer.connected = (who, version) => note('connected', who, `MQTT ${VERSIONS[version]}`)
  observer.disconnected = (who, reason) => note('disconnected', who, reason)
  observer.refused = (who, remote, reason) => note('refused', { ...nobody, ...who, remote }, reason)
  observer.subscribed = (who, filter, qos) => note('subscribed', who, filter, qos)
  observer.unsubscribed = (who, filter) => note('unsubscribed', who, filter)
  observer.expired = (clientId, username) =>
    note('expired', { clientId, username, remote: '' }, 'session expiry')

  observer.willDue = (clientId, username, topic, allowed) =>
    note(allowed ? 'will' : 'willDenied', { clientId, username, remote: '' }, topic)

  return {
    of(clientId) {
      const found: ClientEvent[] = []
      for (let back = 1; back <= ring.size() && found.length < PER_CLIENT_MAX; back++)
        if (ring.clientIdAt(back) === clientId) found.push(ring.at(back))
      return found
    },
    refusals: () => [...refusals],
    clientIds: () => ring.clientIds(),
    sinceMs: () => (ring.size() < EVENTS_MAX ? startedAtMs : ring.at(EVENTS_MAX).timeMs),
    onEvent(handler) {
      handlers.add(handler)
      return () => void handlers.delete(handler)
    },
  }
}

function eventOf(
  timeMs: number,
  kind: ClientEvent['kind'],
  { clientId, username, remote }: Who,
  text: string,
  qos: number,
): ClientEvent {
  const detail = qos === NO_QOS ? text : `${text} (QoS ${qos})`
  return { timeMs, clientId, username: shownUser(username), remote, kind, detail }
}

/**
 * The last events, by how far they lie back: 1 is the newest. Columns, because an object and a text for each would be a
 * fifth of what a SUBSCRIBE costs; nearly none of them is ever looked at.
 */
function createRing(eventsMax: number) {
  const times = new Float64Array(eventsMax)
  const qosOf = new Int8Array(eventsMax)
  const kinds: ClientEvent['kind'][] = []
  const clientIds: string[] = []
  const usernames: (string | null)[] = []
  const remotes: string[] = []
  const texts: string[] = []
  let next = 0
  const placeOf = (back: number): number => (next - back + eventsMax) % eventsMax

  return {
    put(timeMs: number, kind: ClientEvent['kind'], who: Who, text: string, qos: number): void {
      times[next] = timeMs
      qosOf[next] = qos
      kinds[next] = kind
      clientIds[next] = who.clientId
      usernames[next] = who.username
      remotes[next] = who.remote
      texts[next] = text
      next = (next + 1) % eventsMax
    },
    size: () => clientIds.length,
    clientIds: () => new Set(clientIds),
    clientIdAt: (back: number) => clientIds[placeOf(back)],
    at(back: number): ClientEvent {
      const place = placeOf(back)
      const who = { clientId: clientIds[place], username: usernames[place], remote: remotes[place] }
      return eventOf(times[place], kinds[place], who, texts[place], qosOf[place])
    },
  }
}

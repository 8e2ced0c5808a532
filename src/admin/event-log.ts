/** What happened to clients lately: the last events of all of them, and whoever wants to hear the next. */
import { shownUser, type Identity, type Observer } from '../ports/ports.ts'
import type { ClientEvent } from './schemas-clients.ts'

const VERSIONS = { 3: '3.1', 4: '3.1.1', 5: '5.0' } as const
const EVENTS_MAX = 20_000
const REFUSALS_MAX = 1000
const PER_CLIENT_MAX = 100

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
  const events: ClientEvent[] = []
  const handlers = new Set<(event: ClientEvent) => void>()
  const refusals: ClientEvent[] = []
  const startedAtMs = Date.now()
  let next = 0

  const note = (
    kind: ClientEvent['kind'],
    { clientId, username, remote }: Pick<Identity, 'clientId' | 'username' | 'remote'>,
    detail: string,
  ): void => {
    const user = shownUser(username)
    const event = { timeMs: Date.now(), clientId, username: user, remote, kind, detail }
    if (kind === 'refused') {
      refusals.unshift(event)
      if (refusals.length > REFUSALS_MAX) refusals.pop()
    }
    // What no client is named for pushes out nothing that one is.
    if (clientId !== '') {
      events[next] = event
      next = (next + 1) % EVENTS_MAX
    }
    for (const handler of handlers) handler(event)
  }

  const nobody = { clientId: '', username: null }
  observer.connected = (who, version) => note('connected', who, `MQTT ${VERSIONS[version]}`)
  observer.disconnected = (who, reason) => note('disconnected', who, reason)
  observer.refused = (who, remote, reason) => note('refused', { ...nobody, ...who, remote }, reason)
  observer.subscribed = (who, filter, qos) => note('subscribed', who, `${filter} (QoS ${qos})`)
  observer.unsubscribed = (who, filter) => note('unsubscribed', who, filter)
  observer.expired = (clientId, username) =>
    note('expired', { clientId, username, remote: '' }, 'session expiry')

  observer.willDue = (clientId, username, topic, allowed) =>
    note(allowed ? 'will' : 'willDenied', { clientId, username, remote: '' }, topic)

  return {
    of(clientId) {
      const found: ClientEvent[] = []
      for (let back = 1; back <= events.length && found.length < PER_CLIENT_MAX; back++) {
        const event = events[(next - back + EVENTS_MAX) % EVENTS_MAX]
        if (event !== undefined && event.clientId === clientId) found.push(event)
      }
      return found
    },
    refusals: () => [...refusals],
    clientIds: () => new Set(events.map(({ clientId }) => clientId)),
    sinceMs: () =>
      events.length < EVENTS_MAX ? startedAtMs : (events[next]?.timeMs ?? startedAtMs),
    onEvent(handler) {
      handlers.add(handler)
      return () => void handlers.delete(handler)
    },
  }
}

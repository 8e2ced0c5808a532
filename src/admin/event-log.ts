/** What happened to clients lately: the last events of all of them, and whoever wants to hear the next. */
import type { Qos } from '../codec/packets.ts'
import { shownUser, type Identity, type Observer } from '../ports/ports.ts'
import type { ClientEvent } from './schemas-clients.ts'

const VERSIONS = { 3: '3.1', 4: '3.1.1', 5: '5.0' } as const
/** Of comings and goings, and as many of subscriptions, so that neither pushes out the other. */
const EVENTS_MAX = 20_000
const REFUSALS_MAX = 1000
const PER_CLIENT_MAX = 100
/** Of what clients wrote into each list: ids, names, filters and topics, which may be 64 KiB each. */
const CHARACTERS_MAX = 8 * 2 ** 20
/** Of events that are no granted subscription. */
const NO_GRANT = -1
/** How many bits of a grant each of its three numbers has. */
const GRANT_BITS = 2

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
  const comings = new Ring(EVENTS_MAX)
  const subscriptions = new Ring(EVENTS_MAX)
  const handlers = new Set<(event: ClientEvent) => void>()
  const refusals: ClientEvent[] = []
  let refusalCharacters = 0
  /** The order of events of both rings: a millisecond has many. */
  let lastNumber = 0
  const startedAtMs = Date.now()

  const noteRefusal = (event: ClientEvent): void => {
    refusals.push(event)
    refusalCharacters += charactersOf(event.clientId, event.username, event.detail)
    while (refusals.length > REFUSALS_MAX || refusalCharacters > CHARACTERS_MAX) {
      const oldest = refusals.shift()
      if (oldest === undefined) break
      refusalCharacters -= charactersOf(oldest.clientId, oldest.username, oldest.detail)
    }
  }
  const note = (kind: ClientEvent['kind'], who: Who, detail: string, grant = NO_GRANT): void => {
    const timeMs = Date.now()
    // What no client is named for pushes out nothing that one is.
    if (who.clientId !== '') {
      const ring = OF_SUBSCRIPTIONS.has(kind) ? subscriptions : comings
      ring.put(++lastNumber, timeMs, kind, who, detail, grant)
    }
    if (kind !== 'refused' && handlers.size === 0) return
    const event = eventOf(timeMs, kind, who, detail, grant)
    if (kind === 'refused') noteRefusal(event)
    for (const handler of handlers) handler(event)
  }

  const nobody = { clientId: '', username: null }
  observer.connected = (who, version) => note('connected', who, `MQTT ${VERSIONS[version]}`)
  observer.disconnected = (who, reason) => note('disconnected', who, reason)
  observer.refused = (who, remote, reason) => note('refused', { ...nobody, ...who, remote }, reason)
  observer.subscribed = (who, filter, ...grant) => note('subscribed', who, filter, packed(...grant))
  observer.subscribeRefused = (who, filter, reason) =>
    note('subscribeRefused', who, `${reason}\n${filter}`)
  observer.unsubscribed = (who, filter) => note('unsubscribed', who, filter)
  observer.expired = (clientId, username) =>
    note('expired', { clientId, username, remote: '' }, 'session expiry')

  observer.willDue = (clientId, username, topic, allowed) =>
    note(allowed ? 'will' : 'willDenied', { clientId, username, remote: '' }, topic)

  return {
    of(clientId) {
      const found = [...comings.of(clientId), ...subscriptions.of(clientId)]
      return found.toSorted((one, other) => other.at - one.at).map(({ event }) => event)
    },
    refusals: () => refusals.toReversed(),
    clientIds: () => comings.clientIds(),
    sinceMs: () => comings.sinceMs() ?? startedAtMs,
    onEvent(handler) {
      handlers.add(handler)
      return () => void handlers.delete(handler)
    },
  }
}

const OF_SUBSCRIPTIONS = new Set<ClientEvent['kind']>([
  'subscribed',
  'unsubscribed',
  'subscribeRefused',
])

/** Three small numbers as one, for a column of bytes. */
const packed = (qos: Qos, askedQos: Qos, retainHandling: 0 | 1 | 2): number =>
  qos | (askedQos << GRANT_BITS) | (retainHandling << (2 * GRANT_BITS))

function eventOf(
  timeMs: number,
  kind: ClientEvent['kind'],
  { clientId, username, remote }: Who,
  text: string,
  grant: number,
): ClientEvent {
  const event = { timeMs, clientId, username: shownUser(username), remote, kind }
  if (kind === 'subscribeRefused') {
    const end = text.indexOf('\n')
    return { ...event, detail: text.slice(0, end), filter: text.slice(end + 1) }
  }
  if (grant === NO_GRANT) return { ...event, detail: text }
  const part = (at: number): number => (grant >> (at * GRANT_BITS)) & (2 ** GRANT_BITS - 1)
  const detail = `${text} (QoS ${part(0)})`
  return { ...event, detail, filter: text, askedQos: part(1), retainHandling: part(2) }
}

const charactersOf = (clientId: string, username: string | null, text: string): number =>
  clientId.length + (username?.length ?? 0) + text.length

/**
 * The last events. Columns, because an object and a text for each would be a fifth of what a SUBSCRIBE costs; nearly
 * none of them is ever looked at.
 */
class Ring {
  private readonly eventsMax: number
  private readonly times: Float64Array
  private readonly numbers: Float64Array
  private readonly grants: Int8Array
  private readonly kinds: ClientEvent['kind'][] = []
  private readonly clients: string[] = []
  private readonly usernames: (string | null)[] = []
  private readonly remotes: string[] = []
  private readonly texts: string[] = []
  private next = 0
  private size = 0
  private characters = 0
  private forgottenMs: number | null = null

  constructor(eventsMax: number) {
    this.eventsMax = eventsMax
    this.times = new Float64Array(eventsMax)
    this.numbers = new Float64Array(eventsMax)
    this.grants = new Int8Array(eventsMax)
  }

  /** 1 is the newest. */
  private placeOf(back: number): number {
    return (this.next - back + this.eventsMax) % this.eventsMax
  }

  put(
    number: number,
    timeMs: number,
    kind: ClientEvent['kind'],
    who: Who,
    text: string,
    grant: number,
  ): void {
    if (this.size === this.eventsMax) this.forgetOldest()
    const { next } = this
    this.times[next] = timeMs
    this.numbers[next] = number
    this.grants[next] = grant
    this.kinds[next] = kind
    this.clients[next] = who.clientId
    this.usernames[next] = who.username
    this.remotes[next] = who.remote
    this.texts[next] = text
    this.next = (next + 1) % this.eventsMax
    this.size++
    this.characters += charactersOf(who.clientId, who.username, text)
    while (this.characters > CHARACTERS_MAX) this.forgetOldest()
  }

  private forgetOldest(): void {
    const place = this.placeOf(this.size)
    this.characters -= charactersOf(this.clients[place], this.usernames[place], this.texts[place])
    this.forgottenMs = this.times[place]
    this.clients[place] = ''
    this.usernames[place] = null
    this.texts[place] = ''
    this.size--
  }

  /** Newest first. */
  clientIds(): Set<string> {
    const ids = new Set<string>()
    for (let back = 1; back <= this.size; back++) ids.add(this.clients[this.placeOf(back)])
    return ids
  }

  /** Since when nothing is missing; null: nothing is. */
  sinceMs(): number | null {
    if (this.forgottenMs === null || this.size === 0) return this.forgottenMs
    return this.times[this.placeOf(this.size)]
  }

  of(clientId: string): { at: number; event: ClientEvent }[] {
    const found: { at: number; event: ClientEvent }[] = []
    for (let back = 1; back <= this.size && found.length < PER_CLIENT_MAX; back++) {
      const place = this.placeOf(back)
      if (this.clients[place] === clientId)
        found.push({ at: this.numbers[place], event: this.eventAt(place) })
    }
    return found
  }

  private eventAt(place: number): ClientEvent {
    const who = {
      clientId: this.clients[place],
      username: this.usernames[place],
      remote: this.remotes[place],
    }
    return eventOf(this.times[place], this.kinds[place], who, this.texts[place], this.grants[place])
  }
}

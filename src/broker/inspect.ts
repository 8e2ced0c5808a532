/**
 * The core as plain values, for those who look at it from outside: nothing here changes anything, and nothing
 * is kept up for it on the path of a message. Iterators may be read over several turns, while sessions come and
 * go: what is there all the while is seen once.
 */
import { SILENCE_MS_PER_SECOND } from './connection/keepalive.ts'
import { heldCount } from './state/held.ts'
import { subscriptionCount, subscriptionsOf } from './state/own-subscriptions.ts'
import { shownUser } from '../ports/ports.ts'
import type { Backlog } from '../ports/store.ts'
import { readProperties } from '../codec/properties.ts'
import { PacketType, type Properties } from '../codec/packets.ts'
import { Message } from '../ports/message.ts'
import type { Core } from './state/core.ts'
import { Phase, type Delivery, type Session, type Subscription } from './state/model.ts'
import type { Delayed } from './state/delays.ts'
import { Traffic } from './state/traffic.ts'
import { pendingBytes } from './delivery/outbox.ts'
import { withDirect } from './routing/direct.ts'
import { mayReceive } from './state/rights.ts'
import type {
  ClientDetailView,
  ClientView,
  DeliveryView,
  QueuedView,
  ReceiverView,
  SubscriptionView,
  WillView,
} from './views.ts'

const SHOWN_MAX = 100
const NO_TRAFFIC = new Traffic()

/** Goes through what is retained. */
export interface RetainedWalk {
  /** Looks at `limit` nodes and hands out the messages there, which may be kept; false: that was the end. */
  next(limit: number, visit: (message: Message) => void): boolean
}

/** Of several nodes, each shows some of the sessions. */
export interface ShownSessions {
  /** Those whose clients are nowhere too, beside those that are here and clean ones. */
  readonly away: boolean
  /** What waits for a client that is nowhere, if the core does not know. */
  backlogOf(clientId: string): Readonly<Backlog> | null
}

export class Inspector {
  private readonly core: Core
  private readonly shown: ShownSessions | null

  /** `shown` null: all of them. */
  constructor(core: Core, shown: ShownSessions | null = null) {
    this.core = core
    this.shown = shown
  }

  private shows({ durable, connection, foreign }: Session): boolean {
    const { shown } = this
    return shown === null || !durable || connection !== null || (shown.away && !foreign)
  }

  private find(clientId: string): Session | undefined {
    const session = this.core.sessions.get(clientId)
    return session !== undefined && this.shows(session) ? session : undefined
  }

  private backlogOf({ durable, connection, outbound, backlog, clientId }: Session) {
    const known = outbound ?? backlog
    if (this.shown === null || !durable || connection !== null) return known
    return this.shown.backlogOf(clientId) ?? known
  }

  private view(session: Session): ClientView {
    return clientView(session, this.backlogOf(session))
  }

  /** Every session, in the order they began. */
  *clients(): IterableIterator<ClientView> {
    for (const session of this.core.sessions.values())
      if (this.shows(session)) yield this.view(session)
  }

  /** The will of a client, or of a session whose client is away, whoever shows the session. */
  will(clientId: string): WillView | null {
    const session = this.core.sessions.get(clientId)
    return session === undefined ? null : willView(this.core, session)
  }

  /** null: no such session. */
  client(clientId: string): ClientDetailView | null {
    const session = this.find(clientId)
    return session === undefined ? null : detailView(this.core, session, this.view(session))
  }

  /**
   * The first messages that wait for a client, at most {@link SHOWN_MAX}: those in memory, and where there are none those in the
   * store, which answers later.
   */
  queue(clientId: string): Promise<readonly QueuedView[]> {
    const { core } = this
    const session = this.find(clientId)
    const outbound = session?.outbound ?? null
    const waiting = session === undefined ? null : this.backlogOf(session)
    if (session === undefined || waiting === null) return Promise.resolve([])
    const inMemory = [...first(outbound?.queue ?? [], SHOWN_MAX)].map(queuedView)
    const loadedTo = outbound?.loadedTo ?? 0
    const isStored =
      outbound === null || waiting.queuedCount > 0 || loadedTo < outbound.lastSequence
    if (inMemory.length > 0 || !session.durable || !isStored) return Promise.resolve(inMemory)
    return new Promise((resolve) => {
      const request = ++core.lastRequest
      core.looks.set(request, (entries) => resolve(entries.map(queuedView)))
      core.journal.read(request, clientId, loadedTo, SHOWN_MAX)
    })
  }

  /** Every subscription, or those of one client. */
  *subscriptions(clientId?: string): IterableIterator<SubscriptionView> {
    const { sessions } = this.core
    const one = clientId === undefined ? undefined : sessions.get(clientId)
    const chosen = clientId === undefined ? sessions.values() : one === undefined ? [] : [one]
    for (const session of chosen) {
      if (!this.shows(session)) continue
      for (const subscription of subscriptionsOf(session)) yield subscriptionView(subscription)
    }
  }

  /** Who has a subscription that matches `topic`; at most `max` of them, and how many there are. */
  receivers(topic: string, max: number): { total: number; receivers: ReceiverView[] } {
    const matching = withDirect(this.core, topic, this.core.trie.match(topic))
      .flatMap((subscriber) => (subscriber.members === null ? [subscriber] : subscriber.members))
      .filter(({ handler, session }) => handler === null && this.shows(session))
    const receivers = matching
      .slice(0, max)
      .map((subscription) => this.receiver(topic, subscription))
    return { total: matching.length, receivers }
  }

  private receiver(topic: string, { session, filter, qos, group }: Subscription): ReceiverView {
    return {
      clientId: session.clientId,
      username: shownUser(session.username),
      connected: isConnected(session),
      // A direct topic means its client as it is.
      filter: filter === '' ? topic : filter,
      qos,
      group: group?.name ?? null,
      mayReceive: mayReceive(this.core, session, { topicName: topic }) === true,
      keeps: session.durable && !isConnected(session) && qos > 0,
    }
  }

  /** Retained messages that match, to be read in portions. */
  retained(filter: string): RetainedWalk {
    const cursor = this.core.retained.match(filter)
    return {
      next: (limit, visit) => cursor.next(limit, (place) => visit(this.copyOf(place))),
    }
  }

  private copyOf(place: number): Message {
    return this.core.shelf.read(place, new Message()).kept()
  }

  /** Publishes that wait for their time. */
  delayed(): Iterable<Delayed> {
    return this.core.delays.byId.values()
  }

  retainedOf(topic: string): Message | undefined {
    const place = this.core.retained.get(topic)
    return place === undefined ? undefined : this.copyOf(place)
  }

  /** The properties of MQTT 5.0 that a kept message carries. */
  propertiesOf({ properties, propertiesStart, propertiesEnd }: Message): Properties {
    return readProperties(PacketType.publish, properties, propertiesStart, propertiesEnd)
  }

  /** What every topic given a client of this name was last known as, for traces that begin midway. */
  aliasTopic(clientId: string, alias: number, fromClient: boolean): string | null {
    const connection = this.core.sessions.get(clientId)?.connection
    if (!connection) return null
    if (fromClient) return connection.aliasesIn?.[alias]?.name ?? null
    for (const [topic, given] of connection.aliasesOut ?? []) if (given === alias) return topic
    return null
  }
}

function isConnected({ connection }: Session): boolean {
  return connection !== null && connection.phase === Phase.open
}

const NOTHING_WAITS = { queuedCount: 0, queuedBytes: 0 }

function clientView(session: Session, waiting: Readonly<Backlog> | null): ClientView {
  const { connection, outbound } = session
  const inflight = outbound?.inflight.size ?? 0
  const { queuedCount, queuedBytes } = waiting ?? NOTHING_WAITS
  const { publishReceived, publishSent, bytesReceived, bytesSent } =
    connection?.traffic ?? NO_TRAFFIC
  return {
    clientId: session.clientId,
    username: shownUser(session.username),
    connected: isConnected(session),
    remote: connection?.link.remote ?? null,
    port: connection?.link.listener.port ?? null,
    version: session.version,
    durable: session.durable,
    connectedAtMs: connection?.openedAtMs || null,
    disconnectedAtMs: session.disconnectedAtMs < 0 ? null : session.disconnectedAtMs,
    subscriptions: subscriptionCount(session),
    inflight,
    queued: queuedCount,
    queuedBytes: queuedBytes + (outbound?.inflightBytes ?? 0),
    outputBytes: connection === null ? 0 : pendingBytes(connection),
    dropped: session.drops?.count ?? 0,
    publishReceived,
    publishSent,
    bytesReceived,
    bytesSent,
  }
}

function detailView(core: Core, session: Session, view: ClientView): ClientDetailView {
  const { connection, outbound } = session
  const window = [
    ...first(outbound?.inflight.entriesBehind(outbound.lastPacketId) ?? [], SHOWN_MAX),
  ].map(([, delivery]) => delivery)
  const deliveryView = ({
    packetId,
    qos,
    message,
    payloadBytes,
    released,
  }: (typeof window)[number]): DeliveryView => ({
    packetId,
    qos,
    topic: message?.topicName ?? null,
    payloadBytes,
    released,
  })
  return {
    ...view,
    keepAliveSeconds: connection === null ? null : connection.keepAliveMs / SILENCE_MS_PER_SECOND,
    cleanStart: connection?.cleanStart ?? null,
    expirySeconds: session.expirySeconds,
    receiveMaximum: connection?.receiveMaximum ?? null,
    maximumPacketBytes: connection?.packetBytesMax || null,
    topicAliasMaximum: connection?.aliasOutMaximum ?? null,
    inflightBytes: outbound?.inflightBytes ?? 0,
    heldInbound: heldCount(session),
    ackedAtMs: ackedAtMs(core, session),
    window: window.map(deliveryView),
    lastDrop: session.drops?.reason ?? null,
    lastDropMs: session.drops?.lastMs ?? null,
    will: willView(core, session),
  }
}

function queuedView({ message, qos }: Pick<Delivery, 'message' | 'qos'>): QueuedView {
  const madeAtMs = message?.madeAtMs ?? 0
  const expiresAtMs = message?.expiresAtMs ?? Infinity
  return {
    qos,
    topic: message?.topicName ?? '',
    payloadBytes: message?.payloadLength ?? 0,
    madeAtMs: madeAtMs > 0 ? madeAtMs : null,
    expiresAtMs: Number.isFinite(expiresAtMs) ? expiresAtMs : null,
  }
}

function ackedAtMs(core: Core, { outbound }: Session): number | null {
  const { clock } = core.ports
  if (outbound === null || outbound.ackedAtMs === 0) return null
  return clock.wallMs() - Math.round(clock.monotonicMs() - outbound.ackedAtMs)
}

/** The will of the connection, or the one of an offline session that waits for its delay. */
function willView(core: Core, { connection, will: waiting }: Session): WillView | null {
  const will = connection?.will ?? null
  const message = will?.message ?? waiting?.message
  if (message === undefined) return null
  const leftMs = waiting === null ? 0 : waiting.timer.dueMs - core.ports.clock.monotonicMs()
  return {
    topic: message.topicName,
    qos: message.qos,
    retain: message.retain,
    payloadBytes: message.payloadLength,
    delaySeconds: will?.delaySeconds ?? Math.max(0, Math.ceil(leftMs / 1000)),
  }
}

function* first<T>(items: Iterable<T>, max: number): IterableIterator<T> {
  let left = max
  for (const item of items) {
    if (left-- === 0) return
    yield item
  }
}

function subscriptionView(subscription: Subscription): SubscriptionView {
  const { session, filter, qos, noLocal, retainAsPublished, subscriptionId, group } = subscription
  return {
    clientId: session.clientId,
    filter,
    qos,
    noLocal,
    retainAsPublished,
    subscriptionId: subscriptionId || null,
    group: group?.name ?? null,
    connected: isConnected(session),
  }
}

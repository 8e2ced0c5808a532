/**
 * Brings what a database of mosquitto holds into a store, through the Store port alone. What cannot come over is
 * counted, with the reason; nothing is dropped in silence.
 */
import { createMessage, type Message } from '../../ports/message.ts'
import type { SessionRecord, Store, StoreEvents } from '../../ports/store.ts'
import { topicFilterProblem, topicNameProblem } from '../../topics/names.ts'
import { DeliveryState, type DbChunk, type DbDelivery, type MosquittoDb } from './parse.ts'

/** The target is not empty, or failed. */
export class ImportError extends Error {
  override name = 'ImportError'
}

export interface ImportSummary {
  retained: number
  sessions: number
  subscriptions: number
  queued: number
  /** QoS 2 messages that came in and wait for their PUBREL. */
  inbound: number
  /** By what and why: `queued messages: expired`. */
  readonly leftOut: Map<string, number>
}

/** Writes between two seals: bounds what the store has to hold in memory. */
const WRITES_PER_BATCH = 10_000
const PACKET_IDS = 65535
const NEVER = 0xffffffff

type Chunk<K extends DbChunk['kind']> = Extract<DbChunk, { kind: K }>

interface Imported {
  readonly clientId: string
  readonly username: string | null
  readonly expirySeconds: number
  readonly expiresAtSeconds: number
  readonly subscriptions: Chunk<'subscription'>[]
  readonly deliveries: DbDelivery[]
}

/** What has come together from the chunks, before it is written. */
interface Content {
  readonly messages: Map<bigint, Message | string>
  readonly sessions: Map<string, Imported>
  readonly retained: bigint[]
}

/**
 * Writes `db` into `store`, which must not be open yet and must be empty; opens and closes it.
 *
 * @param wallMs The time now: what has expired by then stays behind.
 * @throws ImportError
 */
export async function importMosquittoDb(
  db: MosquittoDb,
  store: Store,
  wallMs: number,
): Promise<ImportSummary> {
  const summary: ImportSummary = {
    retained: 0,
    sessions: 0,
    subscriptions: 0,
    queued: 0,
    inbound: 0,
    leftOut: new Map(),
  }
  const content = collect(db, wallMs, summary)
  const target = new Target(store)
  await target.open()
  try {
    for (const id of content.retained) await writeRetained(target, content, id, summary)
    for (const session of content.sessions.values())
      await writeSession(target, content, session, wallMs, summary)
    await target.commit()
  } finally {
    await target.close()
  }
  return summary
}

function leaveOut(summary: ImportSummary, what: string, why: string): void {
  const key = `${what}: ${why}`
  summary.leftOut.set(key, (summary.leftOut.get(key) ?? 0) + 1)
}

// ── chunks to sessions ─────────────────────────────────────────────────────────────────────────────

function collect(db: MosquittoDb, wallMs: number, summary: ImportSummary): Content {
  const content: Content = { messages: new Map(), sessions: new Map(), retained: [] }
  const expired = new Set<string>()
  // Clients first: what belongs to one may stand in front of it.
  for (const chunk of db.chunks)
    if (chunk.kind === 'client') collectClient(content, chunk, wallMs, expired, summary)
  for (const chunk of db.chunks) {
    if (chunk.kind === 'message') content.messages.set(chunk.id, messageOf(chunk, wallMs))
    else if (chunk.kind === 'retained') content.retained.push(chunk.messageId)
    else if (chunk.kind === 'subscription') {
      const session = ownerOf(content, chunk.clientId, expired)
      if (session === null) leaveOut(summary, 'subscriptions', 'their session does not come over')
      else session.subscriptions.push(chunk)
    } else if (chunk.kind === 'delivery') {
      const session = ownerOf(content, chunk.clientId, expired)
      if (session === null) leaveOut(summary, 'queued messages', 'their session does not come over')
      else session.deliveries.push(chunk)
    } else if (chunk.kind === 'unknown') {
      leaveOut(summary, `chunks of kind ${chunk.number}`, 'unknown')
    }
  }
  return content
}

function collectClient(
  content: Content,
  chunk: Chunk<'client'>,
  wallMs: number,
  expired: Set<string>,
  summary: ImportSummary,
): void {
  const { clientId, username, expirySeconds, expiresAtSeconds } = chunk
  if (clientId === null || clientId === '' || username === null)
    return leaveOut(summary, 'sessions', 'the client id or user name is not valid in MQTT')
  if (expirySeconds === 0 || (expiresAtSeconds > 0 && expiresAtSeconds * 1000 <= wallMs)) {
    expired.add(clientId)
    return leaveOut(summary, 'sessions', 'expired')
  }
  content.sessions.set(clientId, {
    clientId,
    username: username || null,
    expirySeconds,
    expiresAtSeconds,
    subscriptions: [],
    deliveries: [],
  })
}

/** The session of `clientId`; null: it does not come over. A database may name clients only by what they have. */
function ownerOf(
  { sessions }: Content,
  clientId: string | null,
  expired: ReadonlySet<string>,
): Imported | null {
  if (clientId === null || clientId === '' || expired.has(clientId)) return null
  let session = sessions.get(clientId)
  if (session === undefined) {
    session = {
      clientId,
      username: null,
      expirySeconds: NEVER,
      expiresAtSeconds: 0,
      subscriptions: [],
      deliveries: [],
    }
    sessions.set(clientId, session)
  }
  return session
}

/** The message, or why it stays behind. */
function messageOf(chunk: Chunk<'message'>, wallMs: number): Message | string {
  const { topic, publisher, publisherUser, properties, payload, qos, retain } = chunk
  if (topic === null || topicNameProblem(topic) !== null) return 'their topic is not valid in MQTT'
  if (properties === null) return 'their properties are malformed'
  const expiresAtMs = chunk.expiresAtSeconds * 1000
  if (expiresAtMs > 0 && expiresAtMs <= wallMs) return 'expired'
  const message = createMessage({
    topic,
    payload,
    qos,
    retain,
    properties,
    publisher: publisher ?? '',
    publisherUser: publisherUser || null,
    wallMs,
  })
  message.expiresAtMs = expiresAtMs > 0 ? expiresAtMs : Infinity
  return message
}

// ── sessions to the store ──────────────────────────────────────────────────────────────────────────

async function writeRetained(
  target: Target,
  { messages }: Content,
  id: bigint,
  summary: ImportSummary,
): Promise<void> {
  const message = messages.get(id) ?? 'the file does not hold them'
  if (typeof message === 'string') return leaveOut(summary, 'retained messages', message)
  if (message.topicName.startsWith('$SYS/'))
    return leaveOut(summary, 'retained messages', 'they belong to $SYS')
  target.store.saveRetained(message.topicName, message)
  summary.retained++
  await target.wrote()
}

async function writeSession(
  target: Target,
  { messages }: Content,
  session: Imported,
  wallMs: number,
  summary: ImportSummary,
): Promise<void> {
  const { clientId } = session
  await target.claim(clientId)
  target.store.saveSession(recordOf(session, wallMs))
  summary.sessions++
  await target.wrote()
  for (const { filter, qos, noLocal, retainAsPublished, subscriptionId } of session.subscriptions) {
    if (filter === null || topicFilterProblem(filter) !== null) {
      leaveOut(summary, 'subscriptions', 'their filter is not valid in MQTT')
      continue
    }
    const options = { qos, noLocal, retainAsPublished, subscriptionId }
    target.store.saveSubscription(clientId, filter, options)
    summary.subscriptions++
    await target.wrote()
  }
  let lastSequence = 0
  for (const delivery of session.deliveries) {
    const message = messages.get(delivery.messageId) ?? 'the file does not hold them'
    if (typeof message === 'string') leaveOut(summary, 'queued messages', message)
    else if (!delivery.outgoing) writeInbound(target.store, clientId, delivery, message, summary)
    else lastSequence = writeDelivery(target.store, clientId, delivery, message, lastSequence)
    if (typeof message !== 'string' && delivery.outgoing) summary.queued++
    await target.wrote()
  }
  target.store.unclaim(clientId)
}

function recordOf(session: Imported, wallMs: number): SessionRecord {
  const { clientId, username, expirySeconds, expiresAtSeconds } = session
  const clockRuns = expiresAtSeconds > 0 && expirySeconds !== NEVER
  return {
    clientId,
    username,
    // The file does not say; the client does when it comes back.
    version: expirySeconds === NEVER ? 4 : 5,
    expirySeconds,
    disconnectedAtMs: clockRuns ? Math.max(0, (expiresAtSeconds - expirySeconds) * 1000) : wallMs,
    will: null,
  }
}

function writeInbound(
  store: Store,
  clientId: string,
  { packetId, state, qos }: DbDelivery,
  message: Message,
  summary: ImportSummary,
): void {
  const isHeld = state === DeliveryState.waitForPubrel || state === DeliveryState.sendPubrec
  if (qos !== 2 || !isHeld || packetId === 0)
    return leaveOut(
      summary,
      'incoming messages',
      'not acknowledged, their publisher sends them again',
    )
  store.holdInbound(clientId, packetId, message)
  summary.inbound++
}

/**
 * Queues one message; returns its number. The number makes the packet identifier, so a message in flight gets one
 * that leads to the identifier under which its receiver knows it.
 */
function writeDelivery(
  store: Store,
  clientId: string,
  { packetId, qos, retain, subscriptionId, state }: DbDelivery,
  message: Message,
  lastSequence: number,
): number {
  let sequence = lastSequence + 1
  if (state !== DeliveryState.queued && packetId > 0) {
    const ahead = (packetId - sequence) % PACKET_IDS
    sequence += ahead < 0 ? ahead + PACKET_IDS : ahead
  }
  store.append(clientId, sequence, message, qos, retain, subscriptionId)
  if (state === DeliveryState.waitForPubcomp || state === DeliveryState.resendPubrel)
    store.release(clientId, sequence)
  return sequence
}

// ── the store as promises ──────────────────────────────────────────────────────────────────────────

type Answer = 'ready' | 'claimed' | 'committed'

class Target {
  readonly store: Store
  private writes = 0
  private request = 0
  private batch = 0
  private failure: Error | null = null
  /** The one question that is open. */
  private waiting: { for: Answer; settle: () => void; fail: (error: Error) => void } | null = null

  constructor(store: Store) {
    this.store = store
  }

  async open(): Promise<void> {
    let isEmpty = true
    const found = (): void => void (isEmpty = false)
    const events: StoreEvents = {
      session: found,
      route: found,
      retained: found,
      delayed: found,
      ready: () => this.told('ready'),
      claimed: () => this.told('claimed'),
      page: () => {},
      lost: () => {},
      overflowed: () => {},
      arrived: () => {},
      committed: (batch) => {
        if (batch >= this.batch) this.told('committed')
      },
      failed: (_batch, _failure, error) => {
        this.failure = error
        this.waiting?.fail(error)
      },
    }
    await this.answer('ready', () => this.store.open(events))
    if (isEmpty) return
    await this.close()
    throw new ImportError('the store is not empty: an import makes a new one')
  }

  claim(clientId: string): Promise<void> {
    return this.answer('claimed', () => this.store.claim(++this.request, clientId, false))
  }

  /** Call after each write. */
  async wrote(): Promise<void> {
    if (++this.writes % WRITES_PER_BATCH === 0) await this.commit()
  }

  commit(): Promise<void> {
    return this.answer('committed', () => this.store.seal(++this.batch))
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.store.close(resolve))
  }

  private told(what: Answer): void {
    if (this.waiting?.for === what) this.waiting.settle()
  }

  private answer(what: Answer, ask: () => void): Promise<void> {
    return new Promise((settle, fail) => {
      if (this.failure !== null) return fail(this.failure)
      this.waiting = { for: what, settle, fail }
      ask()
    })
  }
}

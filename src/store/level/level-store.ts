/**
 * The Store port on LevelDB. Sessions are known in memory, their queues lie on the disk; changes are collected and
 * written in groups:
 *
 *     calls ──▶ filling ── seal ──▶ writing ── synced ──▶ committed
 *                  ▲                  │
 *                  └── the next ones ─┘ one write at a time: all that was sealed meanwhile goes together
 *
 * What is undone while it is still in `filling` (a message queued and acknowledged) is never written. A group ends
 * at a seal, never within a turn: what belongs together reaches the disk together.
 */
import type { Message } from '../../ports/message.ts'
import type {
  SessionRecord,
  Store,
  StoredWill,
  StoreEvents,
  SubscriptionOptions,
} from '../../ports/store.ts'
import type { Qos } from '../../codec/packets.ts'
import { BodyReferences } from './body-references.ts'
import { Committer } from './committer.ts'
import { levelEngine } from './database.ts'
import { collectGarbage } from './garbage.ts'
import type { Engine, LevelStoreOptions, LevelStoreStats } from './level-options.ts'
import { LevelSession } from './level-session.ts'
import { load } from './load.ts'
import { readPage, type LostEntry, type Page } from './read-page.ts'
import { WriteSet } from './write-set.ts'

export interface LevelStore extends Store {
  readonly stats: LevelStoreStats
}

/** A store in a directory, for one broker; opened, or refused with a StoreError, by `open`. */
export function createLevelStore(
  options: LevelStoreOptions,
  engine: Engine = levelEngine,
): LevelStore {
  return new DiskStore(options, engine)
}

const NO_PAGE: Page = { entries: [], lost: [], more: false }

function emptyRecord(clientId: string): SessionRecord {
  return {
    clientId,
    username: null,
    version: 4,
    expirySeconds: 0,
    disconnectedAtMs: -1,
    will: null,
  }
}

class DiskStore implements LevelStore {
  readonly survives = true
  readonly stats: LevelStoreStats = { commits: 0, commitMs: 0, commitMsMax: 0 }
  private readonly options: LevelStoreOptions
  private readonly references = new BodyReferences()
  private readonly committer: Committer
  private events: StoreEvents | null = null
  private sessions = new Map<string, LevelSession>()
  private lastSession = 0
  private lastBody = 0
  private set = new WriteSet()
  /** Pages are read one after the other. */
  private reading: Promise<void> = Promise.resolve()
  /** What deleted sessions left is cleared away one after the other. */
  private cleaning: Promise<void> = Promise.resolve()

  constructor(options: LevelStoreOptions, engine: Engine) {
    this.options = options
    this.committer = new Committer(engine, options, this.stats, {
      take: () => this.take(),
      written: ({ ended }) => {
        for (const session of ended) this.collect(session)
      },
      committed: (batch) => this.events?.committed(batch),
      failed: (batch, failure, error) => this.events?.failed(batch, failure, error),
    })
  }

  // ── life ─────────────────────────────────────────────────────────────────────────────────────────

  open(events: StoreEvents): void {
    this.events = events
    void this.load(events)
  }

  private async load(events: StoreEvents): Promise<void> {
    try {
      await this.committer.open()
      const { retained } = this.set
      const told: StoreEvents = {
        ...events,
        // What was published while there was no space to open the store is newer.
        retained: (topic, message) => {
          if (!retained.has(topic)) events.retained(topic, message)
        },
      }
      const loaded = await load(this.committer, this.references, told, this.options.wallMs())
      this.sessions = loaded.sessions
      this.lastSession = loaded.lastSession
      this.lastBody = loaded.lastBody
      for (const { record } of loaded.cutOff) this.saveSession(record)
      this.committer.endTouch()
      if (this.events === events) events.ready()
      this.committer.begin()
      await this.committer.flush()
      for (const session of loaded.garbage) this.collect(session)
    } catch (error) {
      this.broken(error)
    }
  }

  close(done: () => void): void {
    this.events = null
    const { location, warn } = this.options
    const failed = (error: Error): void =>
      warn(`Warning: unable to close the store in ${location}: ${error.message}.`)
    // What was committed is safe all the same.
    void this.committer.close().catch(failed).then(done)
  }

  /** The data is not what it should be: nothing more can be promised. */
  private broken(error: unknown): void {
    this.events?.failed(0, 'broken', this.committer.damage(error as Error))
  }

  // ── sessions ─────────────────────────────────────────────────────────────────────────────────────

  claim(request: number, clientId: string, cleanStart: boolean): void {
    queueMicrotask(() => {
      if (this.events === null) return
      if (cleanStart) this.deleteSession(clientId)
      const known = this.sessions.get(clientId)
      if (known === undefined)
        this.sessions.set(clientId, new LevelSession(++this.lastSession, emptyRecord(clientId)))
      this.events.claimed(request, known === undefined ? null : claimOf(known), null)
    })
  }

  /** Nobody else could take it; how much its client was sent is for the next process. */
  unclaim(clientId: string, sentTo?: number): void {
    const session = this.sessions.get(clientId)
    if (session === undefined || sentTo === undefined) return
    session.sentTo = sentTo
    this.set.sessions.set(clientId, session)
    this.committer.touch()
  }

  saveSession(record: SessionRecord): void {
    const session = this.sessions.get(record.clientId)
    if (session === undefined) return
    session.record = record
    if (record.disconnectedAtMs < 0) session.sentTo = -1
    this.set.sessions.set(record.clientId, session)
    this.committer.touch()
  }

  deleteSession(clientId: string): void {
    const session = this.sessions.get(clientId)
    if (session === undefined) return
    this.sessions.delete(clientId)
    for (const { message } of session.filling?.values() ?? []) message.unwritten--
    session.filling = null
    this.set.queues.delete(session)
    this.set.sessions.set(clientId, null)
    this.set.ended.push(session.number)
    this.committer.touch()
  }

  saveSubscription(clientId: string, filter: string, options: SubscriptionOptions): void {
    this.saveFilter(clientId, filter, options)
  }

  deleteSubscription(clientId: string, filter: string): void {
    this.saveFilter(clientId, filter, null)
  }

  private saveFilter(clientId: string, filter: string, options: SubscriptionOptions | null): void {
    const session = this.sessions.get(clientId)
    if (session === undefined) return
    this.set.filters.push({ session: session.number, filter, options })
    this.committer.touch()
  }

  // ── queues ───────────────────────────────────────────────────────────────────────────────────────

  append(
    clientId: string,
    sequence: number,
    message: Message,
    qos: Qos,
    retain: boolean,
    subscriptionId: number,
  ): number {
    const session = this.sessions.get(clientId)
    if (session === undefined) return 0
    const given = Math.max(sequence, session.lastSequence + 1)
    const kept = message.kept()
    session.lastSequence = given
    session.queuedCount++
    session.queuedBytes += kept.payloadLength
    kept.unwritten++
    const entry = { message: kept, qos, retain, subscriptionId, body: 0, bringsBody: false }
    if (session.filling === null) {
      session.filling = new Map()
      this.set.queues.add(session)
    }
    session.filling.set(given, entry)
    this.committer.touch()
    return given
  }

  acknowledge(clientId: string, sequence: number, message: Message): void {
    const session = this.sessions.get(clientId)
    if (session === undefined) return
    const isNew = session.filling?.delete(sequence) === true
    if (!isNew && !session.isStored(sequence)) return
    session.queuedCount--
    session.queuedBytes -= message.payloadLength
    this.committer.touch()
    // Noted in this set or on the disk: it must not be found with whatever gets this sequence after a restart.
    const released = session.released?.delete(sequence) === true
    if (isNew) message.unwritten--
    if (isNew && !released) return
    // What was never written refers to no body, whatever others refer to.
    const body = isNew ? 0 : Math.max(0, message.storedAs)
    this.set.done.push({ session: session.number, sequence, body, released })
  }

  release(clientId: string, sequence: number): void {
    const session = this.sessions.get(clientId)
    if (session === undefined) return
    ;(session.released ??= new Set()).add(sequence)
    this.set.released.push({ session: session.number, sequence })
    this.committer.touch()
  }

  read(request: number, clientId: string, after: number, limit: number): void {
    const session = this.sessions.get(clientId)
    this.reading = this.reading.then(async () => {
      try {
        const page =
          session === undefined
            ? NO_PAGE
            : await this.committer.whileOpen((database) =>
                readPage(database, { session, after, limit, done: this.doneOf(session) }),
              )
        for (const entry of page.lost) this.giveUp(clientId, session, entry)
        this.events?.page(request, clientId, page.entries, page.more)
      } catch (error) {
        this.broken(error)
      }
    })
  }

  /** An entry that cannot be read any more costs its message; whoever it was for is told, and all others are served. */
  private giveUp(clientId: string, session: LevelSession | undefined, entry: LostEntry): void {
    if (session === undefined || this.sessions.get(clientId) !== session) return
    const { sequence, body, payloadLength, reason } = entry
    session.queuedCount--
    session.queuedBytes -= payloadLength
    const released = session.released?.delete(sequence) === true
    this.set.done.push({ session: session.number, sequence, body, released })
    this.committer.touch()
    this.events?.lost(clientId, sequence, payloadLength, reason)
  }

  /** Entries of a session that are acknowledged and may still be on the disk. */
  private doneOf({ number }: LevelSession): Set<number> {
    const done = new Set<number>()
    for (const set of [this.set, this.committer.writing])
      for (const entry of set?.done ?? []) if (entry.session === number) done.add(entry.sequence)
    return done
  }

  // ── inbound QoS 2, retained and delayed messages ─────────────────────────────────────────────────

  holdInbound(clientId: string, packetId: number, message: Message): void {
    this.saveInbound(clientId, packetId, message)
  }

  dropInbound(clientId: string, packetId: number): void {
    this.saveInbound(clientId, packetId, null)
  }

  private saveInbound(clientId: string, packetId: number, message: Message | null): void {
    const session = this.sessions.get(clientId)
    if (session === undefined) return
    if (message === null) session.inbound?.delete(packetId)
    else (session.inbound ??= new Map()).set(packetId, message)
    this.set.inbound.push({ session: session.number, packetId, message })
    this.committer.touch()
  }

  saveRetained(topic: string, message: Message | null): void {
    this.set.retained.set(topic, message === null ? null : message.kept())
    this.committer.touch()
  }

  saveDelayed(id: string, waiting: StoredWill | null): void {
    this.set.delayed.set(id, waiting)
    this.committer.touch()
  }

  // ── groups ───────────────────────────────────────────────────────────────────────────────────────

  seal(batch: number): void {
    this.committer.seal(batch)
  }

  /** What was collected, ready to be written. */
  private take(): WriteSet {
    const set = this.set
    this.set = new WriteSet()
    set.settle(this.references, () => ++this.lastBody)
    return set
  }

  /**
   * Clears away what a session has left. The group that ended it is on the disk, and nothing of it came later: what
   * is read from here on is all there is, and no group that is still open takes any of it away.
   */
  private collect(session: number): void {
    this.cleaning = this.cleaning.then(async () => {
      try {
        await this.committer.whileOpen((database) =>
          collectGarbage(database, session, (portion) => {
            this.set.garbage.push(...portion.keys)
            this.set.done.push(...portion.done)
            return this.committer.flush()
          }),
        )
      } catch (error) {
        this.broken(error)
      }
    })
  }
}

function claimOf(session: LevelSession) {
  const { record, inbound, lastSequence, idShift, sentTo, queuedCount, queuedBytes } = session
  const { foundAtQos0 } = session
  session.forgetAtQos0()
  return {
    foundAtQos0,
    record,
    inbound: [...(inbound ?? [])].map(([packetId, message]) => ({ packetId, message })),
    lastSequence,
    idShift,
    sentTo: sentTo < 0 ? undefined : sentTo,
    sentAtMost: sentTo < -1 ? -2 - sentTo : undefined,
    queuedCount,
    queuedBytes,
  }
}

/**
 * One store for several nodes of a process: each has a door to it, which is a Store of its own. What one node writes the others
 * are told; who holds a session is known here, and so is the place of each message in its queue.
 *
 *     node a ── door ──┐
 *     node b ── door ──┼── JointStore ── Store (LevelDB, or memory)
 *     node c ── door ──┘
 *
 * Batches of all doors become batches of the store (`joint-batches.ts`).
 */
import type { Message } from '../ports/message.ts'
import type {
  Backlog,
  ClaimedSession,
  Store,
  StoredDelivery,
  StoreEvents,
  SubscriptionOptions,
} from '../ports/store.ts'
import { JointBatches } from './joint-batches.ts'
import { createDoor, tell, type DoorState } from './joint-door.ts'
import {
  countIn,
  countOut,
  EMPTY_QUEUE,
  NONE_AT_QOS0,
  noteRead,
  waitingBefore,
  withCounts,
  type JointQueue,
  type Waiting,
} from './joint-queue.ts'

export interface JointStoreOptions {
  /** So many doors are opened before the store is. */
  readonly doors: number
  /** Is there room for a message, behind so much, in a queue that nobody holds who would know? */
  hasRoom(before: Waiting): boolean
}

/** A session as the doors share it. */
interface JointSession extends JointQueue {
  owner: DoorState | null
  sentTo: number | undefined
  /** Entries on their way to its owner. */
  coming: number
}

const UNHELD = { owner: null, claiming: null, coming: 0, sentTo: undefined, ...NONE_AT_QOS0 }

export class JointStore {
  private readonly store: Store
  private readonly options: JointStoreOptions
  private readonly doors: DoorState[] = []
  private readonly sessions = new Map<string, JointSession>()
  private readonly claims = new Map<
    number,
    { door: DoorState; request: number; clientId: string }
  >()
  /** Sessions that ended while some door may still write for them, and who waits to begin anew. */
  private readonly leaving = new Map<string, { doors: number; readonly waiting: (() => void)[] }>()
  private readonly reads = new Map<number, { door: DoorState; request: number }>()
  private readonly batches: JointBatches<DoorState>
  /** Of retained messages that have one, by topic; wall clock. */
  private readonly expiries = new Map<string, number>()
  private lastRequest = 0
  private writes = 0

  constructor(store: Store, options: JointStoreOptions) {
    this.store = store
    this.batches = new JointBatches(store, this.doors)
    this.options = options
  }

  /** Messages and bytes that wait for sessions nobody is connected to. */
  get queued(): { count: number; bytes: number } {
    let count = 0
    let bytes = 0
    for (const { owner, queuedCount, queuedBytes } of this.sessions.values()) {
      if (owner !== null) continue
      count += queuedCount
      bytes += queuedBytes
    }
    return { count, bytes }
  }

  /** What waits for a client; null: there is no such session. */
  backlogOf(clientId: string): Readonly<Backlog> | null {
    return this.sessions.get(clientId) ?? null
  }

  /**
   * A door, by the name of its node. `defer` runs what it is told, in order and not within a call; `sync` calls back when the
   * node has dealt with all of that, and what it wrote before has come.
   */
  door(
    name: string,
    defer: (run: () => void) => void,
    sync: (done: () => void) => void = defer,
  ): Store {
    const door = createDoor(name, defer, sync)
    this.doors.push(door)
    return { ...this.asking(door), ...this.writing(door) }
  }

  private asking(door: DoorState) {
    const { store } = this
    return {
      survives: store.survives,
      open: (events) => this.open(door, events),
      close: (done) => this.close(door, done),
      // Answered in another turn anyway: no batch has to hold it together with anything.
      claim: (request, clientId, cleanStart) => this.claim(door, request, clientId, cleanStart),
      unclaim: (clientId, sentTo) => this.unclaim(door, clientId, sentTo),
      read: (request, clientId, after, limit) => {
        this.reads.set(++this.lastRequest, { door, request })
        store.read(this.lastRequest, clientId, after, limit)
      },
      seal: (batch) => this.batches.seal(door, batch),
    } satisfies Partial<Store>
  }

  /** Whatever it is, it goes with the rest of its turn. */
  private writing(door: DoorState) {
    const { store } = this
    const write = (run: () => void): void => {
      door.isDirty = true
      run()
    }
    const ifHeld = (clientId: string, run: () => void): void =>
      write(() => {
        const owner = this.sessions.get(clientId)?.owner ?? null
        if (owner === null || owner === door) run()
      })
    const changeFilter = (clientId: string, filter: string, options: SubscriptionOptions | null) =>
      ifHeld(clientId, () => {
        if (options === null) store.deleteSubscription(clientId, filter)
        else store.saveSubscription(clientId, filter, options)
        this.tellOthers(door, ({ route }) => route(clientId, filter, options))
      })
    return {
      saveSession: (record) =>
        ifHeld(record.clientId, () => {
          store.saveSession(record)
          this.tellOthers(door, ({ session }) => session(record.clientId, record, undefined, true))
        }),
      deleteSession: (clientId) => ifHeld(clientId, () => this.deleteSession(door, clientId)),
      saveSubscription: changeFilter,
      deleteSubscription: (clientId, filter) => changeFilter(clientId, filter, null),
      append: (clientId, ...entry) => {
        door.isDirty = true
        return this.append(door, clientId, ...entry)
      },
      acknowledge: (clientId, sequence, message) =>
        write(() => {
          this.shrink(clientId, sequence, message.payloadLength)
          store.acknowledge(clientId, sequence, message)
        }),
      release: (clientId, sequence) => write(() => store.release(clientId, sequence)),
      holdInbound: (clientId, packetId, message) =>
        write(() => store.holdInbound(clientId, packetId, message)),
      dropInbound: (clientId, packetId) => write(() => store.dropInbound(clientId, packetId)),
      saveDelayed: (id, waiting) => write(() => store.saveDelayed(id, waiting)),
      saveRetained: (...change) => write(() => this.saveRetained(door, ...change)),
    } satisfies Partial<Store>
  }

  private tellOthers(author: DoorState, run: (events: StoreEvents) => void): void {
    for (const door of this.doors) if (door !== author) tell(door, run)
  }

  private tellAll(run: (events: StoreEvents) => void): void {
    for (const door of this.doors) tell(door, run)
  }

  // ── life ─────────────────────────────────────────────────────────────────────────────────────────

  private open(door: DoorState, events: StoreEvents): void {
    door.events = events
    const opened = this.doors.filter((one) => one.events !== null)
    if (opened.length === this.options.doors) this.store.open(this.storeEvents())
  }

  /** The last one closes the store. */
  private close(door: DoorState, done: () => void): void {
    door.isClosed = true
    door.isDirty = false
    if (this.doors.every(({ isClosed }) => isClosed)) this.store.close(done)
    else door.defer(done)
  }

  /** What the store tells, and who is told. */
  private storeEvents(): StoreEvents {
    return {
      session: (clientId, record, backlog) => {
        const found = backlog?.foundAtQos0 ?? null
        const foundAtQos0 = found === null ? null : { ...found }
        this.sessions.set(clientId, { ...(backlog ?? EMPTY_QUEUE), ...UNHELD, foundAtQos0 })
        for (const [index, door] of this.doors.entries())
          tell(door, ({ session }) => session(clientId, record, backlog, index > 0))
      },
      route: (clientId, filter, options) =>
        this.tellAll(({ route }) => route(clientId, filter, options)),
      retained: (topic, message) => {
        this.noteExpiry(topic, message)
        this.tellAll(({ retained }) => retained(topic, message))
      },
      delayed: (id, waiting) => tell(this.doors[0], ({ delayed }) => delayed(id, waiting)),
      ready: () => this.tellAll(({ ready }) => ready()),
      claimed: (request, state) => this.claimed(request, state),
      page: (request, clientId, entries, more) => {
        const asked = this.reads.get(request)
        this.reads.delete(request)
        const session = this.sessions.get(clientId)
        if (session !== undefined) noteRead(session, entries)
        if (asked !== undefined)
          tell(asked.door, ({ page }) => page(asked.request, clientId, entries, more))
      },
      lost: (clientId, sequence, bytes, reason) => {
        this.shrink(clientId, sequence, bytes)
        const owner = this.sessions.get(clientId)?.owner ?? this.doors[0]
        tell(owner, ({ lost }) => lost(clientId, sequence, bytes, reason))
      },
      // Where the store is, there its memory is counted.
      keeps: (message, change) => this.doors[0].events?.keeps?.(message, change),
      takes: (bytes) => this.doors[0].events?.takes?.(bytes),
      arrived: () => {},
      overflowed: () => {},
      committed: (joint) =>
        this.batches.committed(joint, (door, batch) =>
          tell(door, ({ committed }) => committed(batch)),
        ),
      failed: (joint, failure, error) =>
        this.batches.failed(joint, (door, batch) =>
          tell(door, ({ failed }) => failed(batch, failure, error)),
        ),
    }
  }

  // ── sessions ─────────────────────────────────────────────────────────────────────────────────────

  private claim(door: DoorState, request: number, clientId: string, cleanStart: boolean): void {
    const known = this.sessions.get(clientId)
    const owner = known?.owner ?? null
    if (owner !== null && owner !== door && !owner.isClosed)
      return tell(door, ({ claimed }) => claimed(request, null, owner.name))
    const leaving = this.leaving.get(clientId)
    if (leaving !== undefined)
      return void leaving.waiting.push(() => this.claim(door, request, clientId, cleanStart))
    if (cleanStart && known !== undefined) {
      this.forget(door, clientId)
      return this.claim(door, request, clientId, cleanStart)
    }
    const session = known ?? { ...EMPTY_QUEUE, ...UNHELD }
    session.owner = door
    session.claiming ??= []
    this.sessions.set(clientId, session)
    this.claims.set(++this.lastRequest, { door, request, clientId })
    this.store.claim(this.lastRequest, clientId, cleanStart)
  }

  private claimed(joint: number, state: ClaimedSession | null): void {
    const asked = this.claims.get(joint)
    this.claims.delete(joint)
    if (asked === undefined) return
    const { door, request, clientId } = asked
    const session = this.sessions.get(clientId)
    const whole =
      state === null || session === undefined
        ? state
        : { ...withCounts(state, session), sentTo: session.sentTo ?? state.sentTo }
    tell(door, ({ claimed, arrived }) => {
      claimed(request, whole, null)
      // What is not among what the claim brings comes behind it; the core knows by the sequence.
      for (const entry of session?.claiming ?? []) arrived(clientId, entry)
      if (session !== undefined) session.claiming = null
    })
  }

  private unclaim(door: DoorState, clientId: string, sentTo: number | undefined): void {
    const session = this.sessions.get(clientId)
    if (session === undefined || session.owner !== door) return
    session.owner = null
    session.claiming = null
    session.sentTo = sentTo ?? session.sentTo
    this.store.unclaim(clientId, sentTo)
  }

  private deleteSession(door: DoorState, clientId: string): void {
    this.store.deleteSession(clientId)
    this.forget(door, clientId)
  }

  /** The session is no more. What others still write for it must not come to the next one of its client id. */
  private forget(author: DoorState, clientId: string): void {
    this.sessions.delete(clientId)
    const others = this.doors.filter((door) => door !== author && !door.isClosed)
    if (others.length === 0) return
    const leaving = this.leaving.get(clientId) ?? { doors: 0, waiting: [] }
    this.leaving.set(clientId, leaving)
    leaving.doors += others.length
    const arrived = (): void => {
      if (--leaving.doors > 0) return
      this.leaving.delete(clientId)
      for (const run of leaving.waiting) run()
    }
    for (const door of others) {
      tell(door, ({ session }) => session(clientId, null))
      door.sync(arrived)
    }
  }

  private append(
    door: DoorState,
    clientId: string,
    ...[proposal, borrowed, qos, retain, subscriptionId]: Tail<Parameters<Store['append']>>
  ): number {
    const session = this.sessions.get(clientId)
    if (session === undefined) return 0
    const { owner, lastSequence } = session
    const message = borrowed.kept()
    const isClaimed = owner !== null && session.claiming === null
    // Behind what others have queued, and it has not been told of yet.
    const isHolder = isClaimed && owner === door && session.coming === 0
    // What is in flight takes no room in the queue, which only the holder can tell apart.
    if (!isClaimed && !this.options.hasRoom(waitingBefore(session, qos))) {
      tell(door, (events) => events.overflowed(clientId))
      return 0
    }
    const next = Math.max(lastSequence + 1, owner === door ? proposal : 0)
    const sequence = this.store.append(clientId, next, message, qos, retain, subscriptionId)
    if (sequence === 0) return 0
    countIn(session, sequence, message.payloadLength, qos)
    if (isHolder) return sequence
    const entry: StoredDelivery = {
      sequence,
      message,
      qos,
      retain,
      subscriptionId,
      released: false,
      safe: false,
      isUnbound: isClaimed,
    }
    if (session.claiming !== null) session.claiming.push(entry)
    else if (owner !== null) {
      session.coming++
      tell(owner, ({ arrived }) => {
        session.coming--
        arrived(clientId, entry)
      })
    }
    return 0
  }

  private shrink(clientId: string, sequence: number, bytes: number): void {
    const session = this.sessions.get(clientId)
    if (session !== undefined) countOut(session, sequence, bytes)
  }

  private noteExpiry(topic: string, message: Message | null): void {
    if (message === null || message.expiresAtMs === Infinity) this.expiries.delete(topic)
    else this.expiries.set(topic, message.expiresAtMs)
  }

  private saveRetained(
    door: DoorState,
    topic: string,
    message: Message | null,
    overAtMs = Infinity,
  ): void {
    if (message === null && (this.expiries.get(topic) ?? Infinity) > overAtMs) return
    this.noteExpiry(topic, message)
    const write = ++this.writes
    if (door.untold > 0) door.retainedAt.set(topic, write)
    const kept = message === null ? null : message.kept()
    this.store.saveRetained(topic, kept)
    for (const other of this.doors) {
      if (other === door) continue
      tell(other, ({ retained }) => {
        // It has written there itself meanwhile: its own is the later one, here too.
        if ((other.retainedAt.get(topic) ?? 0) < write) retained(topic, kept)
      })
    }
  }
}

type Tail<T extends readonly unknown[]> = T extends readonly [unknown, ...infer Rest] ? Rest : never

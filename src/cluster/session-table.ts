/**
 * All durable sessions of the cluster, as their stream tells of them, and who of the core is told what.
 *
 * A row that this node writes is right here before the stream has it; copies that come meanwhile wait until the write
 * has been answered. The stream takes a row only on top of the one its writer knew, so of two writers one learns that the
 * other was first.
 */
import type { SessionRecord, StoreEvents, SubscriptionOptions } from '../ports/store.ts'
import type { LocalSession } from './local-session.ts'
import type { Membership } from './membership.ts'
import { readRow, type SessionRow } from './rows.ts'
import { tokenFor } from './tokens.ts'
import type { StreamEntry } from './wire.ts'

export interface KnownSession {
  readonly sid: string
  row: SessionRow
  /** Of the row, as far as the stream has answered; 0: none is there. */
  sequence: number
  /** Not null: its client is here. */
  local: LocalSession | null
  /** Writes of ours that are not answered yet. */
  writing: number
  /** The latest copy that came meanwhile. */
  stash: StreamEntry | null
  /** As it was here when another node took it, until the core has let go of it. */
  lostFrom: SessionRow | null
  /** What the core was told of its record; null: the core does not know it. */
  toldAs: string | null
  /** Claimed, and the core has saved nothing of it since: it may not go on with it. */
  isFresh: boolean
}

type Tell = (run: (events: StoreEvents) => void) => void

export class SessionTable {
  readonly sessions = new Map<string, KnownSession>()
  private readonly node: string
  private readonly membership: Membership
  private readonly tell: Tell
  private readonly onLost: (known: KnownSession) => void
  private isLoading = true
  /** Of the last row that came. */
  private applied = 0
  /** Those with a stash, the first sequence that went into it, and who waits until the core has been told of it. */
  private readonly stashed = new Map<KnownSession, number>()
  private waiting: { sequence: number; done: () => void }[] = []

  /** `onLost`: another node has claimed a session whose client is here. */
  constructor(
    node: string,
    membership: Membership,
    tell: Tell,
    onLost: (known: KnownSession) => void,
  ) {
    this.node = node
    this.membership = membership
    this.tell = tell
    this.onLost = onLost
  }

  get(clientId: string): KnownSession | undefined {
    return this.sessions.get(clientId)
  }

  /** A session that nobody knows yet. */
  add(row: SessionRow): KnownSession {
    const sid = tokenFor(row.clientId)
    const known = {
      sid,
      row,
      sequence: 0,
      local: null,
      writing: 0,
      stash: null,
      lostFrom: null,
      toldAs: null,
      isFresh: false,
    }
    this.sessions.set(row.clientId, known)
    return known
  }

  /** Everything is loaded: tells all of it. */
  tellAll(): void {
    this.isLoading = false
    for (const known of this.sessions.values()) this.announce(known, null)
  }

  /** What the stream has. */
  apply(entry: StreamEntry): void {
    const row = readRow(entry.data)
    const known = this.sessions.get(row.clientId) ?? this.add(row)
    this.applied = Math.max(this.applied, entry.sequence)
    if (entry.sequence <= known.sequence) return this.forget(known)
    if (known.writing > 0) return this.stash(known, entry)
    this.replace(known, row, entry.sequence)
  }

  /** What the stream has, until the writes of ours that are under way are over; the latest counts. */
  stash(known: KnownSession, entry: StreamEntry): void {
    if (entry.sequence > (known.stash?.sequence ?? 0)) known.stash = entry
    if (!this.stashed.has(known)) this.stashed.set(known, entry.sequence)
  }

  /** Resolves when the core has been told of all that has come up to `sequence`: what meets a write of ours waits for its answer. */
  until(sequence: number): Promise<void> {
    if (!this.hasStash(sequence)) return Promise.resolve()
    return new Promise((done) => void this.waiting.push({ sequence, done }))
  }

  private hasStash(sequence: number): boolean {
    return [...this.stashed.values()].some((first) => first <= sequence)
  }

  /** If it has been deleted, here and in the stream: no row of before is to come any more, which would be taken for a new session. */
  forget(known: KnownSession): void {
    const { row, writing, sequence } = known
    const isOver = row.isGone && writing === 0 && sequence <= this.applied
    if (isOver && this.sessions.get(row.clientId) === known) this.sessions.delete(row.clientId)
  }

  /** This node has claimed it as `row`: the core is told what it did not know of it. */
  tellClaimed(known: KnownSession, row: SessionRow): void {
    const { record, clientId } = row
    if (record === null) {
      // The row that said so may come later than this claim, and is old then.
      if (known.toldAs !== null) this.tell((events) => events.session(clientId, null))
      return
    }
    const old = known.toldAs === null ? NONE : known.row.subscriptions
    this.tell((events) => {
      // Nobody sees to it while its client is about to be here.
      if (known.toldAs === null) events.session(clientId, record, undefined, true)
      tellRoutes(events, clientId, old, row.subscriptions)
    })
  }

  /** The core has let go of what it had claimed, and did not go on with: it hears of it as of any other. */
  tellLeft(known: KnownSession): void {
    known.toldAs = ''
    this.announce(known, known.row)
  }

  /** A write was answered: what came meanwhile counts if it came behind it. */
  written(known: KnownSession, sequence: number): void {
    known.sequence = Math.max(known.sequence, sequence)
    this.settle(known)
  }

  /** A write is over, whatever became of it. */
  settle(known: KnownSession): void {
    const { stash } = known
    if (known.writing > 0) return
    known.stash = null
    if (stash === null) return
    this.stashed.delete(known)
    this.apply(stash)
    const due = this.waiting.filter((waiter) => !this.hasStash(waiter.sequence))
    if (due.length === 0) return
    this.waiting = this.waiting.filter((waiter) => !due.includes(waiter))
    for (const { done } of due) done()
  }

  /** Is what the stream has a row that this node wrote in the same claim as `row`? */
  isOwnWrite(entry: StreamEntry, row: SessionRow): boolean {
    const found = readRow(entry.data)
    return found.epoch === row.epoch && found.keeper === this.node && row.keeper === this.node
  }

  private replace(known: KnownSession, row: SessionRow, sequence: number): void {
    const before = known.row
    known.row = row
    known.sequence = sequence
    if (known.local !== null && row.epoch > before.epoch) {
      known.lostFrom ??= before
      this.onLost(known)
    }
    if (known.local === null) this.announce(known, before)
    if (row.isGone && known.local === null) this.sessions.delete(row.clientId)
  }

  /** Tells the core how a session is that it does not have; `before`: what it was told of its subscriptions. */
  announce(known: KnownSession, before: SessionRow | null): void {
    if (this.isLoading) return
    const { row } = known
    const { clientId, record } = row
    if (record === null) {
      if (known.toldAs !== null) this.tell((events) => events.session(clientId, null))
      known.toldAs = null
      return
    }
    const told = this.recordFor(known, record)
    const isTended = !this.tends(known)
    const old = known.toldAs === null ? NONE : (before?.subscriptions ?? row.subscriptions)
    const { subscriptions } = row
    const as = JSON.stringify([{ ...told, will: told.will?.dueAtMs ?? null }, isTended])
    const isNews = as !== known.toldAs
    known.toldAs = as
    this.tell((events) => {
      if (isNews) events.session(clientId, told, undefined, isTended)
      tellRoutes(events, clientId, old, subscriptions)
    })
  }

  /** Whether this node sees to its expiry and its will. */
  tends({ row }: KnownSession): boolean {
    if (this.membership.isAlive(row.keeper)) return row.keeper === this.node
    return this.membership.isFirst()
  }

  /** A node has come or is gone: what it tended is somebody else's now. Returns sessions whose node is gone, if they are ours to end. */
  nodesChanged(): KnownSession[] {
    const orphans: KnownSession[] = []
    for (const known of this.sessions.values()) {
      const { owner, keeper } = known.row
      if (known.local !== null || known.row.record === null) continue
      if (owner !== '' && owner !== this.node && !this.membership.isAlive(owner)) {
        if (this.membership.isFirst()) orphans.push(known)
      } else if (owner === '' && !this.membership.isAlive(keeper)) this.announce(known, known.row)
    }
    return orphans
  }

  private recordFor(known: KnownSession, record: SessionRecord): SessionRecord {
    const will = this.tends(known) ? record.will : null
    const isConnected = known.row.owner !== '' && known.row.owner !== this.node
    return { ...record, will, disconnectedAtMs: isConnected ? -1 : record.disconnectedAtMs }
  }
}

type Subscriptions = ReadonlyMap<string, SubscriptionOptions>

const NONE: Subscriptions = new Map()

function tellRoutes(
  events: StoreEvents,
  clientId: string,
  old: Subscriptions,
  subscriptions: Subscriptions,
): void {
  for (const filter of old.keys())
    if (!subscriptions.has(filter)) events.route(clientId, filter, null)
  for (const [filter, options] of subscriptions)
    if (!isSame(old.get(filter), options)) events.route(clientId, filter, options)
}

function isSame(a: SubscriptionOptions | undefined, b: SubscriptionOptions): boolean {
  return (
    a !== undefined &&
    a.qos === b.qos &&
    a.noLocal === b.noLocal &&
    a.retainAsPublished === b.retainAsPublished &&
    a.subscriptionId === b.subscriptionId &&
    a.owesRetained === b.owesRetained
  )
}

/** One broker's place in a cluster: its connection, its lease, what it follows, and the ports over them. */
import { LogType, type LogTypeBit } from '../base/log.ts'
import type { StoredWill, StoreEvents } from '../ports/store.ts'
import type { ClusterOptions } from './cluster-options.ts'
import { DelayedMessages } from './delayed.ts'
import { ClusterError, type Failure } from './failures.ts'
import { Follower } from './follower.ts'
import type { LeftWills } from './left-wills.ts'
import type { QueuePlace, LocalSession } from './local-session.ts'
import { Membership } from './membership.ts'
import { readEntry } from './entries.ts'
import { Pauses } from './pauses.ts'
import { Posts } from './posts.ts'
import { Questions, type Answers } from './questions.ts'
import { Records } from './records.ts'
import { clearRemains, exchangesOf } from './remains.ts'
import { RetainedMessages } from './retained.ts'
import { SessionTable, type KnownSession } from './session-table.ts'
import { Sizes } from './sizes.ts'
import { StreamWatch } from './stream-watch.ts'
import { makeStreams, queueStream } from './streams.ts'
import { pause, type StreamEntry, type Wire } from './wire.ts'
import { Writer } from './writer.ts'

/** What clients have acknowledged is taken out of their queues so often. */
const TIDY_MS = 50
/** Copies that were lost without another one behind them are found by then, and streams that are not what they were. */
const LEASES_PER_LOOK = 2
/** A broker without a cluster to stand on says so not more often than this. */
const REFUSED_SAID_MS = 10_000
/** JetStream answers for so many subjects at once. */
const SUBJECTS_AT_ONCE = 500

export class ClusterNode {
  readonly options: ClusterOptions
  wire!: Wire
  membership!: Membership
  questions!: Questions
  /** What others may ask of whoever looks at this node, who may be there before it has joined. */
  readonly lookers: Record<string, Answers[string]> = {}
  records!: Records
  posts!: Posts
  pauses!: Pauses
  table!: SessionTable
  retained!: RetainedMessages
  delayed!: DelayedMessages
  writer!: Writer
  sizes!: Sizes
  /** Set by the peers. */
  leftWills: LeftWills | null = null
  private events: StoreEvents | null = null
  private sessionsFollowed!: Follower
  private retainedFollowed!: Follower
  private watch!: StreamWatch
  private timers: NodeJS.Timeout[] = []
  private readonly untidy = new Set<LocalSession>()
  private saidRefusedMs = -Infinity
  /** It serves clients. */
  isJoined = false
  private opening: Promise<void> = Promise.resolve()
  /** Another node has taken a session whose client is here; set by the peers. */
  onLost: (clientId: string) => void = () => {}
  /** There is a connection and a lease; resolves when the other nodes know of us. Set by the peers. */
  onJoined: () => Promise<void> = async () => {}
  /** A delayed message is this node's from now on; set by the store. */
  onDelayed: (id: string, waiting: StoredWill) => void = () => {}
  /** The records are known, and nobody is served yet. */
  beforeServing: () => Promise<void> = async () => {}
  /** Records are others. */
  onRecords: () => void = () => {}
  /** Nodes have come or are gone; set by the peers. */
  onNodes: () => void = () => {}
  /** JetStream has not taken something, which is tried again; set by the peers. */
  onRefused: () => void = () => {}
  /** The last that is written: resolves when it is; set by the peers. */
  onLeaving: () => Promise<void> = async () => {}

  constructor(options: ClusterOptions) {
    this.options = options
  }

  open(events: StoreEvents): Promise<void> {
    this.events = events
    this.opening = this.join()
    return this.opening.catch((error: unknown) => this.broken(error))
  }

  /** Nothing can be promised any more. */
  broken(error: unknown): void {
    if (this.wire?.isClosed) return
    const problem = error instanceof Error ? error : new Error(String(error))
    this.tell((events) => events.failed(0, 'broken', problem))
  }

  private async join(): Promise<void> {
    this.wire = await this.options.connect()
    await Promise.race([this.enter(), this.wire.denied])
  }

  private async enter(): Promise<void> {
    const { options } = this
    const { name, node } = options
    const say = (text: string): void => options.log.write(LogType.warning, `Warning: ${text}.`)
    const bytesMax = await makeStreams(this.wire, options, say)
    this.sizes = new Sizes(this.wire, options, options.log, bytesMax)
    this.watch = new StreamWatch(this.wire, name)
    await this.watch.start()
    this.membership = new Membership(this.wire, options)
    this.questions = new Questions(this.wire, options, this.membership, this.lookers)
    this.records = new Records(this.wire, name)
    this.pauses = new Pauses(this.records, this.questions)
    this.posts = new Posts(this.records, this.membership, options)
    this.table = new SessionTable(
      node,
      this.membership,
      (run) => this.tell(run),
      ({ row }) => this.onLost(row.clientId),
    )
    this.retained = new RetainedMessages(name, (topic, message) =>
      this.tell((events) => events.retained(topic, message)),
    )
    this.delayed = new DelayedMessages(this.wire, options, this.membership, (id, waiting) => {
      this.onDelayed(id, waiting)
      this.tell((events) => events.delayed(id, waiting))
    })
    this.writer = new Writer(this.wire, options, this.table, {
      committed: (batch) => {
        if (this.membership.isValid()) this.tell((events) => events.committed(batch))
      },
      overflowed: (clientId) => this.tell((events) => events.overflowed(clientId)),
      tooLarge: (subject, bytes) => this.sizes.leftOut(subject, bytes),
      refused: (failure) => this.refused(failure),
      broken: (error) => this.broken(error),
      remains: (known) => this.remains(known),
    })
    this.wire.listen(`${name}.ctl.${node}.run`, (message) => void message.respond(options.run))
    await this.membership.join(() => options.onFenced())
    this.sessionsFollowed = this.follow('s', (entry) => this.table.apply(entry))
    this.retainedFollowed = this.follow('r', (entry) => this.retained.apply(entry))
    await this.onJoined()
    await this.sessionsFollowed.start()
    this.membership.onChange = () => this.nodesChanged()
    this.endOwnSessions()
    this.table.tellAll()
    this.nodesChanged()
    await this.retainedFollowed.start()
    this.retained.endLoading()
    await this.delayed.takeOrphans()
    await this.records.start()
    this.records.onChange = () => {
      this.posts.look()
      this.pauses.look()
      this.onRecords()
    }
    await this.beforeServing()
    this.timers = [
      setInterval(() => this.tidy(), TIDY_MS),
      setInterval(() => void this.look().catch(() => {}), LEASES_PER_LOOK * options.leaseMs),
    ]
    void this.lookAfterReconnects()
    this.isJoined = true
    this.tell((tell) => tell.ready())
  }

  private follow(letter: string, apply: (entry: StreamEntry) => void): Follower {
    const { name } = this.options
    const what = {
      stream: `${name}_${letter.toUpperCase()}`,
      subject: `${name}.${letter}.>`,
      live: `${name}.f.${letter}.>`,
    }
    return new Follower(this.wire, what, apply)
  }

  /** Says something to the core, unless that is gone. */
  tell(run: (events: StoreEvents) => void): void {
    if (this.events !== null) run(this.events)
  }

  async close(): Promise<void> {
    await this.opening.catch(() => {})
    if (this.membership === undefined) {
      this.events = null
      return this.wire?.close()
    }
    for (const timer of this.timers) clearInterval(timer)
    if (this.isJoined && this.membership.isValid()) {
      await this.writer.flush()
      await Promise.all([...this.untidy].map((local) => local.flush()))
      await this.onLeaving()
    }
    this.events = null
    for (const { local } of this.table.sessions.values()) local?.end()
    this.sessionsFollowed?.end()
    this.retainedFollowed?.end()
    this.records.end()
    await this.membership.leave()
    await this.wire.close()
  }

  /** Ends as a process does that is killed. */
  async cut(): Promise<void> {
    this.events = null
    for (const timer of this.timers) clearInterval(timer)
    this.membership.abandon()
    await this.wire.cut()
  }

  // ── other nodes ──────────────────────────────────────────────────────────────────────────────────

  /** Of an earlier run of this node: its clients are gone. */
  private endOwnSessions(): void {
    const isLeft = ({ row, local }: KnownSession): boolean =>
      row.owner === this.options.node && local === null
    this.endOrphans([...this.table.sessions.values()].filter(isLeft))
  }

  private nodesChanged(): void {
    this.endOrphans(this.table.nodesChanged())
    this.onNodes()
    this.posts.look()
    void this.delayed.takeOrphans()
  }

  /** The node that had their clients is gone. */
  private endOrphans(orphans: readonly KnownSession[]): void {
    for (const known of orphans) {
      const { row, sequence } = known
      row.owner = ''
      row.keeper = this.options.node
      if (row.record === null) row.isGone = true
      else if (row.record.disconnectedAtMs < 0)
        row.record = { ...row.record, disconnectedAtMs: this.options.wallMs() }
      if (sequence > 0) this.table.announce(known, row)
    }
    void this.writer.writeByAndBy(orphans)
  }

  /** Everything that this node was told is stored, and everything stored is known here. */
  async refresh(): Promise<void> {
    await Promise.all([this.sessionsFollowed.refresh(), this.retainedFollowed.refresh()])
  }

  /** Resolves when the core has been told of sessions up to `sequence` of their stream. */
  async sessionsUntil(sequence: number): Promise<void> {
    await this.sessionsFollowed.until(sequence)
    await this.table.until(sequence)
  }

  /** The same of retained messages. */
  retainedUntil(sequence: number): Promise<void> {
    return this.retainedFollowed.until(sequence)
  }

  /** The core has let go of a session that another node has: it is told how that is. */
  tellAgain(clientId: string): void {
    const known = this.table.get(clientId)
    if (known === undefined) return
    known.local?.end()
    known.local = null
    this.table.announce(known, known.lostFrom)
    known.lostFrom = null
  }

  /** Has this node its lease? Without it nothing may leave the process, which is told to end. */
  get mayAnswer(): boolean {
    if (this.isClosed || this.membership === undefined || this.membership.isValid()) return true
    if (!this.isJoined) return true
    this.options.onFenced()
    return false
  }

  get isClosed(): boolean {
    return this.events === null
  }

  // ── places ───────────────────────────────────────────────────────────────────────────────────────

  placeOf({ sid, row }: KnownSession): QueuePlace {
    const { name } = this.options
    const { clientId, partition } = row
    return {
      clientId,
      stream: queueStream(name, partition),
      subject: `${name}.q.${partition}.${sid}`,
      live: `${name}.l.${partition}.${sid}`,
    }
  }

  /** Of a QoS 2 exchange: `i` from the client, `o` to it. */
  exchange(sid: string, kind: 'i' | 'o', number: number): string {
    return `${this.options.name}.x.${sid}.${kind}.${number}`
  }

  forgetMarker(sid: string, sequence: number): Promise<void> {
    const subject = this.exchange(sid, 'o', sequence)
    return this.writer
      .putSurely(subject, new Uint8Array(0), { 'Nats-TTL': '1s' })
      .then(() => undefined)
  }

  payloadBytes(data: Uint8Array): number {
    return readEntry(data, 0, false).message.payloadLength
  }

  private async remains(known: KnownSession): Promise<() => Promise<void>> {
    const place = this.placeOf(known)
    const { stream, subject } = place
    const [last, exchanges] = await Promise.all([
      this.wire.readOne(stream, { last_by_subj: subject }),
      exchangesOf(this.wire, this.options.name, known.sid),
    ])
    const { name } = this.options
    return () => clearRemains(this.wire, name, place, last?.sequence ?? 0, exchanges)
  }

  // ── now and then ─────────────────────────────────────────────────────────────────────────────────

  noteDone(local: LocalSession): void {
    this.untidy.add(local)
  }

  private tidy(): void {
    for (const local of this.untidy) void local.flush()
    this.untidy.clear()
  }

  /** Makes sure that nothing was missed. */
  private async look(): Promise<void> {
    await this.watch.check().catch((error: unknown) => {
      if (error instanceof ClusterError) this.broken(error)
      throw error
    })
    await Promise.all([this.refresh(), this.membership.refresh(), this.records.refresh()])
    const bySubject = new Map<string, LocalSession>()
    const byStream = new Map<string, string[]>()
    for (const { local } of this.table.sessions.values()) {
      if (local === null) continue
      const { stream, subject } = local.place
      bySubject.set(subject, local)
      byStream.set(stream, [...(byStream.get(stream) ?? []), subject])
    }
    for (const [stream, subjects] of byStream)
      for (let at = 0; at < subjects.length; at += SUBJECTS_AT_ONCE) {
        const some = subjects.slice(at, at + SUBJECTS_AT_ONCE)
        for (const { subject, sequence } of await this.wire.lastOf(stream, some))
          void bySubject.get(subject)?.hear(sequence)
      }
  }

  /** A session's whole queue is told or waits to be read. */
  async hearAll(local: LocalSession): Promise<void> {
    const { stream, subject } = local.place
    const last = await this.wire.readOne(stream, { last_by_subj: subject })
    if (last !== null) await local.hear(last.sequence)
  }

  private async lookAfterReconnects(): Promise<void> {
    for await (const { type } of this.wire.nc.status()) {
      if (type === 'disconnect') this.say(LogType.warning, 'Warning: no connection to NATS.')
      if (type !== 'reconnect') continue
      this.say(LogType.notice, 'Connected to NATS again.')
      await pause(0)
      if (this.membership.isValid()) void this.membership.tellNow()
      void this.look().catch(() => {})
    }
  }

  private say(type: LogTypeBit, text: string): void {
    this.options.log.write(type, text)
  }

  /** JetStream does not take what we write; it is tried again, and those who wait are told. */
  refused({ text }: Failure): void {
    this.onRefused()
    const nowMs = this.options.nowMs()
    if (nowMs - this.saidRefusedMs < REFUSED_SAID_MS) return
    this.saidRefusedMs = nowMs
    const batch = this.writer.oldestBatch
    this.tell((events) => events.failed(batch, 'full', new Error(`JetStream: ${text}`)))
  }
}

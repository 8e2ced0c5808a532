/**
 * The LevelDB store's groups, without a broker: its own code on a LevelDB in memory, whose writes take as long as a seed says.
 *
 *     turns of changes ──▶ filling ──▶ writing ──▶ disk        a model beside it: what every queue must hold
 *
 * Strategy: a few sessions share messages, acknowledge, end, begin anew and read pages, while groups are on their way;
 * the disk is full at times, the process stops or crashes and opens what is there.
 *
 * Invariants: after every step each entry on the disk has its body; pages and counts are those of the model; a crash
 * leaves a state between what was called committed and what was sealed; nothing is called lost; once all is still, no body
 * is without an entry, and nothing is left of a session that ended.
 */
import type { Message } from '../../src/ports/message.ts'
import type {
  ClaimedSession,
  SessionRecord,
  Store,
  StoredDelivery,
  StoreEvents,
} from '../../src/ports/store.ts'
import { keyBehind, Kind, readNumber } from '../../src/store/level/keys.ts'
import { createLevelStore } from '../../src/store/level/level-store.ts'
import { readEntryCosts, RecordReader } from '../../src/store/level/records.ts'
import { messageOf, textOf } from '../store/told.ts'
import { fakeEngine, newDisk, rowsOf } from './fake-level.ts'
import { copyOf, describe, newSession, type Model, type ModelSession } from './store-model.ts'
import { seeded, Timeline } from './world.ts'

const STEPS = 40
const CLIENTS = ['a', 'b', 'c', 'd']
const SETTLE_MS = 60_000

const macrotask = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** Runs the scenario of `seed`; returns what went wrong, nothing when all held. */
export function simulateGroups(seed: number): Promise<string[]> {
  return new GroupSimulation(seed).run()
}

class GroupSimulation {
  private readonly random: () => number
  private readonly time = new Timeline()
  private readonly disk = newDisk()
  private readonly problems: string[] = []
  private readonly slowMs: number
  private model: Model = new Map()
  /** The model when each batch was sealed. */
  private readonly sealed = new Map<number, Model>()
  private batch = 0
  private committed = 0
  private life = 0
  private store!: Store
  /** What the store told when it was opened; null: it has not. */
  private opened: Model | null = null
  private requests = 0
  private messages = 0
  private readonly claims = new Map<number, (session: ClaimedSession | null) => void>()
  private readonly claiming = new Set<string>()
  private readonly reads = new Map<number, (entries: StoredDelivery[], more: boolean) => void>()
  /** What a client was given and has not acknowledged, by sequence. */
  private readonly held = new Map<string, Map<number, Message>>()
  private checked: unknown = null

  constructor(seed: number) {
    this.random = seeded(seed)
    this.slowMs = this.one([1, 20, 100])
  }

  async run(): Promise<string[]> {
    await this.open()
    for (let step = 0; step < STEPS && this.problems.length === 0; step++) await this.step()
    this.disk.isFull = false
    await this.pass(SETTLE_MS)
    if (this.committed < this.batch) this.problems.push(`batch ${this.batch} was never committed`)
    this.checkStill()
    await this.restart(false)
    return this.problems
  }

  private pick(count: number): number {
    return Math.floor(this.random() * count)
  }

  private one<T>(values: readonly T[]): T {
    return values[this.pick(values.length)]
  }

  /** Lets time pass; what a step sets off is through before the next one. */
  private async pass(ms: number): Promise<void> {
    const untilMs = this.time.nowMs + ms
    do {
      await macrotask()
      if (this.disk.state !== this.checked) this.countBodies()
    } while (this.time.step(untilMs))
  }

  private async step(): Promise<void> {
    const dice = this.random()
    if (dice < 0.04) return this.restart(this.random() < 0.7)
    if (dice < 0.07) this.disk.isFull = !this.disk.isFull
    for (let changes = 1 + this.pick(6); changes > 0; changes--) this.change()
    // Claims are answered before the turn ends, as in the broker.
    await macrotask()
    this.sealed.set(++this.batch, copyOf(this.model))
    this.store.seal(this.batch)
    await this.pass(this.random() * this.one([0, 5, 60, 400]))
  }

  // ── what clients do ──────────────────────────────────────────────────────────────────────────────

  private change(): void {
    const clientId = this.one(CLIENTS)
    // A client has one CONNECT at a time.
    if (this.claiming.has(clientId)) return
    const session = this.model.get(clientId)
    const dice = this.random()
    if (session === undefined) this.claim(clientId, false)
    else if (dice < 0.4) this.append()
    else if (dice < 0.7) this.acknowledge(clientId, session)
    else if (dice < 0.75) this.release(clientId, session)
    else if (dice < 0.8) this.hold(clientId, session)
    else if (dice < 0.85) this.filter(clientId, session)
    else if (dice < 0.93) this.read(clientId, session)
    else if (dice < 0.96) this.claim(clientId, this.random() < 0.5)
    else this.leave(clientId, session)
  }

  private append(): void {
    const message = messageOf('t', `m${++this.messages}`)
    const qos = this.one([1, 2] as const)
    for (const [clientId, session] of this.model) {
      if (this.random() < 0.2) continue
      const proposed = session.lastSequence + 1 + this.pick(2)
      const given = this.store.append(clientId, proposed, message, qos, false, 0)
      session.queue.set(given, {
        text: textOf(message),
        size: message.payloadLength,
        qos,
        released: false,
      })
      session.lastSequence = given
      this.give(clientId, given, message)
    }
  }

  private give(clientId: string, sequence: number, message: Message): void {
    const held = this.held.get(clientId) ?? new Map<number, Message>()
    this.held.set(clientId, held)
    held.set(sequence, message)
  }

  private acknowledge(clientId: string, session: ModelSession): void {
    const held = this.held.get(clientId)
    for (const [sequence, message] of [...(held ?? [])].slice(0, this.pick(4))) {
      held?.delete(sequence)
      if (session.queue.delete(sequence)) this.store.acknowledge(clientId, sequence, message)
    }
  }

  private release(clientId: string, session: ModelSession): void {
    const entry = [...session.queue].find(([, { qos, released }]) => qos === 2 && !released)
    if (entry === undefined) return
    session.queue.set(entry[0], { ...entry[1], released: true })
    this.store.release(clientId, entry[0])
  }

  private hold(clientId: string, { inbound }: ModelSession): void {
    const packetId = 1 + this.pick(3)
    if (inbound.delete(packetId)) return this.store.dropInbound(clientId, packetId)
    inbound.set(packetId, `held ${packetId}`)
    this.store.holdInbound(clientId, packetId, messageOf('in', `held ${packetId}`))
  }

  private filter(clientId: string, { filters }: ModelSession): void {
    const filter = this.one(['f/1', 'f/2'])
    if (filters.delete(filter)) return this.store.deleteSubscription(clientId, filter)
    filters.add(filter)
    const options = { qos: 1, noLocal: false, retainAsPublished: false, subscriptionId: 0 } as const
    this.store.saveSubscription(clientId, filter, options)
  }

  /** Acknowledges and goes for good, in one turn. */
  private leave(clientId: string, session: ModelSession): void {
    if (this.random() < 0.7) this.acknowledge(clientId, session)
    this.store.deleteSession(clientId)
    this.forget(clientId)
  }

  private forget(clientId: string): void {
    this.model.delete(clientId)
    this.held.delete(clientId)
  }

  private claim(clientId: string, cleanStart: boolean): void {
    if (cleanStart) this.forget(clientId)
    this.claiming.add(clientId)
    this.store.claim(++this.requests, clientId, cleanStart)
    this.claims.set(this.requests, (claimed) => {
      this.claiming.delete(clientId)
      const known = this.model.get(clientId)
      if (known !== undefined && claimed !== null) return this.checkClaim(clientId, known, claimed)
      if (known !== undefined || claimed !== null)
        this.problems.push(`${clientId}: its session is ${claimed === null ? 'gone' : 'back'}`)
      this.model.set(clientId, newSession())
      this.store.saveSession(recordOf(clientId))
    })
  }

  private read(clientId: string, session: ModelSession): void {
    const after = this.random() < 0.5 ? 0 : Math.max(0, session.lastSequence - 2)
    const before = new Map(session.queue)
    const { lastSequence } = session
    this.store.read(++this.requests, clientId, after, 1 + this.pick(20))
    this.reads.set(this.requests, (entries, more) => {
      if (this.model.get(clientId) !== session) return
      const to = more ? (entries.at(-1)?.sequence ?? after) : Infinity
      const told = new Map(entries.map(({ sequence, message }) => [sequence, textOf(message)]))
      for (const [sequence, { text }] of before) {
        const isOwed = sequence > after && sequence <= to && session.queue.has(sequence)
        if (isOwed && told.get(sequence) !== text)
          this.problems.push(`${clientId}: ${sequence} is ${told.get(sequence)} in its page`)
      }
      for (const { sequence, message } of entries) {
        if (session.queue.has(sequence)) this.give(clientId, sequence, message)
        else if (sequence <= lastSequence && !before.has(sequence))
          this.problems.push(`${clientId}: ${sequence} is back`)
      }
    })
  }

  // ── checks ───────────────────────────────────────────────────────────────────────────────────────

  private checkClaim(clientId: string, { queue }: ModelSession, claimed: ClaimedSession): void {
    const bytes = [...queue.values()].reduce((sum, { size }) => sum + size, 0)
    const [expected, found] = [
      `${queue.size} of ${bytes} bytes`,
      `${claimed.queuedCount} of ${claimed.queuedBytes} bytes`,
    ]
    if (found !== expected) this.problems.push(`${clientId}: ${found} wait, not ${expected}`)
  }

  private rows(kind: Kind) {
    const prefix = Uint8Array.of(kind)
    return rowsOf(this.disk.state, { gte: prefix, lt: keyBehind(prefix) })
  }

  /** Entries by body; each must be there. */
  private countBodies(): Map<number, number> {
    this.checked = this.disk.state
    const counts = new Map(this.rows(Kind.body).map(([key]) => [readNumber(key, 1), 0]))
    for (const [, stored] of this.rows(Kind.queue)) {
      const { body } = readEntryCosts(new RecordReader(stored))
      if (body === 0) continue
      const count = counts.get(body)
      if (count === undefined) this.problems.push(`body ${body} is missing on the disk`)
      else counts.set(body, count + 1)
    }
    return counts
  }

  /** All was written and cleared away: the disk holds what the model does, and nothing else. */
  private checkStill(): void {
    for (const [body, count] of this.countBodies())
      if (count === 0) this.problems.push(`body ${body} has no entry`)
    const sessions = [...this.model.values()]
    const sum = (of: (session: ModelSession) => number): number =>
      sessions.reduce((count, session) => count + of(session), 0)
    const expected = [
      [Kind.session, sessions.length],
      [Kind.queue, sum(({ queue }) => queue.size)],
      [Kind.filter, sum(({ filters }) => filters.size)],
      [Kind.inbound, sum(({ inbound }) => inbound.size)],
    ] as const
    for (const [kind, count] of expected) {
      const found = this.rows(kind).length
      if (found !== count)
        this.problems.push(`${found} records '${String.fromCharCode(kind)}', not ${count}`)
    }
  }

  // ── the process ──────────────────────────────────────────────────────────────────────────────────

  /** The process ends, in order or by a crash; what the next one finds is the model from here on. */
  private async restart(crash: boolean): Promise<void> {
    if (!crash) await this.close()
    const possible = crash
      ? [...this.sealed].filter(([batch]) => batch >= this.committed).map(([, model]) => model)
      : [this.model]
    await this.open()
    const text = describe(this.model)
    if (possible.every((model) => describe(model) !== text))
      this.problems.push(
        `after a restart\n${text}\n instead of\n${possible.map(describe).join('\n or\n')}`,
      )
  }

  private async close(): Promise<void> {
    this.disk.isFull = false
    await this.pass(SETTLE_MS)
    let isClosed = false
    this.store.close(() => (isClosed = true))
    await this.pass(SETTLE_MS)
    if (!isClosed) this.problems.push('the store does not close')
  }

  /** Opens what is there, and takes it as the model. */
  private async open(): Promise<void> {
    const life = ++this.life
    const isAlive = (): boolean => this.life === life
    const delayMs = (): number => this.random() * this.slowMs
    const engine = fakeEngine({ disk: this.disk, time: this.time, delayMs, isAlive })
    const wallMs = (): number => 1e12 + this.time.nowMs
    this.store = createLevelStore({ location: 'memory', sync: 'always', wallMs, warn() {} }, engine)
    for (const each of [this.claims, this.claiming, this.reads, this.held, this.sealed])
      each.clear()
    this.batch = this.committed = 0
    // Now and then there is no space to open it, at first.
    this.disk.isFull = this.random() < 0.2
    this.time.at(2000, () => void (this.disk.isFull = false))
    this.opened = null
    const told: Model = new Map()
    this.store.open(this.events(told, isAlive))
    await this.pass(SETTLE_MS)
    if (this.opened === null) this.problems.push('the store does not open')
    this.model = told
    for (const [clientId, session] of told) await this.readSession(clientId, session)
    this.sealed.set(0, copyOf(told))
  }

  private async readSession(clientId: string, session: ModelSession): Promise<void> {
    for (;;) {
      const { entries, more } = await this.pageOf(clientId, Math.max(0, ...session.queue.keys()))
      for (const { sequence, message, qos, released } of entries) {
        const text = textOf(message)
        session.queue.set(sequence, { text, size: message.payloadLength, qos, released })
        this.give(clientId, sequence, message)
      }
      if (!more) break
    }
    this.store.claim(++this.requests, clientId, false)
    this.claims.set(this.requests, (claimed) => {
      if (claimed === null) return void this.problems.push(`${clientId}: its session is gone`)
      for (const { packetId, message } of claimed.inbound)
        session.inbound.set(packetId, textOf(message))
      session.lastSequence = claimed.lastSequence
      this.checkClaim(clientId, session, claimed)
    })
    await this.pass(0)
  }

  private async pageOf(
    clientId: string,
    after: number,
  ): Promise<{ entries: StoredDelivery[]; more: boolean }> {
    let page = { entries: [] as StoredDelivery[], more: false }
    this.store.read(++this.requests, clientId, after, 50)
    this.reads.set(this.requests, (entries, more) => (page = { entries, more }))
    await this.pass(SETTLE_MS)
    return page
  }

  private events(told: Model, isAlive: () => boolean): StoreEvents {
    const alive =
      <A extends unknown[]>(tell: (...args: A) => void) =>
      (...args: A): void =>
        void (isAlive() && tell(...args))
    return {
      session: (clientId) => void told.set(clientId, newSession()),
      route: (clientId, filter) => void told.get(clientId)?.filters.add(filter),
      retained() {},
      delayed() {},
      ready: alive(() => void (this.opened = told)),
      claimed: alive((request, session) => this.claims.get(request)?.(session)),
      page: alive((request, _clientId, entries, more) => this.reads.get(request)?.(entries, more)),
      lost: alive(
        (clientId, sequence, _bytes, reason) =>
          void this.problems.push(`${clientId}: ${sequence} is lost: ${reason}`),
      ),
      arrived() {},
      overflowed() {},
      committed: alive((batch) => void (this.committed = batch)),
      failed: alive((_batch, failure, error) => {
        if (failure === 'broken') this.problems.push(error.message)
      }),
    }
  }
}

function recordOf(clientId: string): SessionRecord {
  return {
    clientId,
    username: null,
    version: 5,
    expirySeconds: 1000,
    disconnectedAtMs: 1e12,
    will: null,
  }
}

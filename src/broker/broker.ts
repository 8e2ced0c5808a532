/** The core as one object, and the only file of it that the rest of the program drives. */
import { heldIds } from './state/held.ts'
import { waitingCount } from './delivery/backlog.ts'
import { subscriptionsOf } from './state/own-subscriptions.ts'
import type { Qos } from '../codec/packets.ts'
import { Reason } from '../codec/reason-codes.ts'
import { createCore } from './create-core.ts'
import { closeFor } from './connection/closing.ts'
import { readHeldBack, receive, resumeInput, unpause } from './connection/input.ts'
import { connectionsByUser, kickUser, recheckLogins } from './connection/kick.ts'
import { armConnectTimeout, restartWatch } from './connection/keepalive.ts'
import { countsOf, ownCountsOf, type OwnCounts } from './counts.ts'
import {
  checkPublishedTopic,
  insideMessage,
  publishInside,
  publishRefusal,
  subscribeInside,
  targetOf,
  type PublishOptions,
} from './inside.ts'
import { Inspector, type ShownSessions } from './inspect.ts'
import type { Message } from '../ports/message.ts'
import { mayAnswer, safeOrNot, type Core, type Tap } from './state/core.ts'
import { Connection, Phase, Session } from './state/model.ts'
import { goOnRuled, pump } from './delivery/outbound.ts'
import { drained, flushAll } from './delivery/outbox.ts'
import type { Link, Ports } from '../ports/ports.ts'
import type { Store } from '../ports/store.ts'
import { Pressure, type PressureLevel } from '../ports/pressure.ts'
import { tell } from './routing/control.ts'
import { afterFanOut, isFanningOut } from './routing/fan-out-later.ts'
import { cancelDelayed } from './routing/delayed.ts'
import { dropRetained, sweepRetained, wakeReplays } from './routing/retained.ts'
import { routeFromPeer } from './routing/routing.ts'
import { wanted } from './routing/interest.ts'
import { endSession } from './session/sessions.ts'
import { Bytes, charge, judgeMemory } from './state/memory.ts'
import { largestHeld, shedLargest } from './connection/shed.ts'
import { type Counts, Stats } from '../ports/stats.ts'
import { giveWay } from './connection/give-way.ts'
import { linkClosed, whenAnswered } from './connection/link-ends.ts'
import { sendAway } from './connection/moving.ts'
import { storeEvents } from './store-events.ts'
import { runTasks } from './state/work.ts'
import { adoptWill, publishLastWill, publishWaitingWill } from './routing/wills.ts'
import { logOpened } from './state/words.ts'

const encoder = new TextEncoder()

/**
 * The core as one object: bytes and time come in, bytes go out through the links. It does nothing on its
 * own; whoever owns it calls {@link tick} every 100 ms and {@link endTurn} when asked to.
 */
export class Broker {
  readonly stats = new Stats()
  private readonly core: Core
  private readonly store: Store
  /** Stands for subscribers inside the process. */
  private readonly inside = new Session('', null, 5, false)

  constructor(ports: Ports) {
    this.store = ports.store
    this.core = createCore(ports, this.stats)
  }

  /**
   * Opens the store, joins the peers; connections are welcome once `ready` was called, be it that there is no space to
   * open the store and only what needs nothing of it can be served. `first`: what is to happen
   * between, with the store there and no client let in yet; it calls `go` when it is through.
   */
  start(ready: () => void, first: (go: () => void) => void = (go) => go()): void {
    const { core } = this
    core.ports.peers?.start({
      wanted: (...interest) => wanted(core, ...interest),
      published: (message, plain, groups) => routeFromPeer(core, message, plain, groups),
      kicked: (claim, done) => giveWay(core, claim, done),
      orphaned: (clientId, will) => adoptWill(core, clientId, will),
    })
    this.store.open(storeEvents(core, ready, first))
  }

  /** Takes a new link. */
  accept(link: Link): Connection {
    const { core } = this
    const { clock } = core.ports
    const connection = new Connection(link, clock.monotonicMs())
    core.connections.add(connection)
    core.stats.sockets++
    charge(core, Bytes.connection)
    logOpened(core, connection)
    armConnectTimeout(core, connection)
    return connection
  }

  /**
   * Bytes came: `bytes[start..end)`, which the caller may reuse afterwards. A plain Uint8Array, no Buffer: its
   * `slice` would not copy.
   */
  receive(connection: Connection, bytes: Uint8Array, start: number, end: number): void {
    receive(this.core, connection, bytes, start, end)
  }

  /** The array last given to the link is free again: what waited goes on. */
  linkDrained(connection: Connection): void {
    const { core } = this
    drained(core, connection)
    if (connection.phase !== Phase.open) return
    // It is not read from while it does not read: that it does is all the life it can show.
    if (connection.paused) restartWatch(core, connection)
    if (connection.session !== null) pump(core, connection.session)
    if (connection.inLink === null) unpause(connection)
    wakeReplays(core)
  }

  /** Its client says nothing more, and may hear on: calls `then` when all that it asked for is answered. */
  whenAnswered(connection: Connection, then: () => void): void {
    whenAnswered(this.core, connection, then)
  }

  /** The link is gone; `text` says why, for the log. */
  linkClosed(connection: Connection, text: string): void {
    linkClosed(this.core, connection, text)
  }

  /** Lets time pass; not before the store has told all: what is due would find only a part of it. */
  tick(): void {
    if (!this.core.ready && !this.core.withoutStore) return
    this.core.wheel.advance(this.core.ports.clock.monotonicMs())
  }

  /** Ends a turn: what it wrote becomes a batch of the store, what it said goes out. */
  endTurn(): void {
    const { core } = this
    // Whoever does not know any more what the others do says nothing.
    if (!mayAnswer(core)) return
    core.turnEndAsked = false
    for (let next = core.opened.pop(); next !== undefined; next = core.opened.pop())
      resumeInput(core, next)
    if (core.ruled.size > 0) goOnRuled(core)
    if (core.replaying.size > 0) wakeReplays(core)
    runTasks(core)
    if (core.pressure > Pressure.none) judgeMemory(core)
    if (core.unbroken === null) this.seal()
    flushAll(core)
  }

  private seal(): void {
    const { core } = this
    core.sealDue = false
    core.journal.seal(core.ports.clock.monotonicMs())
  }

  /**
   * Publishes from inside the process. Throws EncodeError on a message that no packet can carry. Returns how many
   * subscriptions took it; of one that goes out in portions, how many are known to be meant.
   */
  publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): number {
    return publishInside(this.core, topic, payload, options)
  }

  /** The topic that rights are asked for when somebody publishes to `topic`: of a delayed one the one it will have. */
  targetOf(topic: string): string {
    return targetOf(this.core, topic)
  }

  /** Throws EncodeError unless a message can have this topic. */
  checkTopic(topic: string): void {
    checkPublishedTopic(this.core, topic)
  }

  /** 0, or why a client that published this would be told that the broker does not take it: its size, or lack of room. */
  publishRefusal(topic: string, payloadBytes: number, retain: boolean): number {
    return publishRefusal(this.core, topic, payloadBytes, retain)
  }

  /** Calls `done` once all that was written so far is safe; with false when there is no space to store it. */
  whenSafe(done: (safe: boolean) => void): void {
    const { journal, full } = this.core
    if (isFanningOut(this.core, '')) afterFanOut(this.core, '', () => this.whenSafe(done))
    else if (full) done(false)
    else if (journal.done >= journal.latest) done(true)
    else journal.wait(journal.latest, safeOrNot(done))
  }

  /** Publishes a value of the `$SYS` tree: retained, QoS 2, never stored. */
  publishSys(topic: string, text: string): void {
    this.publish(topic, encoder.encode(text), { qos: 2, retain: true })
  }

  /**
   * Calls `handler` with every message that matches `filter`; shared filters too. The message may borrow its
   * bytes: keep `message.kept()`. Returns what unsubscribes. Throws EncodeError when `filter` is none.
   */
  subscribe(
    filter: string,
    handler: (message: Message) => void,
    options: { qos?: Qos } = {},
  ): () => void {
    return subscribeInside(this.core, this.inside, filter, handler, options)
  }

  /** Ends a client's connection for `reason`; false: it has none. */
  disconnect(clientId: string, reason: number = Reason.administrativeAction): boolean {
    const connection = this.core.sessions.get(clientId)?.connection
    if (!connection) return false
    closeFor(this.core, connection, reason)
    return true
  }

  /** Ends all connections of a user, without their wills; null: of clients without a user name. Returns how many. */
  kickUser(username: string | null): number {
    return kickUser(this.core, username)
  }

  /** Who of the users is connected: client id and `address:port` of each connection. */
  connectionsByUser(): ReturnType<typeof connectionsByUser> {
    return connectionsByUser(this.core)
  }

  /** Sends a message to one client, as far as it has subscribed to its topic and may read it. */
  tell(clientId: string, topic: string, payload: Uint8Array): void {
    const { core } = this
    const session = core.sessions.get(clientId)
    if (session !== undefined) tell(core, session, insideMessage(core, topic, payload, {}))
  }

  /**
   * Logins or rights have changed: who is no longer welcome is disconnected. Returns how many were.
   *
   * @param clientId Of the only client that it can concern; absent: any.
   */
  recheckLogins(clientId?: string): number {
    return recheckLogins(this.core, clientId)
  }

  /** The store has no space: what would have to be stored is refused. */
  get isFull(): boolean {
    return this.core.full
  }

  /** How short memory is from now on. */
  get pressure(): PressureLevel {
    return this.core.pressure
  }

  /** The highest it was since this was asked the last time, and how many bytes were in use then. */
  takePressurePeak(): { readonly level: PressureLevel; readonly usedBytes: number } {
    const { core } = this
    const peak = core.pressurePeak
    core.pressurePeak = { level: core.pressure, usedBytes: core.keptBytes + core.memory.others }
    return peak
  }

  /** Bytes that clients make the broker keep; see `memory.ts`. */
  get keptBytes(): number {
    return this.core.keptBytes
  }

  /** `limit` bytes may be used, 0 any number; `others` are, beside what the core counts. */
  setMemory(limit: number, others: number): void {
    this.core.memory = { limit, others }
    judgeMemory(this.core)
  }

  /** Of large reads no more than `bytes` are taken until the next call: who sends more has to wait, nothing of it is lost. */
  setLargeReads(bytes: number): void {
    this.core.largeReadBytesLeft = bytes
    if (bytes > 0) readHeldBack(this.core)
  }

  /** Disconnects the client that holds most memory; see `pressure.ts`. */
  shedLargest(): string | null {
    return shedLargest(this.core)
  }

  /** Bytes that `shedLargest` would free. */
  largestHeld(): number {
    return largestHeld(this.core)
  }

  /**
   * Ends a client's connection and its session, with all that waits for it; false: there is none here. A session
   * that another node holds stays.
   */
  forget(clientId: string): boolean {
    const { core } = this
    const session = core.sessions.get(clientId)
    if (session === undefined || session.foreign) return false
    if (session.connection !== null) closeFor(core, session.connection, Reason.administrativeAction)
    endSession(core, session, 'delete')
    return true
  }

  /** Messages that wait for a client, sent and unacknowledged ones among them. */
  queuedFor(clientId: string): number {
    const session = this.core.sessions.get(clientId)
    return session === undefined ? 0 : waitingCount(session)
  }

  /** Whether a message that was sent to a client under this packet identifier is not acknowledged yet. */
  isUnderWay(clientId: string, packetId: number): boolean {
    return this.core.sessions.get(clientId)?.outbound?.inflight.has(packetId) ?? false
  }

  /** Filters that a client is subscribed to. */
  filtersOf(clientId: string): string[] {
    const session = this.core.sessions.get(clientId)
    return session === undefined ? [] : Array.from(subscriptionsOf(session), ({ filter }) => filter)
  }

  /** Packet identifiers of QoS 2 messages that came from a client and were not released yet. */
  unreleasedOf(clientId: string): number[] {
    const session = this.core.sessions.get(clientId)
    return session === undefined ? [] : heldIds(session)
  }

  /** Removes a retained message; nobody is told. False: there was none. */
  dropRetained(topic: string): boolean {
    const known = this.core.retained.get(topic) !== undefined
    if (known) dropRetained(this.core, topic)
    return known
  }

  /** Drops a delayed publish that waits; false: there is none of this id. */
  cancelDelayed(id: string): boolean {
    return cancelDelayed(this.core, id)
  }

  /** Shows every packet to `tap`; null: to nobody. */
  watch(tap: Tap | null): void {
    this.core.tap = tap
  }

  /** Looks at the core from outside, at nobody's cost but the one who looks. */
  inspector(shown: ShownSessions | null = null): Inspector {
    return new Inspector(this.core, shown)
  }

  /** Removes retained messages whose expiry has passed. */
  sweepRetained(): void {
    sweepRetained(this.core)
  }

  counts(): Counts {
    return countsOf(this.core)
  }

  /** What is here alone, where other nodes know the durable sessions too. */
  ownCounts(): OwnCounts {
    return ownCountsOf(this.core)
  }

  /** Every subscription, filter by filter. */
  *subscriptionTree(): IterableIterator<{ filter: string; clientId: string; qos: Qos }> {
    for (const session of this.core.sessions.values()) {
      for (const { filter, qos } of subscriptionsOf(session))
        yield { filter, clientId: session.clientId, qos }
    }
  }

  /** Sends up to `most` clients to other nodes, and lets nobody in from now on. Returns how many are left. */
  sendAway(most: number): number {
    return sendAway(this.core, most)
  }

  /** Publishes what is due when the broker stops, while everybody is still there: the beginning of {@link stop}. */
  sayWills(): void {
    const { core } = this
    core.stopping = true
    const { survives } = core.journal
    for (const session of [...core.sessions.values()])
      if (!(session.durable && survives)) publishWaitingWill(core, session)
    const open = [...core.connections].filter(({ phase }) => phase === Phase.open)
    for (const connection of open) publishLastWill(core, connection)
  }

  /**
   * Stops: wills are published, 5.0 clients told 0x8B, links closed, the store closed; then `done`. The
   * owner goes on to call {@link endTurn} and {@link linkClosed} meanwhile.
   */
  stop(done: () => void): void {
    const { core } = this
    this.sayWills()
    for (const connection of core.connections) closeFor(core, connection, Reason.serverShuttingDown)
    const endAll = (): void => {
      do this.endTurn()
      while (core.tasks.length > 0)
    }
    endAll()
    if (core.rulings.size === 0) return this.store.close(done)
    void Promise.allSettled(core.rulings).then(() => {
      endAll()
      this.store.close(done)
    })
  }
}

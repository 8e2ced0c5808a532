/**
 * The one way into the store. All that one turn writes is one batch, and every method that writes notes so itself: the
 * batch is sealed at the turn's end, and an acknowledgement whose effect is in it leaves after the store said
 * `committed`. The rest of the core does not see the store (`Core.ports` lacks it), so no write can be forgotten.
 *
 *     done      filling
 *      4   5 6     7        5 and 6 are on their way to the disk, this turn's writes go into 7
 */
import { Fifo } from '../../base/fifo.ts'
import type { Qos } from '../../codec/packets.ts'
import type { Message } from '../../ports/message.ts'
import type { SessionRecord, Store, StoredWill, SubscriptionOptions } from '../../ports/store.ts'

const TIMES = 1024

interface Waiting<W> {
  batch: number
  waiter: W
}

/** Methods that write return the batch that holds the write, where nothing else is said. */
export class Journal<W> {
  /** Does the store keep what was committed when the process is gone? */
  readonly survives: boolean
  /** Every batch up to this one is safe. */
  done = 0
  /** A place between two writes; see {@link since}. */
  mark = 0
  /** What is written now goes into this one. */
  filling = 1
  /** The batch being filled holds something. */
  private dirty = false
  /** When each of the last batches was sealed, by number. */
  private readonly sealedMs = new Float64Array(TIMES)
  private readonly waiters = new Fifo<Waiting<W>>()
  private readonly store: Store
  private readonly onDirty: () => void

  /** `onDirty`: the batch being filled got its first write; it wants to be sealed at the turn's end. */
  constructor(store: Store, onDirty: () => void) {
    this.store = store
    this.survives = store.survives
    this.onDirty = onDirty
  }

  /** The batch that holds what was written since {@link mark} had this value; 0: nothing was. */
  since(mark: number): number {
    return this.mark === mark ? 0 : this.filling
  }

  /** The batch that holds the latest write. */
  get latest(): number {
    return this.dirty ? this.filling : this.filling - 1
  }

  // ── writes ───────────────────────────────────────────────────────────────────────────────────────

  /** Notes a write that the store made on its own. */
  note(): number {
    this.mark++
    if (!this.dirty) {
      this.dirty = true
      this.onDirty()
    }
    return this.filling
  }

  claim(request: number, clientId: string, cleanStart: boolean): void {
    this.store.claim(request, clientId, cleanStart)
    this.note()
  }

  unclaim(clientId: string, sentTo?: number): void {
    this.store.unclaim(clientId, sentTo)
    this.note()
  }

  saveSession(record: SessionRecord): number {
    this.store.saveSession(record)
    return this.note()
  }

  deleteSession(clientId: string): number {
    this.store.deleteSession(clientId)
    return this.note()
  }

  saveSubscription(clientId: string, filter: string, options: SubscriptionOptions): number {
    this.store.saveSubscription(clientId, filter, options)
    return this.note()
  }

  deleteSubscription(clientId: string, filter: string): number {
    this.store.deleteSubscription(clientId, filter)
    return this.note()
  }

  /** Returns the sequence that the store gave the entry, as {@link Store.append} does. */
  append(
    clientId: string,
    sequence: number,
    message: Message,
    qos: Qos,
    retain: boolean,
    subscriptionId: number,
  ): number {
    const given = this.store.append(clientId, sequence, message, qos, retain, subscriptionId)
    this.note()
    return given
  }

  acknowledge(clientId: string, sequence: number, message: Message): number {
    this.store.acknowledge(clientId, sequence, message)
    return this.note()
  }

  release(clientId: string, sequence: number): number {
    this.store.release(clientId, sequence)
    return this.note()
  }

  holdInbound(clientId: string, packetId: number, message: Message): number {
    this.store.holdInbound(clientId, packetId, message)
    return this.note()
  }

  dropInbound(clientId: string, packetId: number): number {
    this.store.dropInbound(clientId, packetId)
    return this.note()
  }

  saveRetained(topic: string, message: Message | null, overAtMs?: number): number {
    this.store.saveRetained(topic, message, overAtMs)
    return this.note()
  }

  saveDelayed(id: string, waiting: StoredWill | null): number {
    this.store.saveDelayed(id, waiting)
    return this.note()
  }

  /** Of {@link Store.sizeLimitFor}. */
  sizeLimitFor(message: Message): number {
    return this.store.sizeLimitFor?.(message) ?? 0
  }

  // ── reads ────────────────────────────────────────────────────────────────────────────────────────

  /** Asks for a page of a queue; see {@link Store.read}. */
  read(request: number, clientId: string, after: number, limit: number): void {
    this.store.read(request, clientId, after, limit)
  }

  // ── batches ──────────────────────────────────────────────────────────────────────────────────────

  /** Closes the batch being filled, if it holds something. `nowMs`: monotonic. */
  seal(nowMs: number): void {
    if (!this.dirty) return
    this.dirty = false
    this.sealedMs[this.filling % TIMES] = nowMs
    this.store.seal(this.filling++)
  }

  /** When `batch`, one of the last thousand, was sealed. */
  sealedAtMs(batch: number): number {
    return this.sealedMs[batch % TIMES]
  }

  /** `waiter` is handed out by {@link next} once `batch` is safe. */
  wait(batch: number, waiter: W): void {
    this.waiters.push({ batch, waiter })
  }

  /** Those who wait for `batch` or a later one. */
  waitingFrom(batch: number): W[] {
    return [...this.waiters].filter((each) => each.batch >= batch).map(({ waiter }) => waiter)
  }

  /** Takes out one who waited for what is `done` by now; undefined: there is none left. */
  next(): W | undefined {
    const first = this.waiters.peek()
    if (first === undefined || first.batch > this.done) return undefined
    this.waiters.shift()
    return first.waiter
  }
}

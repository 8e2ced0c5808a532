/**
 * The Store port over JetStream. Sessions, their queues and retained messages are in the streams of `streams.ts`; a
 * node keeps of them what its core asks for, and can be gone at any moment.
 *
 *     append ─▶ group ─▶ stream of the partition ─▶ copy to whoever holds the session ─▶ arrived
 *                                     └ answer ─▶ committed
 */
import type { Message } from '../ports/message.ts'
import type { Qos } from '../codec/packets.ts'
import type {
  SessionRecord,
  Store,
  StoredWill,
  StoreEvents,
  SubscriptionOptions,
} from '../ports/store.ts'
import type { ClusterNode } from './cluster-node.ts'
import { claimSession, type Claimed } from './claims.ts'
import { writeEntry, writeNamed } from './entries.ts'
import { MessageIds } from './message-ids.ts'
import { readPage } from './pages.ts'
import type { KnownSession } from './session-table.ts'

export class ClusterStore implements Store {
  readonly survives = true
  private readonly node: ClusterNode
  private readonly ids: MessageIds
  /** Per session, so that its questions are answered one after the other. */
  private readonly chains = new Map<string, Promise<unknown>>()
  private claims: Promise<unknown> = Promise.resolve()
  private pages: Promise<unknown> = Promise.resolve()

  constructor(node: ClusterNode) {
    this.node = node
    this.ids = new MessageIds(node.options.run)
  }

  open(events: StoreEvents): void {
    this.node.onDelayed = (id, { message }) => this.ids.remember(message, id)
    void this.node.open(events)
  }

  close(done: () => void): void {
    void this.node.close().then(done)
  }

  claim(request: number, clientId: string, cleanStart: boolean): void {
    const answer = this.inTurn(clientId, () => claimSession(this.node, clientId, cleanStart))
    this.claims = this.claims
      .then(async () => {
        const claimed = await answer
        this.node.tell((events) => {
          events.claimed(request, this.withIds(claimed), claimed.owner)
          claimed.begin()
        })
      })
      .catch((error: unknown) => this.node.broken(error))
  }

  /** Held messages keep the identity under which they are handed on. */
  private withIds({ session, heldIds }: Claimed): Claimed['session'] {
    for (const [index, { message }] of session?.inbound.entries() ?? [])
      this.ids.remember(message, heldIds[index])
    return session
  }

  read(request: number, clientId: string, after: number, limit: number): void {
    const answer = this.inTurn(clientId, () => readPage(this.node, clientId, after, limit))
    this.pages = this.pages
      .then(async () => {
        const { entries, more } = await answer
        this.node.tell((events) => events.page(request, clientId, entries, more))
      })
      .catch((error: unknown) => this.node.broken(error))
  }

  private inTurn<T>(clientId: string, ask: () => Promise<T>): Promise<T> {
    const before = this.chains.get(clientId) ?? Promise.resolve()
    const answer = before.then(ask)
    const settled = answer.catch(() => {})
    this.chains.set(clientId, settled)
    void settled.then(() => {
      if (this.chains.get(clientId) === settled) this.chains.delete(clientId)
    })
    return answer
  }

  unclaim(clientId: string, sentTo = -1): void {
    const known = this.node.table.get(clientId)
    if (known === undefined || known.row.owner !== this.node.options.node) return
    known.row.owner = ''
    known.row.sentTo = sentTo
    const { filling } = this.node.writer
    if (known.local !== null) {
      filling.leaving.add(known.local)
      known.local.end()
      known.local = null
    }
    if (known.isFresh) this.leaveUnused(known)
    this.node.writer.writeWithGroup(known)
  }

  /** It was claimed for a client that did not come in. */
  private leaveUnused(known: KnownSession): void {
    const { row } = known
    known.isFresh = false
    if (row.record !== null && row.record.disconnectedAtMs < 0)
      row.record = { ...row.record, disconnectedAtMs: this.node.options.wallMs() }
    setImmediate(() => {
      if (known.local === null) this.node.table.tellLeft(known)
    })
  }

  saveSession(record: SessionRecord): void {
    const known = this.node.table.get(record.clientId)
    if (known === undefined || !this.mayWrite(known)) return
    known.isFresh = false
    known.row.record = record
    known.row.keeper = this.node.options.node
    this.node.writer.writeWithGroup(known)
  }

  deleteSession(clientId: string): void {
    const known = this.node.table.get(clientId)
    if (known === undefined || !this.mayWrite(known)) return
    known.row.isGone = true
    known.row.record = null
    known.row.owner = ''
    known.row.subscriptions.clear()
    known.local?.end()
    known.local = null
    known.toldAs = null
    this.node.writer.writeWithGroup(known)
  }

  saveSubscription(clientId: string, filter: string, options: SubscriptionOptions): void {
    const known = this.node.table.get(clientId)
    if (known === undefined || !this.mayWrite(known)) return
    known.row.subscriptions.set(filter, options)
    this.node.writer.writeWithGroup(known)
  }

  deleteSubscription(clientId: string, filter: string): void {
    const known = this.node.table.get(clientId)
    if (known === undefined || !this.mayWrite(known)) return
    known.row.subscriptions.delete(filter)
    this.node.writer.writeWithGroup(known)
  }

  /** Nobody but the node that has the client writes a session. */
  private mayWrite({ row }: KnownSession): boolean {
    const { owner } = row
    return (
      !row.isGone &&
      (owner === '' || owner === this.node.options.node || !this.node.membership.isAlive(owner))
    )
  }

  append(
    clientId: string,
    _sequence: number,
    message: Message,
    qos: Qos,
    retain: boolean,
    subscriptionId: number,
  ): number {
    const known = this.node.table.get(clientId)
    if (known === undefined || known.row.isGone) return 0
    const { partition } = known.row
    this.node.writer.filling.append(partition, {
      known,
      subject: `${this.node.options.name}.q.${partition}.${known.sid}`,
      data: writeEntry(message, qos, retain, subscriptionId),
      id: qos === 2 ? this.ids.next(message.kept(), known.sid) : null,
    })
    return 0
  }

  acknowledge(clientId: string, sequence: number): void {
    const local = this.node.table.get(clientId)?.local
    if (local?.acknowledge(sequence)) this.node.noteDone(local)
  }

  release(clientId: string, sequence: number): void {
    const known = this.node.table.get(clientId)
    if (known === undefined || known.local === null) return
    known.local.released.add(sequence)
    this.node.writer.filling.put(this.node.exchange(known.sid, 'o', sequence), {
      data: writeNamed('', null),
      headers: null,
      stored: null,
    })
  }

  holdInbound(clientId: string, packetId: number, message: Message): void {
    const known = this.node.table.get(clientId)
    if (known === undefined || known.row.isGone) return
    const data = writeNamed(this.ids.of(message), message)
    const subject = this.node.exchange(known.sid, 'i', packetId)
    this.node.writer.filling.put(subject, { data, headers: null, stored: null })
  }

  dropInbound(clientId: string, packetId: number): void {
    const known = this.node.table.get(clientId)
    if (known !== undefined)
      this.node.writer.filling.drop(this.node.exchange(known.sid, 'i', packetId))
  }

  saveRetained(topic: string, message: Message | null): void {
    const { subject, put } = this.node.retained.write(topic, message)
    this.node.writer.filling.put(subject, put)
  }

  saveDelayed(id: string, waiting: StoredWill | null): void {
    const { delayed, writer } = this.node
    if (waiting === null) return writer.filling.drop(delayed.subject(id))
    this.ids.remember(waiting.message, id)
    writer.filling.put(delayed.subject(id), delayed.write(id, waiting))
  }

  sizeLimitFor(message: Message): number {
    return this.node.sizes.limitFor(message)
  }

  seal(batch: number): void {
    this.node.writer.seal(batch)
  }
}

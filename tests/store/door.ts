/** One node's store, for tests of any. */
import assert from 'node:assert/strict'
import type { Message } from '../../src/ports/message.ts'
import type { SessionRecord, Store, StoredDelivery } from '../../src/ports/store.ts'
import { messageOf, textOf, Told } from './told.ts'

export interface StoreSetup {
  /** A store, not yet open. All stores of one setup stand on the same data. */
  store(node: string): Store
  dispose(): Promise<void>
}

/** Makes a test of what a store does. */
export type Check = (what: string, body: (setup: StoreSetup) => Promise<void>) => void

export function recordOf(clientId: string): SessionRecord {
  return {
    clientId,
    // A bridge's: no MQTT text can be it.
    username: '\0user',
    version: 5,
    expirySeconds: 0xffffffff,
    disconnectedAtMs: 1e12,
    will: {
      message: messageOf('will', 'gone'),
      dueAtMs: 1e12 + 5,
      remote: '192.0.2.1:5',
      origin: '1883',
    },
  }
}

/** One node's store with what it tells; a test's usual tool. */
export class Door {
  readonly told = new Told()
  readonly store: Store
  private lastRequest = 0
  private lastBatch = 0
  private readonly appended = new Map<string, Message>()

  constructor(setup: StoreSetup, node: string) {
    this.store = setup.store(node)
  }

  async open(): Promise<this> {
    this.store.open(this.told.events)
    await this.told.next('ready')
    return this
  }

  async claim(clientId: string, cleanStart = false) {
    this.store.claim(++this.lastRequest, clientId, cleanStart)
    const [request, session, owner] = await this.told.next('claimed')
    assert.equal(request, this.lastRequest)
    return { session, owner }
  }

  append(clientId: string, sequence: number, text: string): number {
    const message = messageOf('t', text)
    const given = this.store.append(clientId, sequence, message, 1, false, 0)
    this.appended.set(`${clientId} ${given}`, message)
    return given
  }

  /** The same for a session that is held here; returns its number, whenever the store gives it. */
  async queue(clientId: string, sequence: number, text: string): Promise<number> {
    const given = this.append(clientId, sequence, text)
    if (given > 0) return given
    await this.commit()
    const [, entry] = await this.told.next('arrived')
    this.appended.set(`${clientId} ${entry.sequence}`, entry.message)
    return entry.sequence
  }

  /** Of an entry that {@link append} queued; any other is unknown to the store. */
  acknowledge(clientId: string, sequence: number): void {
    const message = this.appended.get(`${clientId} ${sequence}`) ?? messageOf('t', 'unknown')
    this.store.acknowledge(clientId, sequence, message)
  }

  async read(clientId: string, after: number, limit: number) {
    this.store.read(++this.lastRequest, clientId, after, limit)
    const [request, id, entries, more] = await this.told.next('page')
    assert.deepEqual([request, id], [this.lastRequest, clientId])
    return { entries, more }
  }

  /** The whole queue, page by page. */
  async readAll(clientId: string, limit: number): Promise<StoredDelivery[]> {
    const all: StoredDelivery[] = []
    for (;;) {
      const { entries, more } = await this.read(clientId, all.at(-1)?.sequence ?? 0, limit)
      assert.ok(entries.length <= limit)
      all.push(...entries)
      if (!more) return all
    }
  }

  async commit(): Promise<void> {
    this.store.seal(++this.lastBatch)
    while ((await this.told.next('committed'))[0] < this.lastBatch);
  }

  async close(): Promise<void> {
    await new Promise<void>((done) => this.store.close(done))
  }
}

export const texts = (entries: StoredDelivery[]) => entries.map(({ message }) => textOf(message))

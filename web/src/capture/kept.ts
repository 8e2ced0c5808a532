/**
 * Messages that outlive a reload, in the browser's own database: portions of a second, the oldest of which make room.
 * Every tab writes its own; what it had before comes back, or else what the tab that wrote last had.
 */
import type { KeptAt } from '../protocol/protocol.ts'
import type { Arrival } from './capture.ts'

const DATABASE = 'mozzie'
const STORE = 'portions'
const BY_CONNECTION = 'connection'

/** What a message takes besides its bytes, about. */
const OVERHEAD_BYTES = 120

interface Portion {
  readonly id?: number
  readonly connection: string
  /** The tab that wrote it. */
  readonly tab: string
  /** One visit of that tab to the connection. */
  readonly run: string
  readonly bytes: number
  readonly messages: readonly KeptMessage[]
}

export interface KeptMessage extends Omit<Arrival, 'by'> {
  /** Sequence number in its run. */
  readonly seq: number
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1)
    request.addEventListener('upgradeneeded', () => {
      const store = request.result.createObjectStore(STORE, { keyPath: 'id', autoIncrement: true })
      store.createIndex(BY_CONNECTION, 'connection')
    })
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB')))
  })
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB')))
  })
}

async function portionsOf(store: IDBObjectStore, connection: string): Promise<Portion[]> {
  return answer(store.index(BY_CONNECTION).getAll(connection)) as Promise<Portion[]>
}

const sizeOf = ({ payload, topic }: KeptMessage): number =>
  payload.length + topic.length * 2 + OVERHEAD_BYTES

/** What one tab keeps of one connection. */
export class Kept {
  private readonly database: IDBDatabase
  private readonly connection: string
  private readonly tab: string
  private readonly run: string
  private readonly bytesMax: number

  private constructor(database: IDBDatabase, at: KeptAt) {
    this.database = database
    this.connection = at.connection
    this.tab = at.tab
    this.run = at.run
    this.bytesMax = at.bytesMax
  }

  /** Rejects where the browser has no database for this page. */
  static async open(at: KeptAt): Promise<Kept> {
    return new Kept(await open(), at)
  }

  /** What was kept before this run, oldest first. */
  async load(): Promise<KeptMessage[]> {
    const all = await portionsOf(this.store('readonly'), this.connection)
    const before = all.filter(({ run }) => run !== this.run)
    const own = before.filter(({ tab }) => tab === this.tab)
    const from = own.length > 0 ? own : before.filter(({ run }) => run === before.at(-1)?.run)
    return from.flatMap(({ messages }) => messages)
  }

  /** Adds a portion; the oldest of the connection make room. */
  async add(messages: readonly KeptMessage[]): Promise<void> {
    const { connection, tab, run } = this
    const bytes = messages.reduce((sum, message) => sum + sizeOf(message), 0)
    await answer(this.store('readwrite').add({ connection, tab, run, bytes, messages }))
    const store = this.store('readwrite')
    const all = await portionsOf(store, connection)
    let total = all.reduce((sum, portion) => sum + portion.bytes, 0)
    for (const portion of all) {
      if (total <= this.bytesMax) break
      total -= portion.bytes
      if (portion.id !== undefined) store.delete(portion.id)
    }
  }

  /** Earlier runs of this tab are part of this one by now. */
  async dropEarlier(): Promise<void> {
    const store = this.store('readwrite')
    for (const { id, tab, run } of await portionsOf(store, this.connection))
      if (id !== undefined && tab === this.tab && run !== this.run) store.delete(id)
  }

  async forget(seq: number): Promise<void> {
    const store = this.store('readwrite')
    for (const portion of await portionsOf(store, this.connection)) {
      if (portion.run !== this.run) continue
      const messages = portion.messages.filter((message) => message.seq !== seq)
      if (messages.length < portion.messages.length) store.put({ ...portion, messages })
    }
  }

  async clear(): Promise<void> {
    const store = this.store('readwrite')
    for (const { id, tab } of await portionsOf(store, this.connection))
      if (id !== undefined && tab === this.tab) store.delete(id)
  }

  private store(mode: IDBTransactionMode): IDBObjectStore {
    return this.database.transaction(STORE, mode).objectStore(STORE)
  }
}

/** Forgets everything of these connections; without any, of all. */
export async function forgetKept(connections: readonly string[] | null): Promise<void> {
  const database = await open()
  const store = database.transaction(STORE, 'readwrite').objectStore(STORE)
  if (connections === null) store.clear()
  else
    for (const connection of connections)
      for (const { id } of await portionsOf(store, connection))
        if (id !== undefined) store.delete(id)
  database.close()
}

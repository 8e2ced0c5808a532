/**
 * A store on a disk that a crash leaves behind: what was committed is on it, of what was sealed and not yet
 * committed some first batches may be, and nothing of the batch being filled.
 *
 *     core ── live ──── every write at once, as the core must see it
 *               └── journal: filling | sealed | sealed ── committed ──▶ disk
 */
import type { Message } from '../../src/ports/message.ts'
import type { Store, StoreEvents } from '../../src/ports/store.ts'
import { EntryLog } from '../../src/store/entry-log.ts'
import { createMemoryStore, MemoryData } from '../../src/store/memory-store.ts'

/** Ways in which a store breaks its promises; the checkers must notice each. */
export interface StoreFaults {
  /** One append in so many never reaches the disk, though its batch is called committed. */
  loseAppendEvery?: number
  /** Batches are called committed before they are on the disk. */
  commitEarly?: boolean
  /** Releases (PUBREC came) are forgotten. */
  loseReleases?: boolean
}

export interface CrashStoreOptions {
  readonly node: string
  /** Answers of the store, as late as they like. */
  readonly defer: (run: () => void) => void
  /** Right behind the call under way. */
  readonly soon: (run: () => void) => void
  readonly random: () => number
  readonly faults: StoreFaults
}

const SILENT: StoreEvents = {
  session() {},
  route() {},
  retained() {},
  delayed() {},
  ready() {},
  claimed() {},
  page() {},
  lost() {},
  arrived() {},
  overflowed() {},
  committed() {},
  failed() {},
}

type Write = (store: Store) => void

export class CrashStore implements Store {
  readonly survives = true
  private readonly live: Store
  private readonly data: MemoryData
  private readonly disk: Store
  private readonly options: CrashStoreOptions
  private readonly claims = new Map<number, Write>()
  private filling: Write[] = []
  private readonly sealed: { batch: number; writes: Write[] }[] = []
  private appends = 0
  private events: StoreEvents = SILENT

  constructor(disk: MemoryData, options: CrashStoreOptions) {
    this.options = options
    this.data = disk
    this.disk = createMemoryStore(disk, { node: options.node, defer: (run) => run() })
    this.disk.open(SILENT)
    this.live = createMemoryStore(copyOf(disk), options)
  }

  /** The process is gone: the disk is all that is left. */
  crash(): void {
    const survived = Math.floor(this.options.random() * (this.sealed.length + 1))
    const last = this.sealed[survived - 1]
    if (last !== undefined) this.write(last.batch)
    this.sealed.length = 0
  }

  open(events: StoreEvents): void {
    this.live.open({
      ...events,
      claimed: (request, session, owner) => {
        const claim = this.claims.get(request)
        if (claim !== undefined && owner === null) this.filling.push(claim)
        events.claimed(request, session, owner)
      },
      page: (request, clientId, entries, more) => {
        const onDisk = this.data.sessions.get(clientId)?.queue
        const told = entries.map((entry) => ({
          ...entry,
          safe: onDisk?.read(entry.sequence - 1, 1)[0]?.sequence === entry.sequence,
        }))
        events.page(request, clientId, told, more)
      },
      committed: (batch) => {
        this.write(batch)
        events.committed(batch)
      },
    })
    this.events = events
  }

  close(done: () => void): void {
    this.live.close(() => {
      this.write(Infinity)
      done()
    })
  }

  claim(request: number, clientId: string, cleanStart: boolean): void {
    this.claims.set(request, (store) => store.claim(0, clientId, cleanStart))
    this.live.claim(request, clientId, cleanStart)
  }

  unclaim(...args: Parameters<Store['unclaim']>): void {
    this.both((store) => store.unclaim(...args))
  }

  saveSession(...args: Parameters<Store['saveSession']>): void {
    this.both((store) => store.saveSession(...args))
  }

  deleteSession(...args: Parameters<Store['deleteSession']>): void {
    this.both((store) => store.deleteSession(...args))
  }

  saveSubscription(...args: Parameters<Store['saveSubscription']>): void {
    this.both((store) => store.saveSubscription(...args))
  }

  deleteSubscription(...args: Parameters<Store['deleteSubscription']>): void {
    this.both((store) => store.deleteSubscription(...args))
  }

  append(...[clientId, sequence, message, ...rest]: Parameters<Store['append']>): number {
    const { loseAppendEvery = Infinity } = this.options.faults
    const kept = message.kept()
    if (++this.appends % loseAppendEvery !== 0)
      this.filling.push((store) => store.append(clientId, sequence, kept, ...rest))
    return this.live.append(clientId, sequence, kept, ...rest)
  }

  acknowledge(...args: Parameters<Store['acknowledge']>): void {
    this.both((store) => store.acknowledge(...args))
  }

  release(...args: Parameters<Store['release']>): void {
    if (this.options.faults.loseReleases !== true) this.both((store) => store.release(...args))
  }

  read(...args: Parameters<Store['read']>): void {
    this.live.read(...args)
  }

  holdInbound(...args: Parameters<Store['holdInbound']>): void {
    this.both((store) => store.holdInbound(...args))
  }

  dropInbound(...args: Parameters<Store['dropInbound']>): void {
    this.both((store) => store.dropInbound(...args))
  }

  saveRetained(topic: string, message: Message | null): void {
    const kept = message === null ? null : message.kept()
    this.both((store) => store.saveRetained(topic, kept))
  }

  saveDelayed(...args: Parameters<Store['saveDelayed']>): void {
    this.both((store) => store.saveDelayed(...args))
  }

  seal(batch: number): void {
    this.sealed.push({ batch, writes: this.filling })
    this.filling = []
    this.live.seal(batch)
    const { faults, soon } = this.options
    if (faults.commitEarly === true) soon(() => this.events.committed(batch))
  }

  private both(write: Write): void {
    this.filling.push(write)
    write(this.live)
  }

  /** Batches up to `batch` are on the disk. */
  private write(batch: number): void {
    while (this.sealed.length > 0 && this.sealed[0].batch <= batch)
      for (const write of this.sealed.shift()?.writes ?? []) write(this.disk)
  }
}

function copyOfQueue(queue: EntryLog): EntryLog {
  const copy = new EntryLog()
  for (const { sequence, message, qos, retain, subscriptionId, released } of queue.read(
    0,
    Infinity,
  )) {
    copy.append(sequence, message, qos, retain, subscriptionId)
    if (released) copy.release(sequence)
  }
  return copy
}

function copyOf(data: MemoryData): MemoryData {
  const copy = new MemoryData()
  for (const [clientId, session] of data.sessions)
    copy.sessions.set(clientId, {
      ...session,
      owner: null,
      subscriptions: new Map(session.subscriptions),
      queue: copyOfQueue(session.queue),
      inbound: new Map(session.inbound),
    })
  for (const [topic, message] of data.retained) copy.retained.set(topic, message)
  for (const [id, waiting] of data.delayed) copy.delayed.set(id, waiting)
  return copy
}

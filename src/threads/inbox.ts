/**
 * What comes to a thread beside the first from all others: nothing is handled before what led to it.
 *
 *     thread 0 ──────────────┐
 *     thread 2 ── direct ────┼──▶ by their tickets, one behind the other ──▶ core
 *     thread 3 ── direct ────┘
 *
 * A port holds what was posted as soon as it was posted. So of all that was drawn up to some ticket, whatever led to anything in a
 * port is in a port too: it is taken out of all of them, and handled in the order of the tickets. What is direct waits besides, with all
 * that is direct behind it, until the first thread has passed on what its sender told that one before. A message that comes by the
 * first thread may be a publisher's whose last ones are direct: those that wait only for others go before it.
 */
import type { Flow } from './flow.ts'
import { Event } from './ops.ts'
import type { Port } from './thread-link.ts'
import { ticketOf, type Tickets } from './tickets.ts'
import { WireReader } from './wire.ts'

/** Takes what waits in a port, without waiting for it; as Node's `receiveMessageOnPort`. */
export type Receive = (port: Port) => { readonly message: unknown } | undefined

export interface InboxOptions {
  readonly tickets: Tickets
  readonly receive: Receive
  /** Reads one event from `reader`, which is behind its number. */
  read(op: number, reader: WireReader): void
  /** Something came that is no bytes. */
  other(value: unknown): void
}

function isMessage(op: number): boolean {
  return op === Event.published || op === Event.publishedFrames
}

interface Lane {
  readonly port: Port
  readonly flow: Flow | null
  readonly reader: WireReader
  /** How often the first thread has passed on what the sender told it. */
  passed: number
  /** What the sender says next is behind so many of these. */
  after: number
  /** The ticket of what came last. */
  last: number
}

interface Bundle {
  readonly lane: Lane
  readonly ticket: number
  readonly value: unknown
  isOpen: boolean
}

export class Inbox {
  private readonly options: InboxOptions
  private readonly first: Lane
  private readonly lanes = new Map<number, Lane>()
  /** Taken out of the ports. */
  private arrived: Bundle[] = []
  /** Direct ones whose turn it is. */
  private readonly direct: Bundle[] = []

  constructor(options: InboxOptions, first: Port, flow: Flow | null) {
    this.options = options
    this.first = this.join(0, first, flow)
  }

  /** Another thread's end. */
  join(index: number, port: Port, flow: Flow | null): Lane {
    const lane = { port, flow, reader: new WireReader(), passed: 0, after: 0, last: 0 }
    this.lanes.set(index, lane)
    port.on('message', (value) => {
      this.arrive(lane, value)
      this.handle()
    })
    return lane
  }

  private arrive(lane: Lane, value: unknown): void {
    // What is no bundle stays behind the one that came before it.
    if (value instanceof Uint8Array) lane.last = ticketOf(value)
    this.arrived.push({ lane, ticket: lane.last, value, isOpen: false })
  }

  private handle(): void {
    while (this.arrived.length > 0) {
      const until = this.options.tickets.last()
      for (const lane of this.lanes.values()) this.empty(lane)
      const all = this.arrived.toSorted((one, other) => one.ticket - other.ticket)
      this.arrived = all.filter(({ ticket }) => ticket > until)
      for (const bundle of all) if (bundle.ticket <= until) this.takeTurn(bundle)
    }
  }

  private empty(lane: Lane): void {
    const { receive } = this.options
    for (let got = receive(lane.port); got !== undefined; got = receive(lane.port))
      this.arrive(lane, got.message)
  }

  private takeTurn(bundle: Bundle): void {
    const { lane, value } = bundle
    if (!(value instanceof Uint8Array)) return this.options.other(value)
    if (lane === this.first) return void this.read(bundle, value)
    this.direct.push(bundle)
    this.goOn()
  }

  /** Reads what is direct, as far as it need not wait. */
  private goOn(): void {
    const { direct } = this
    while (direct.length > 0 && this.read(direct[0], direct[0].value as Uint8Array)) direct.shift()
  }

  /** Returns false where it has to wait. */
  private read(bundle: Bundle, bytes: Uint8Array): boolean {
    const { lane } = bundle
    const { reader } = lane
    if (!bundle.isOpen) reader.open(bytes)
    bundle.isOpen = true
    while (lane.after <= lane.passed && !reader.isAtEnd()) {
      const op = reader.u8()
      if (op === Event.after) lane.after = reader.number()
      else if (op === Event.passed) this.pass(reader.u8(), reader.number())
      else if (op === Event.ticket) reader.number()
      else {
        if (lane === this.first && isMessage(op)) this.hurry()
        this.options.read(op, reader)
      }
    }
    if (!reader.isAtEnd()) return false
    lane.flow?.taken(bytes.length)
    return true
  }

  /** Reads what is direct and need not wait for its own sender. */
  private hurry(): void {
    const waiting = new Set<Lane>()
    for (const bundle of this.direct.splice(0)) {
      const { lane } = bundle
      if (!waiting.has(lane) && this.read(bundle, bundle.value as Uint8Array)) continue
      waiting.add(lane)
      this.direct.push(bundle)
    }
  }

  private pass(index: number, count: number): void {
    const lane = this.lanes.get(index)
    if (lane === undefined) return
    lane.passed = count
    this.goOn()
  }
}

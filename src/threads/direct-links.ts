/**
 * Messages from one thread to another past the first one: a port for each pair. Everything else, and who is the member of a shared
 * group whose turn it is, goes by the first thread.
 *
 *     thread 1   [ retained ][ pass 1 ] ──▶ thread 0 ──▶ [ retained ][ passed 1 ] ──▶ thread 2
 *       └─────── [ message ][ after 1 ][ message ] ─────────────────────────────────────┘
 *
 * A message must not come before what its thread told the first one and that one tells the other: it is told to pass a number on, and
 * the message waits for that number where it arrives (`inbox.ts`).
 */
import type { Message } from '../ports/message.ts'
import type { Flow } from './flow.ts'
import { FrameWriter } from './frame-runs.ts'
import { Inbox, type InboxOptions } from './inbox.ts'
import { Call, Event } from './ops.ts'
import { writePublished, type Directly } from './peers-wire.ts'
import { sendTo, type Port, type ThreadLink } from './thread-link.ts'
import type { WireWriter } from './wire.ts'

/** The other end of a direct link. */
export interface DirectEnd {
  readonly index: number
  readonly port: Port
  readonly flow: Flow | null
}

interface Way {
  readonly bit: number
  readonly link: ThreadLink
  readonly frames: FrameWriter
  readonly flow: Flow | null
  /** What is said there next is behind so many numbers. */
  after: number
}

const NO_GROUPS: readonly string[] = []

class DirectLinks implements Directly {
  private readonly ways: readonly Way[]
  /** To the first thread. */
  private readonly first: () => WireWriter
  private passes = 0
  private isBehind = false

  constructor(ends: readonly DirectEnd[], { tickets }: InboxOptions, first: () => WireWriter) {
    this.first = first
    this.ways = ends.map(({ index, port, flow }) => {
      const link = sendTo(port, { flow, tickets })
      return { bit: 1 << index, link, frames: new FrameWriter(link.out), flow, after: 0 }
    })
  }

  behind(): void {
    this.isBehind = true
  }

  publish(message: Message, nodes: number): boolean {
    if (this.isBehind) this.pass()
    let isCalm = true
    for (const way of this.ways) {
      if ((nodes & way.bit) === 0) continue
      const { flow } = way
      if (flow?.refuses() !== true) this.write(way, message)
      if (flow?.isCrowded === true) isCalm = false
    }
    return isCalm
  }

  private pass(): void {
    this.isBehind = false
    const out = this.first()
    out.op(Call.pass)
    out.number(++this.passes)
  }

  private write(way: Way, message: Message): void {
    const { out } = way.link
    if (way.after !== this.passes) {
      way.after = this.passes
      out.op(Event.after)
      out.number(this.passes)
    }
    writePublished(out, way.frames, message, true, NO_GROUPS)
  }

  readonly flush = (): void => {
    for (const { link } of this.ways) link.flush()
  }

  get outs(): readonly WireWriter[] {
    return this.ways.map(({ link }) => link.out)
  }

  get dropped(): number {
    return this.ways.reduce((sum, { flow }) => sum + (flow?.dropped ?? 0), 0)
  }
}

export interface DirectlyLinked {
  /** To the first thread. */
  readonly out: WireWriter
  readonly directly: Directly
  /** To the first one, then to the others. */
  readonly outs: readonly WireWriter[]
}

/**
 * Joins a thread to the first one, and to `ends`. @param isWhole May what was written to the first thread so far go?
 */
export function linkDirectly(
  options: InboxOptions,
  first: { readonly port: Port; readonly flow: Flow | null },
  ends: readonly DirectEnd[],
  isWhole: () => boolean,
): DirectlyLinked {
  const inbox = new Inbox(options, first.port, first.flow)
  for (const { index, port, flow } of ends) inbox.join(index, port, flow)
  const directly = new DirectLinks(ends, options, () => link.out)
  const { port, flow } = first
  const link = sendTo(port, { flow, isWhole, before: directly.flush })
  return { out: link.out, directly, outs: [link.out, ...directly.outs] }
}

// ── in the first thread ────────────────────────────────────────────────────────────────────────────

/** All that thread `from` has told is told to the others: they may go on to its messages behind `count`. */
export function passOn(links: ReadonlyMap<number, ThreadLink>, from: number, count: number): void {
  for (const [index, { out }] of links) {
    if (index === from) continue
    out.op(Event.passed)
    out.u8(from)
    out.number(count)
  }
}

/**
 * Sends what waits for others than `index`, before that one hears that it has a client: what the client publishes there next is not to
 * come before what it published here.
 */
export function flushOthers(links: ReadonlyMap<number, ThreadLink>, index: number): void {
  for (const [other, link] of links) if (other !== index) link.flush()
}

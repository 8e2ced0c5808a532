/**
 * The Peers port of a core in a worker: calls go over to the junction, events come back.
 *
 *     core ── RemotePeers ── bytes ──▶ servePeers ── Junction
 *                  ◀──────── bytes ──
 */
import type { Message } from '../ports/message.ts'
import type { Interest, PeerClaim, Peers, PeersEvents, PeerWill } from '../ports/peers.ts'
import type { Flow } from './flow.ts'
import type { Junction, JunctionWay } from './junction.ts'
import { FrameReader, FrameWriter } from './frame-runs.ts'
import { Call, Event } from './ops.ts'
import type { WireReader, WireWriter } from './wire.ts'

type Answer = (given: boolean, had?: boolean) => void

/** Questions by number, until they are answered. */
class Questions {
  private readonly open = new Map<number, Answer>()
  private last = 0

  ask(answer: Answer): number {
    this.open.set(++this.last, answer)
    return this.last
  }

  answer(number: number, given: boolean, had = false): void {
    const answer = this.open.get(number)
    this.open.delete(number)
    answer?.(given, had)
  }

  /** An answer that {@link writeAnswer} wrote. */
  read(reader: WireReader): void {
    this.answer(reader.number(), reader.u8() === 1, reader.u8() === 1)
  }
}

function writeAnswer(out: WireWriter, number: number, given: boolean, had = false): void {
  out.number(number)
  out.u8(given ? 1 : 0)
  out.u8(had ? 1 : 0)
}

function writeClaim(out: WireWriter, claim: PeerClaim): void {
  const { clientId, username, cleanStart, isFull } = claim
  out.text(clientId)
  out.text(username)
  out.u8(cleanStart ? 1 : 0)
  out.u8(isFull ? 1 : 0)
}

function readClaim(reader: WireReader): PeerClaim {
  return {
    clientId: reader.text(),
    username: reader.textOrNull(),
    cleanStart: reader.u8() === 1,
    isFull: reader.u8() === 1,
  }
}

function writeGroups(out: WireWriter, groups: readonly string[]): void {
  out.u8(groups.length > 0 ? 1 : 0)
  if (groups.length === 0) return
  out.u32(groups.length)
  for (const group of groups) out.text(group)
}

const NO_GROUPS: readonly string[] = []

function readGroups(reader: WireReader): readonly string[] {
  if (reader.u8() === 0) return NO_GROUPS
  return Array.from({ length: reader.u32() }, () => reader.text())
}

/** Tells a worker of a message; `frames`: over `out`. */
export function writePublished(
  out: WireWriter,
  frames: FrameWriter,
  message: Message,
  plain: boolean,
  groups: readonly string[],
): void {
  if (message.frameVersion !== 0 && plain && groups.length === 0)
    return frames.add(Event.publishedFrames, 0, message)
  out.op(Event.published)
  out.u8(plain ? 1 : 0)
  writeGroups(out, groups)
  out.message(message)
}

// ── in the worker ──────────────────────────────────────────────────────────────────────────────────

/** Messages to other threads than the first, past that one. */
export interface Directly {
  /** The first thread was told what must not come behind messages that follow. */
  behind(): void
  /** To all of `nodes` but the first. False: too much is under way. */
  publish(message: Message, nodes: number): boolean
  /** Messages that had no place any more. */
  readonly dropped: number
}

/** The first thread's, in a mask of nodes. */
const FIRST = 1

export class RemotePeers implements Peers {
  private readonly out: WireWriter
  private readonly frames: FrameWriter
  private readonly frameReader = new FrameReader()
  private readonly flow: Flow | null
  private readonly directly: Directly | null
  private readonly questions = new Questions()
  private events: PeersEvents | null = null
  private cleanElsewhere = 0
  private cleanTold = -1

  /** `flow` null: nothing is ever too much; `directly` null: all goes by the first thread. */
  constructor(out: WireWriter, flow: Flow | null = null, directly: Directly | null = null) {
    this.out = out
    this.frames = new FrameWriter(out)
    this.flow = flow
    this.directly = directly
  }

  start(events: PeersEvents): void {
    this.events = events
    this.out.op(Call.start)
  }

  interest(filter: string, group: string, { always, qos0 }: Interest): void {
    const { out } = this
    out.op(Call.interest)
    out.text(filter)
    out.text(group)
    out.u32(always)
    out.u32(qos0)
  }

  private ask(op: number, answer: Answer): void {
    this.out.op(op)
    this.out.number(this.questions.ask(answer))
  }

  barrier(done: () => void): void {
    this.ask(Call.barrier, done)
  }

  publish(message: Message, nodes: number, groups: readonly string[]): boolean {
    const { directly } = this
    if (directly === null) return this.publishByFirst(message, nodes, groups)
    if (groups.length > 0) {
      directly.behind()
      return this.publishByFirst(message, nodes, groups)
    }
    const isCalm = nodes === FIRST || directly.publish(message, nodes)
    return (nodes & FIRST) === 0 ? isCalm : this.publishByFirst(message, FIRST, groups) && isCalm
  }

  private publishByFirst(message: Message, nodes: number, groups: readonly string[]): boolean {
    const { out, flow } = this
    if (flow?.refuses() === true) return false
    if (message.frameVersion !== 0 && groups.length === 0) {
      this.frames.add(Call.publishFrames, nodes, message)
      return flow === null || !flow.isCrowded
    }
    out.op(Call.publish)
    out.u32(nodes)
    writeGroups(out, groups)
    out.message(message)
    return flow === null || !flow.isCrowded
  }

  claim(claim: PeerClaim, done: Answer): void {
    this.ask(Call.claimClient, done)
    writeClaim(this.out, claim)
  }

  unclaim(clientId: string): void {
    this.out.op(Call.unclaimClient)
    this.out.text(clientId)
  }

  kick(node: string, claim: PeerClaim, done: () => void): void {
    this.ask(Call.kick, done)
    this.out.text(node)
    writeClaim(this.out, claim)
  }

  /** A thread does not go alone. */
  will(_clientId: string, _will: PeerWill | 'unwanted' | null, done?: () => void): void {
    done?.()
  }

  cleanSessions(here: number): number {
    if (here !== this.cleanTold) {
      this.cleanTold = here
      this.out.op(Call.cleanSessions)
      this.out.u32(here)
    }
    return this.cleanElsewhere
  }

  /** Threads count by other means (`server/thread-budgets.ts`). */
  userSessions: Peers['userSessions'] = () => 0

  /** An event came; false: it is none of the peers'. */
  told(op: number, reader: WireReader): boolean {
    if (op === Event.publishedFrames) this.frameReader.read(reader, this.takeFrame)
    else if (op === Event.published) this.published(reader)
    else {
      const read = this.readers[op]
      if (read === undefined) return false
      read(reader)
    }
    return true
  }

  private readonly takeFrame = (message: Message): void => {
    this.events?.published(message, true, NO_GROUPS)
  }

  private published(reader: WireReader): void {
    const plain = reader.u8() === 1
    const groups = readGroups(reader)
    this.events?.published(reader.message(false), plain, groups)
  }

  private readonly readers: Readonly<Record<number, (reader: WireReader) => void>> = {
    [Event.wanted]: (reader) =>
      this.events?.wanted(reader.text(), reader.text(), reader.u32(), reader.u32(), reader.u32()),
    [Event.kicked]: (reader) => {
      const question = reader.number()
      this.events?.kicked(readClaim(reader), (gone, had) => {
        this.out.op(Call.kickedDone)
        writeAnswer(this.out, question, gone, had)
      })
    },
    [Event.sync]: (reader) => {
      this.out.op(Call.synced)
      this.out.number(reader.number())
    },
    [Event.answered]: (reader) => this.questions.answer(reader.number(), true),
    [Event.granted]: (reader) => this.questions.read(reader),
    [Event.cleanSessions]: (reader) => void (this.cleanElsewhere = reader.u32()),
  }
}

// ── beside the junction ────────────────────────────────────────────────────────────────────────────

export interface ServedPeers {
  /** Reads a call; false: it is none of the peers'. */
  read(op: number, reader: WireReader): boolean
  /** Calls `done` when the worker has dealt with all it was sent, and what it wrote before has come. */
  sync(done: () => void): void
}

/** Serves the junction to a worker. `out`: to the worker; `beforeGrant` is called before it hears that it may have a client. */
export function servePeers(
  junction: Junction,
  name: string,
  out: WireWriter,
  flow: Flow | null = null,
  beforeGrant: () => void = () => {},
): ServedPeers {
  const questions = new Questions()
  const sync = (done: () => void): void => {
    out.op(Event.sync)
    out.number(questions.ask(done))
  }
  const way: JunctionWay = {
    defer: (run) => run(),
    sync,
    copies: true,
    get isCrowded() {
      return flow !== null && flow.isCrowded
    },
  }
  const peers = junction.join(name, way)
  const answer = (number: number): void => {
    out.op(Event.answered)
    out.number(number)
  }
  const frames = new FrameReader()
  const takeFrame = (message: Message, nodes: number): void =>
    void peers.publish(message, nodes, NO_GROUPS)
  const calls: Readonly<Record<number, (reader: WireReader) => void>> = {
    [Call.start]: () => peers.start(peersEvents(out, questions, flow)),
    [Call.interest]: (reader) =>
      peers.interest(reader.text(), reader.text(), { always: reader.u32(), qos0: reader.u32() }),
    [Call.barrier]: (reader) => {
      const number = reader.number()
      peers.barrier(() => answer(number))
    },
    [Call.publish]: (reader) => {
      const nodes = reader.u32()
      const groups = readGroups(reader)
      peers.publish(reader.message(false), nodes, groups)
    },
    [Call.publishFrames]: (reader) => frames.read(reader, takeFrame),
    [Call.claimClient]: (reader) => {
      const number = reader.number()
      peers.claim(readClaim(reader), (granted, had) => {
        beforeGrant()
        out.op(Event.granted)
        writeAnswer(out, number, granted, had)
      })
    },
    [Call.unclaimClient]: (reader) => peers.unclaim(reader.text()),
    [Call.kick]: (reader) => {
      const number = reader.number()
      peers.kick(reader.text(), readClaim(reader), () => answer(number))
    },
    [Call.cleanSessions]: (reader) => {
      out.op(Event.cleanSessions, 4)
      out.u32(peers.cleanSessions(reader.u32()))
    },
    [Call.kickedDone]: (reader) => questions.read(reader),
    [Call.synced]: (reader) => questions.answer(reader.number(), true),
  }
  const read = (op: number, reader: WireReader): boolean => {
    calls[op]?.(reader)
    return op in calls
  }
  return { read, sync }
}

function peersEvents(out: WireWriter, questions: Questions, flow: Flow | null): PeersEvents {
  const frames = new FrameWriter(out)
  return {
    wanted(filter, group, always, qos0, members) {
      out.op(Event.wanted)
      out.text(filter)
      out.text(group)
      out.u32(always)
      out.u32(qos0)
      out.u32(members)
    },
    published(message, plain, groups) {
      if (flow?.refuses() !== true) writePublished(out, frames, message, plain, groups)
    },
    kicked(claim, done) {
      out.op(Event.kicked)
      out.number(questions.ask(done))
      writeClaim(out, claim)
    },
    orphaned() {},
  }
}

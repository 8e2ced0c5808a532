/**
 * What every node wants, as every other node knows it. Changes are sent to all, numbered; who misses a number asks for
 * the whole of it again.
 *
 *     node a   1: +x/+   2: -y   3: +z        node b   1 2 _ … asks a: "everything", as of 5
 */
import type { Interest, PeersEvents } from '../ports/peers.ts'
import { nodeInTurn } from '../ports/turns.ts'
import { pause, type Wire } from './wire.ts'

interface Change {
  readonly filter: string
  readonly group: string
  readonly always: number
  readonly qos0: number
}

/** One message of changes, or a part of the whole. */
interface Notice {
  readonly node: string
  readonly run: string
  /** Of the last change in it. */
  readonly number: number
  readonly changes: readonly Change[]
  /** Sessions of its own that are in no store. */
  readonly cleanSessions: number
}

interface Other {
  run: string
  /** Changes up to this one are known. */
  number: number
  cleanSessions: number
  readonly bit: number
  readonly wants: Map<string, Change>
  asking: Promise<void> | null
}

interface Place {
  readonly filter: string
  readonly group: string
  readonly own: Map<Other, Change>
  /** Whose turn it is to serve the group. */
  next: number
}

/** Masks are of 31 bits. */
export const NODES_MAX = 32
const CHANGES_AT_ONCE = 2000
const ASK_MS = 1000

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export interface InterestOptions {
  readonly name: string
  readonly node: string
  readonly run: string
}

export class Interests {
  private readonly wire: Wire
  private readonly options: InterestOptions
  private readonly isRunAlive: (node: string, run: string) => boolean
  private readonly own = new Map<string, Change>()
  private readonly changed = new Map<string, Change>()
  private readonly others = new Map<string, Other>()
  private readonly places = new Map<string, Place>()
  private readonly tell: (run: (events: PeersEvents) => void) => void
  private cleanSessions = 0
  private isDue = false
  /** Of the last change of this node that was sent. */
  number = 0

  constructor(
    wire: Wire,
    options: InterestOptions,
    isRunAlive: (node: string, run: string) => boolean,
    tell: (run: (events: PeersEvents) => void) => void,
  ) {
    this.wire = wire
    this.options = options
    this.isRunAlive = isRunAlive
    this.tell = tell
    const { name, node } = options
    wire.listen(`${name}.i`, ({ data }) => this.heard(parse(data)))
    wire.listen(`${name}.ctl.${node}.wants`, (message) =>
      this.answerAll((data) => message.respond(data)),
    )
  }

  // ── this node ────────────────────────────────────────────────────────────────────────────────────

  want(filter: string, group: string, { always, qos0 }: Interest): void {
    const key = `${group}/${filter}`
    const change = { filter, group, always, qos0 }
    if (always + qos0 > 0) this.own.set(key, change)
    else this.own.delete(key)
    this.changed.set(key, change)
    this.sendSoon()
  }

  countClean(here: number): number {
    if (here !== this.cleanSessions) {
      this.cleanSessions = here
      this.sendSoon()
    }
    let sum = 0
    for (const { cleanSessions } of this.others.values()) sum += cleanSessions
    return sum
  }

  private sendSoon(): void {
    if (this.isDue) return
    this.isDue = true
    setImmediate(() => this.sendNow())
  }

  /** Sends what has changed. */
  sendNow(): void {
    if (!this.isDue) return
    this.isDue = false
    const changes = [...this.changed.values()]
    this.changed.clear()
    this.number++
    for (let at = 0; at === 0 || at < changes.length; at += CHANGES_AT_ONCE) {
      if (at > 0) this.number++
      const part = changes.slice(at, at + CHANGES_AT_ONCE)
      this.wire.send(`${this.options.name}.i`, this.notice(part, this.number))
    }
  }

  private notice(changes: readonly Change[], number: number): Uint8Array {
    const { node, run } = this.options
    const { cleanSessions } = this
    return encoder.encode(JSON.stringify({ node, run, number, changes, cleanSessions }))
  }

  /** Everything in parts; the last one has the number, the others 0. */
  private answerAll(respond: (data: Uint8Array) => void): void {
    this.sendNow()
    const all = [...this.own.values()]
    for (let at = 0; at + CHANGES_AT_ONCE < all.length; at += CHANGES_AT_ONCE)
      respond(this.notice(all.slice(at, at + CHANGES_AT_ONCE), 0))
    const rest = all.length % CHANGES_AT_ONCE || Math.min(all.length, CHANGES_AT_ONCE)
    respond(this.notice(all.slice(all.length - rest), this.number))
  }

  // ── the others ───────────────────────────────────────────────────────────────────────────────────

  /** Resolves when changes up to `number` of a node's run are known, or that run is gone. */
  async until(node: string, run: string, number: number): Promise<void> {
    while (!this.wire.isClosed) {
      const other = this.others.get(node)
      if (other !== undefined && other.run === run && other.number >= number) return
      if (!this.isRunAlive(node, run)) return
      await this.ask(node)
    }
  }

  private heard(notice: Notice): void {
    const other = this.others.get(notice.node)
    if (other === undefined || other.run !== notice.run || notice.number > other.number + 1)
      return void this.ask(notice.node)
    if (notice.number <= other.number) return
    other.number = notice.number
    other.cleanSessions = notice.cleanSessions
    for (const change of notice.changes) this.apply(other, change)
  }

  /** Asks a node for everything that it wants. */
  ask(node: string): Promise<void> {
    const known = this.others.get(node)
    if (known?.asking) return known.asking
    const asking = this.askOnce(node)
    const other = known ?? this.add(node)
    if (other === null) return asking
    other.asking = asking.finally(() => {
      other.asking = null
    })
    return other.asking
  }

  private add(node: string): Other | null {
    const used = [...this.others.values()].reduce((mask, { bit }) => mask | bit, 0)
    const free = Array.from({ length: NODES_MAX - 1 }, (_, index) => 1 << index).find(
      (bit) => (used & bit) === 0,
    )
    if (free === undefined) return null
    const wants = new Map<string, Change>()
    const other = { run: '', number: 0, cleanSessions: 0, bit: free, wants, asking: null }
    this.others.set(node, other)
    return other
  }

  private async askOnce(node: string): Promise<void> {
    // What is heard while the answer comes is asked for again.
    await pause(0)
    const parts = await new Promise<Notice[]>((resolve) => {
      const got: Notice[] = []
      const inbox = this.wire.newInbox()
      const end = (): void => {
        clearTimeout(timer)
        stop()
        resolve(got)
      }
      const timer = setTimeout(end, ASK_MS)
      const stop = this.wire.listen(inbox, ({ data, headers }) => {
        if (headers !== undefined && headers.code === 503) return end()
        const part = parse(data)
        got.push(part)
        if (part.number > 0 || part.changes.length < CHANGES_AT_ONCE) end()
      })
      this.wire.send(`${this.options.name}.ctl.${node}.wants`, NO_DATA, undefined, inbox)
    })
    const last = parts.at(-1)
    const other = this.others.get(node)
    if (other === undefined || last === undefined) {
      await pause(RETRY_MS)
      return
    }
    if (other.run === last.run && other.number > last.number) return
    other.run = last.run
    other.number = last.number
    other.cleanSessions = last.cleanSessions
    const left = new Map(other.wants)
    for (const change of parts.flatMap(({ changes }) => changes)) {
      left.delete(`${change.group}/${change.filter}`)
      this.apply(other, change)
    }
    for (const change of left.values()) this.apply(other, { ...change, always: 0, qos0: 0 })
  }

  /** A node is gone, with all it wanted. */
  remove(node: string): void {
    const other = this.others.get(node)
    if (other === undefined) return
    this.others.delete(node)
    for (const change of other.wants.values()) this.apply(other, { ...change, always: 0, qos0: 0 })
  }

  get known(): string[] {
    return [...this.others.keys()]
  }

  private apply(other: Other, change: Change): void {
    const { filter, group } = change
    const key = `${group}/${filter}`
    let place = this.places.get(key)
    if (place === undefined) {
      place = { filter, group, own: new Map(), next: 0 }
      this.places.set(key, place)
    }
    if (change.always + change.qos0 > 0) {
      place.own.set(other, change)
      other.wants.set(key, change)
    } else {
      place.own.delete(other)
      other.wants.delete(key)
    }
    if (place.own.size === 0) this.places.delete(key)
    this.tellPlace(place)
  }

  /** Tells the core all of it. */
  tellAll(): void {
    for (const place of this.places.values()) this.tellPlace(place)
  }

  private tellPlace({ filter, group, own }: Place): void {
    let always = 0
    let qos0 = 0
    let members = 0
    for (const [other, wants] of own) {
      if (wants.always > 0) always |= other.bit
      if (wants.qos0 > 0) qos0 |= other.bit
      if (group !== '') members += wants.always
    }
    this.tell((events) => events.wanted(filter, group, always, qos0, members))
  }

  // ── who gets a message ───────────────────────────────────────────────────────────────────────────

  /** The nodes of a mask. */
  *named(mask: number): IterableIterator<string> {
    for (const [node, { bit }] of this.others) if ((mask & bit) !== 0) yield node
  }

  /** A node for each group ("group/filter"), of those with members that take the message. */
  choose(groups: readonly string[], isQos0: boolean): Map<string, string[]> {
    const chosen = new Map<string, string[]>()
    for (const group of groups) {
      const place = this.places.get(group)
      if (place === undefined) continue
      const other = nodeInTurn(place.own, isQos0, place.next++)
      if (other === undefined) continue
      const node = [...this.others].find(([, one]) => one === other)?.[0] ?? ''
      chosen.set(node, [...(chosen.get(node) ?? []), group])
    }
    return chosen
  }
}

const NO_DATA = new Uint8Array(0)
const RETRY_MS = 100

function parse(data: Uint8Array): Notice {
  return JSON.parse(decoder.decode(data)) as Notice
}

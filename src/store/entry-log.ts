/**
 * The queue of one session in memory, in as little of it as may be: entries are numbers, and small messages bytes in pages.
 *
 *     sequences  [  5  |  7  |  8  | 10  | … ]      ascending; those in front of `first` are done with
 *     places     [ -1  | 0:0 | -2  | 0:90| … ]      number of a page and where in it; -1: done with; -2: beside
 *     notes      [  …  |  …  |  …  |  …  | … ]      subscription identifier, QoS, flags
 *
 * Beside, by sequence, are large messages as they are. A page goes with the last entry in it.
 */
import type { Qos } from '../codec/packets.ts'
import { Message } from '../ports/message.ts'
import { MessagePage } from '../ports/message-page.ts'
import type { StoredDelivery } from '../ports/store.ts'

/** A larger one is shared by all who wait for it: a copy for each of them would be more than an entry of theirs. */
const SMALL_MAX = 128
/** The first page; each further one is twice as large, up to the last of these. */
const FIRST_PAGE_BYTES = 512
const PAGE_BYTES = 16 * 1024

const DONE = -1
const BESIDE = -2

const QOS_BITS = 3
const RETAIN = 4
const RELEASED = 8
/** An identifier may have 28 bits: what is behind it is not for the operators of 32. */
const ID_SCALE = 16

/** Numbers of entries that are done with, before those of the others are copied. */
const DONE_MAX = 16
/** What a page takes beside its bytes, and an entry beside its message. */
const PAGE_HEAD_BYTES = 400
const ENTRY_BYTES = 40

export class EntryLog {
  /** Entries in it, and the payloads of their messages. */
  size = 0
  payloadBytes = 0
  /** What it takes, but for messages beside. */
  bytes = 0
  private first = 0
  private sequences: number[] = []
  private places: number[] = []
  private notes: number[] = []
  private readonly pages = new Map<number, MessagePage>()
  private lastPage = -1
  /** Messages that were read stand on the last page. */
  private lastIsLent = false
  private beside: Map<number, Message> | null = null

  /** Messages that are not in pages. */
  large(): Iterable<Message> {
    return this.beside === null ? [] : this.beside.values()
  }

  /** `message` may borrow. Returns it as it is kept, if it is not in a page. */
  append(
    sequence: number,
    message: Message,
    qos: Qos,
    retain: boolean,
    subscriptionId: number,
  ): Message | null {
    const kept = message.size > SMALL_MAX ? message.kept() : null
    if (kept !== null) (this.beside ??= new Map()).set(sequence, kept)
    this.sequences.push(sequence)
    this.places.push(kept === null ? this.putInPage(message) : BESIDE)
    this.notes.push(subscriptionId * ID_SCALE + (qos | (retain ? RETAIN : 0)))
    this.size++
    this.payloadBytes += message.payloadLength
    this.bytes += ENTRY_BYTES
    return kept
  }

  /** Takes an entry out: its message, if that was beside; null: it was in a page; undefined: there is none. */
  remove(sequence: number): Message | null | undefined {
    const index = this.find(sequence)
    if (index < 0) return undefined
    const place = this.places[index]
    this.places[index] = DONE
    this.size--
    this.bytes -= ENTRY_BYTES
    const message = place === BESIDE ? this.takeBeside(sequence) : this.takePaged(place)
    while (this.first < this.places.length && this.places[this.first] === DONE) this.first++
    const done = this.places.length - this.size
    if (done > DONE_MAX && done > this.size) this.forgetDone()
    return message
  }

  /** PUBREC came for the entry. */
  release(sequence: number): void {
    const index = this.find(sequence)
    if (index < 0) return
    const note = this.notes[index]
    if (((note % ID_SCALE) & RELEASED) === 0) this.notes[index] = note + RELEASED
  }

  /** Entries behind `after`. */
  read(after: number, limit: number): StoredDelivery[] {
    const entries: StoredDelivery[] = []
    const { places } = this
    for (let at = this.indexBehind(after); at < places.length && entries.length < limit; at++)
      if (places[at] !== DONE) entries.push(this.entryAt(at))
    return entries
  }

  /** Nobody adds or takes anything for a while. */
  rest(): void {
    this.forgetDone()
    if (this.size > 0 || this.lastPage < 0) return
    this.dropPage(this.lastPage)
    this.lastPage = -1
  }

  private entryAt(index: number): StoredDelivery {
    const sequence = this.sequences[index]
    const place = this.places[index]
    const note = this.notes[index]
    const flags = note % ID_SCALE
    return {
      sequence,
      message: place === BESIDE ? (this.beside?.get(sequence) as Message) : this.readPaged(place),
      qos: (flags & QOS_BITS) as Qos,
      retain: (flags & RETAIN) !== 0,
      subscriptionId: Math.floor(note / ID_SCALE),
      released: (flags & RELEASED) !== 0,
      safe: true,
    }
  }

  private readPaged(place: number): Message {
    const number = Math.floor(place / PAGE_BYTES)
    if (number === this.lastPage) this.lastIsLent = true
    return this.pageAt(number).read(place % PAGE_BYTES, new Message())
  }

  private putInPage(message: Message): number {
    let at = this.lastPage < 0 ? -1 : this.pageAt(this.lastPage).put(message)
    if (at < 0) {
      this.openPage()
      at = this.pageAt(this.lastPage).put(message)
    }
    return this.lastPage * PAGE_BYTES + at
  }

  private openPage(): void {
    const last = this.pages.get(this.lastPage)
    const size = last === undefined ? FIRST_PAGE_BYTES : last.bytes.length * 2
    // Nothing is left in it, so no entry will take it along.
    if (last?.wanted === 0) this.dropPage(this.lastPage)
    const page = new MessagePage(Math.min(PAGE_BYTES, size))
    this.pages.set(++this.lastPage, page)
    this.lastIsLent = false
    this.bytes += page.bytes.length + PAGE_HEAD_BYTES
  }

  private takePaged(place: number): null {
    const number = Math.floor(place / PAGE_BYTES)
    const page = this.pageAt(number)
    this.payloadBytes -= page.payloadLength(place % PAGE_BYTES)
    page.drop(place % PAGE_BYTES)
    if (page.wanted > 0) return null
    if (number !== this.lastPage) this.dropPage(number)
    else if (!this.lastIsLent) page.reset()
    return null
  }

  private takeBeside(sequence: number): Message {
    const message = this.beside?.get(sequence) as Message
    this.beside?.delete(sequence)
    this.payloadBytes -= message.payloadLength
    return message
  }

  private dropPage(number: number): void {
    this.bytes -= this.pageAt(number).bytes.length + PAGE_HEAD_BYTES
    this.pages.delete(number)
  }

  private pageAt(number: number): MessagePage {
    return this.pages.get(number) as MessagePage
  }

  private forgetDone(): void {
    const { first } = this
    // As a rule they are all in front.
    if (first === this.places.length - this.size) {
      this.sequences = this.sequences.slice(first)
      this.notes = this.notes.slice(first)
      this.places = this.places.slice(first)
      this.first = 0
      return
    }
    const isLeft = (_: number, index: number): boolean => this.places[index] !== DONE
    this.sequences = this.sequences.filter(isLeft)
    this.notes = this.notes.filter(isLeft)
    this.places = this.places.filter(isLeft)
    this.first = 0
  }

  /** Where the entry is; -1: nowhere. */
  private find(sequence: number): number {
    const index =
      this.sequences[this.first] === sequence ? this.first : this.indexBehind(sequence - 1)
    const isThere = this.sequences[index] === sequence && this.places[index] !== DONE
    return isThere ? index : -1
  }

  /** The first one with a higher sequence. */
  private indexBehind(sequence: number): number {
    let from = this.first
    let to = this.sequences.length
    while (from < to) {
      const middle = (from + to) >> 1
      if (this.sequences[middle] > sequence) to = middle
      else from = middle + 1
    }
    return from
  }
}

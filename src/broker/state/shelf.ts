/**
 * Where retained messages lie: there may be millions. Small ones are bytes in pages, and known by a number, their place:
 *
 *     place = slot of the page x PAGE_BYTES + where in it            slots   [ page | - | page | page … ]
 *
 * A page of which little is still wanted goes, and what is wanted moves. Large messages are as they are, in slots of their own.
 */
import { Message, SHARED_WAIT } from '../../ports/message.ts'
import { MessagePage, PAGED_MESSAGE_MAX } from '../../ports/message-page.ts'

const PAGE_BYTES = 16 * 1024
/** A page goes when less than this of what was put there is still wanted: it may never have been full, of many authors. */
const SPARSE_SHARE = 1 / 4

/** Numbers that are free again, or have never been used. */
class Slots<T> {
  readonly values: (T | null)[] = []
  private readonly free: number[] = []

  add(value: T): number {
    const slot = this.free.pop()
    if (slot === undefined) return this.values.push(value) - 1
    this.values[slot] = value
    return slot
  }

  clear(slot: number): void {
    this.values[slot] = null
    this.free.push(slot)
  }
}

export class Shelf {
  /** How many pages it has. */
  pageCount = 0
  /** The slot of the page that is being filled; -1: none is. */
  private filling = -1
  private readonly pages = new Slots<MessagePage>()
  private readonly large = new Slots<Message>()
  private readonly moved: (topic: string, place: number) => void

  /** `moved`: a message has another place from now on. */
  constructor(moved: (topic: string, place: number) => void) {
    this.moved = moved
  }

  /** Keeps a copy of `message`, which may borrow; returns its place. */
  put(message: Message): number {
    if (message.size > PAGED_MESSAGE_MAX) return ~this.large.add(largeOf(message))
    let at = this.putInPage(message)
    if (at < 0) {
      const full = this.filling
      this.openPage()
      // What went while it was being filled did not take it along.
      if (full >= 0 && this.isSparse(full)) this.clear(full)
      at = this.putInPage(message)
    }
    if (at < 0) {
      // What moved has brought as many authors as a page can have.
      this.openPage()
      at = this.putInPage(message)
    }
    return this.filling * PAGE_BYTES + at
  }

  private putInPage(message: Message): number {
    return this.filling < 0 ? -1 : this.pageAt(this.filling).put(message)
  }

  private openPage(): void {
    this.filling = this.pages.add(new MessagePage(PAGE_BYTES))
    this.pageCount++
  }

  private isSparse(slot: number): boolean {
    const { wanted, used } = this.pageAt(slot)
    return wanted < used * SPARSE_SHARE
  }

  /** The message as it is kept, if it is a large one. */
  largeAt(place: number): Message | null {
    return place < 0 ? this.large.values[~place] : null
  }

  /**
   * The message at `place`: a large one itself, otherwise `lent`, which borrows its bytes until the shelf changes. It waits for
   * nobody yet, whenever it was made.
   */
  read(place: number, lent: Message): Message {
    if (place < 0) return this.large.values[~place] as Message
    lent.reuse()
    lent.borrowed = true
    this.pageAt(slotOf(place)).read(place % PAGE_BYTES, lent)
    lent.madeAtMs = 0
    return lent
  }

  payloadLength(place: number): number {
    const large = this.largeAt(place)
    if (large !== null) return large.payloadLength
    return this.pageAt(slotOf(place)).payloadLength(place % PAGE_BYTES)
  }

  drop(place: number): void {
    if (place < 0) return this.large.clear(~place)
    const slot = slotOf(place)
    const page = this.pageAt(slot)
    page.drop(place % PAGE_BYTES)
    if (page.wanted === 0 || (slot !== this.filling && this.isSparse(slot))) this.clear(slot)
  }

  private clear(slot: number): void {
    const page = this.pageAt(slot)
    if (slot === this.filling) this.filling = -1
    // One of its own: to move a message may clear another page.
    const moving = new Message()
    for (const at of page.wanted > 0 ? page.places() : []) {
      const message = this.read(slot * PAGE_BYTES + at, moving)
      this.moved(message.topicName, this.put(message))
    }
    this.pages.clear(slot)
    this.pageCount--
  }

  private pageAt(slot: number): MessagePage {
    return this.pages.values[slot] as MessagePage
  }
}

function largeOf(message: Message): Message {
  const large = message.owned()
  large.madeAtMs = SHARED_WAIT
  return large
}

function slotOf(place: number): number {
  return Math.floor(place / PAGE_BYTES)
}

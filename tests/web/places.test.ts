/** The list of messages never moves under the reader, whatever comes, goes, is filtered or subscribed to meanwhile. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Capture } from '../../web/src/capture/capture.ts'
import { View } from '../../web/src/capture/view.ts'
import { emptySubscription, type Subscription } from '../../web/src/model/profile.ts'
import type { ViewRequest, ViewSnapshot } from '../../web/src/protocol/protocol.ts'
import { DEFAULT_VIEW } from '../../web/src/protocol/view.ts'
import {
  followsAfter,
  heightOf,
  scrollTopAfter,
  startOf,
  topOf,
  windowOf,
  type ListBefore,
} from '../../web/src/ui/list-places.ts'

/** Of a wide screen and of a narrow one. */
const ROW_PX = 28
const NARROW_ROW_PX = 50
const SCREEN_PX = 140
const TOPICS = ['a', 'b', 'c'] as const

type Seen = ReturnType<Desk['seen']>

/** Worker and page without the two threads between them: the page does what the virtual list does in a browser. */
class Desk {
  readonly capture = new Capture({ messagesMax: 60, bytesMax: 10_000, topicsMax: 100 })
  readonly view = new View(this.capture)
  subscriptions: Subscription[] = TOPICS.map((topic, at) => emptySubscription(topic, at))
  request: ViewRequest = { ...DEFAULT_VIEW }
  snapshot: ViewSnapshot
  scrollTop = 0
  rowPx = ROW_PX
  #before: ListBefore = { start: 0, rowHeight: ROW_PX }
  #top = 0
  #count = 0

  constructor() {
    this.capture.onKept = (seq) => this.view.add(seq)
    this.capture.setSubscriptions(this.subscriptions)
    this.snapshot = this.view.snapshot()
    this.render()
  }

  get shape() {
    return { first: this.snapshot.first, next: this.snapshot.next, rowHeight: this.rowPx }
  }

  show(patch: Partial<ViewRequest>): void {
    this.request = { ...this.request, ...patch }
    this.view.show(this.request)
  }

  subscribe(subscriptions: Subscription[]): void {
    this.subscriptions = subscriptions
    this.capture.setSubscriptions(subscriptions)
    this.view.refilter()
  }

  arrive(topic: string): void {
    const payload = new Uint8Array([++this.#count % 10])
    const arrival = { topic, payload, timeMs: 0, outgoing: false, qos: 0, retain: false } as const
    this.capture.add({ ...arrival, dup: false, properties: null })
  }

  /** The worker's picture reaches the page, which asks for what it now lacks, until nothing changes. */
  render(): void {
    for (let turn = 0; turn < 4; turn++) {
      this.snapshot = this.view.snapshot()
      const { follow } = this.request
      const wanted = follow
        ? heightOf(this.shape)
        : scrollTopAfter(this.shape, this.#before, this.scrollTop)
      this.#before = { start: startOf(this.shape), rowHeight: this.rowPx }
      const moved = this.#moveTo(wanted)
      if (moved) this.#scrolled(0)
      const { from, count } = windowOf(this.shape, this.request.follow, this.#top, SCREEN_PX)
      this.show({ from, count, top: Math.floor(this.#top) })
    }
    this.snapshot = this.view.snapshot()
  }

  scroll(byPx: number): void {
    const before = this.scrollTop
    this.#moveTo(before + byPx)
    this.#scrolled(this.scrollTop - before)
  }

  /** As a browser does: never beyond the ends. */
  #moveTo(scrollTop: number): boolean {
    const before = this.scrollTop
    const end = Math.max(0, heightOf(this.shape) - SCREEN_PX)
    this.scrollTop = Math.max(0, Math.min(end, scrollTop))
    this.#top = topOf(this.shape, this.scrollTop)
    return this.scrollTop !== before
  }

  #scrolled(movedPx: number): void {
    const fromEnd = heightOf(this.shape) - SCREEN_PX - this.scrollTop
    const follow = followsAfter(this.request.follow, movedPx, fromEnd)
    if (follow !== this.request.follow) this.show({ follow })
  }

  /** What is seen: the message at the upper edge, how much of it is above the edge, and all that should be there. */
  seen() {
    const byPlace = new Map(this.snapshot.rows.map((row) => [row.index, row.seq]))
    // Between rows of two heights the exact place is a fraction.
    const top = Number(topOf(this.shape, this.scrollTop).toFixed(6))
    const last = Math.min(this.snapshot.next, Math.ceil(top + SCREEN_PX / this.rowPx))
    const seqs: (number | undefined)[] = []
    for (let place = Math.floor(top); place < last; place++) seqs.push(byPlace.get(place))
    return { seqs, top, above: Math.round((top - Math.floor(top)) * ROW_PX) }
  }

  /** Whether the row `at` can still be where it was: where rows have gone there may be too few left above or below. */
  canShow({ seqs, top, above }: Seen, at: number, listed: readonly number[]): boolean {
    const { first, next } = this.snapshot
    // A held list has what has left the ring meanwhile.
    if (this.request.paused) return top >= first && top <= next - SCREEN_PX / ROW_PX
    const wanted = (listed.indexOf(seqs[at] ?? -1) - at) * ROW_PX + above
    return wanted >= 0 && wanted <= listed.length * ROW_PX - SCREEN_PX
  }

  /** What the list should hold, worked out by looking at every message. */
  listed(): number[] {
    const { query, direction } = this.request
    const seqs: number[] = []
    const { ring } = this.capture
    for (let seq = ring.first; seq < ring.next; seq++) {
      const { name } = this.capture.topicOf(seq)
      const subscription = this.subscriptions.find(({ filter }) => filter === name)
      if (subscription?.hidden === true || direction === 'out') continue
      if (query === '' || name === query.slice('topic:'.length)) seqs.push(seq)
    }
    return seqs
  }
}

type Act = { name: string; value: number }
const acts = fc.array(
  fc.record({
    name: fc.constantFrom(
      'arrive',
      'arrive',
      'scroll',
      'scroll',
      'hide',
      'unsubscribe',
      'search',
      'pause',
      'direction',
      'clear',
      'turn',
    ),
    value: fc.nat(1000),
  }),
  { minLength: 1, maxLength: 60 },
)

function act(desk: Desk, { name, value }: Act): void {
  const topic = TOPICS[value % TOPICS.length] ?? 'a'
  if (name === 'arrive') for (let at = 0; at < value % 30; at++) desk.arrive(TOPICS[at % 3] ?? 'a')
  else if (name === 'scroll') desk.scroll((value % 21) * 13 - 130)
  else if (name === 'hide')
    desk.subscribe(
      desk.subscriptions.map((each) =>
        each.filter === topic ? { ...each, hidden: !each.hidden } : each,
      ),
    )
  else if (name === 'unsubscribe')
    desk.subscribe(desk.subscriptions.filter(({ filter }) => filter !== topic))
  // As the page does it: another search begins at the newest.
  else if (name === 'search')
    desk.show({ query: value % 2 === 0 ? '' : `topic:${topic}`, follow: true })
  else if (name === 'pause') desk.show({ paused: !desk.request.paused, follow: true })
  // A phone is turned, or a window made narrower.
  else if (name === 'turn') desk.rowPx = desk.rowPx === ROW_PX ? NARROW_ROW_PX : ROW_PX
  else if (name === 'direction') desk.show({ direction: value % 2 === 0 ? null : 'in' })
  else if (value % 4 === 0) {
    desk.capture.clear()
    desk.view.clear()
  }
}

test('places in the list never move under the reader', () => {
  fc.assert(
    fc.property(acts, (script) => {
      const desk = new Desk()
      for (const step of script) {
        const before = desk.seen()
        const wasFollowing = desk.request.follow
        act(desk, step)
        desk.render()
        const after = desk.seen()
        assert.ok(!after.seqs.includes(undefined), `a blank row after ${step.name}`)
        const listed = desk.listed()
        const paused = desk.request.paused
        if (!paused) {
          const { first, next } = desk.snapshot
          assert.equal(next - first, listed.length, `rows after ${step.name}`)
        }
        if (desk.request.follow) {
          if (!paused)
            assert.equal(after.seqs.at(-1), listed.at(-1), `the newest after ${step.name}`)
          continue
        }
        if (wasFollowing || step.name === 'scroll') continue
        const at = before.seqs.findIndex((seq) => listed.includes(seq ?? -1))
        if (at === -1 || !desk.canShow(before, at, listed)) continue
        assert.equal(after.seqs[at], before.seqs[at], `the reader's row after ${step.name}`)
        assert.equal(after.above, before.above, `its place to the pixel after ${step.name}`)
      }
    }),
    { numRuns: 400 },
  )
})

test('"n new" counts what the list has gained since its end was left, through filters too', () => {
  const desk = new Desk()
  for (let at = 0; at < 30; at++) desk.arrive('a')
  desk.render()
  desk.scroll(-100)
  for (const topic of ['a', 'b', 'b']) desk.arrive(topic)
  desk.render()
  assert.equal(desk.snapshot.newer, 3)
  desk.subscribe(desk.subscriptions.map((each) => ({ ...each, hidden: each.filter === 'b' })))
  desk.render()
  assert.equal(desk.snapshot.newer, 1)
  desk.show({ follow: true })
  desk.render()
  assert.equal(desk.snapshot.newer, 0)
})

/**
 * Fan-outs that are more than a turn may do: they own a kept message and go on in portions. One publisher's come
 * one after the other, so the order of its messages holds; while it has one under way its further input waits.
 *
 *     Core.lanes   publisher ──▶ [ under way: matching, then delivering ][ waits ][ waits ]
 */
import { Fifo } from '../../base/fifo.ts'
import type { Message } from '../../ports/message.ts'
import type { MatchWalk } from '../../topics/filter-trie.ts'
import { dropped } from '../state/drops.ts'
import { isExpired } from '../state/expiry.ts'
import { addKeeper, dropKeeper } from '../state/memory.ts'
import type { Core, FanOut } from '../state/core.ts'
import type { Session, Subscriber } from '../state/model.ts'
import { addTask, NODES_SHIFT, Work } from '../state/work.ts'
import { logMistake } from '../state/words.ts'
import { withDirect } from './direct.ts'

/** What a fan-out that is not over yet returns instead of how many took the message. */
export const UNDER_WAY = -1

/** Nodes of the trie looked at between two looks at the budget. */
const NODES_AT_ONCE = 4096

/** Delivers from `fanOut.next` on while there is budget; true: to all. `fanout.ts` has it. */
type Deliver = (core: Core, fanOut: FanOut) => boolean

/** Whether messages of this client still go out: what it publishes now has to wait behind them. */
export function isFanningOut(core: Core, clientId: string): boolean {
  return core.lanes.size > 0 && core.lanes.has(clientId)
}

/**
 * A fan-out to begin, or to go on at `subscribers[next]`; `subscribers` null: nobody was looked for yet. Who subscribes
 * from now on is not meant: what is retained of it comes to them as such.
 */
export function newFanOut(
  core: Core,
  message: Message,
  subscribers: readonly Subscriber[] | null,
  origin: Session | null,
): FanOut {
  const kept = message.kept()
  addKeeper(core, kept)
  return {
    message: kept,
    origin,
    walk: null,
    subscribers,
    next: 0,
    crossed: 0,
    generation: core.trie.generation,
    count: 0,
    batch: 0,
    whole: false,
    begin: null,
    done: null,
  }
}

/** Puts a fan-out behind those of its publisher. */
export function fanOutLater(core: Core, fanOut: FanOut, deliver: Deliver): void {
  const { publisher } = fanOut.message
  let lane = core.lanes.get(publisher)
  if (lane === undefined) {
    lane = new Fifo()
    core.lanes.set(publisher, lane)
    addTask(core, () => runLane(core, publisher, deliver))
  }
  lane.push(fanOut)
  // Whoever is in the middle of its input stops here.
  core.work = Math.min(core.work, 0)
}

/** Calls `done` when the last of the publisher's fan-outs is through. */
export function afterFanOut(
  core: Core,
  publisher: string,
  done: (count: number, batch: number) => void,
): void {
  const lane = core.lanes.get(publisher) as Fifo<FanOut>
  const last = lane.at(lane.length - 1) as FanOut
  const before = last.done
  last.done = (count, batch) => {
    before?.(count, batch)
    done(count, batch)
  }
}

/** How many subscriptions the last of the publisher's fan-outs is meant for, as far as that is known. */
export function meantBy(core: Core, publisher: string): number {
  const lane = core.lanes.get(publisher)
  return lane?.at(lane.length - 1)?.subscribers?.length ?? 0
}

/**
 * May what has to reach the disk as one be begun? Not while another such has the batch, or a batch has to end behind it; nor
 * behind others of its publisher: one of those may itself have to wait for the batch.
 */
export function mayBegin(core: Core, publisher: string): boolean {
  return isBatchFree(core) && !isFanningOut(core, publisher)
}

function isBatchFree(core: Core): boolean {
  return core.unbroken === null && !core.sealDue
}

/** What the last of the publisher's fan-outs writes reaches the disk as one, with what was written before it. */
export function keepWhole(core: Core, publisher: string): void {
  const lane = core.lanes.get(publisher) as Fifo<FanOut>
  const last = lane.at(lane.length - 1) as FanOut
  last.whole = true
  core.unbroken = last
}

function runLane(core: Core, publisher: string, deliver: Deliver): boolean {
  const lane = core.lanes.get(publisher) as Fifo<FanOut>
  const fanOut = lane.peek() as FanOut
  if (!advanceSafely(core, fanOut, deliver)) return true
  lane.shift()
  dropKeeper(core, fanOut.message)
  if (core.unbroken === fanOut) core.unbroken = null
  fanOut.done?.(fanOut.count, fanOut.batch)
  if (lane.length > 0) return true
  core.lanes.delete(publisher)
  return false
}

/** A subscriber inside the process that throws ends this fan-out, and nothing else. */
function advanceSafely(core: Core, fanOut: FanOut, deliver: Deliver): boolean {
  try {
    return advance(core, fanOut, deliver)
  } catch (error) {
    logMistake(core, error, 'a message is dropped')
    if (fanOut.whole) core.sealDue = true
    return true
  }
}

/** True: it is through. */
function advance(core: Core, fanOut: FanOut, deliver: Deliver): boolean {
  const { journal } = core
  const { mark } = journal
  if (fanOut.begin !== null) {
    // What has to reach the disk as one goes alone, and a batch ends between two of them.
    if (!isBatchFree(core)) return false
    if (!fanOut.begin()) return true
    fanOut.begin = null
    fanOut.generation = core.trie.generation
  }
  if (fanOut.whole && core.unbroken === null) core.unbroken = fanOut
  const isOver = isExpired(core, fanOut.message)
    ? expire(core, fanOut)
    : match(core, fanOut) && deliver(core, fanOut)
  fanOut.batch = Math.max(fanOut.batch, journal.since(mark))
  if (isOver && fanOut.whole) core.sealDue = true
  return isOver
}

function expire(core: Core, { subscribers, next, walk }: FanOut): true {
  const left = (subscribers ?? walk?.found ?? []).length - next
  for (let one = 0; one < left; one++) dropped(core, null, 'expired')
  return true
}

/** True: all subscribers are known. */
function match(core: Core, fanOut: FanOut): boolean {
  if (fanOut.subscribers !== null) return true
  const { trie } = core
  fanOut.walk ??= trie.walk(fanOut.message.topicName)
  const { walk } = fanOut
  while (!walk.next(NODES_AT_ONCE)) {
    core.work -= NODES_AT_ONCE >> NODES_SHIFT
    if (core.work <= 0) return false
  }
  core.work -= Work.task
  found(core, fanOut, walk)
  return true
}

function found(core: Core, fanOut: FanOut, walk: MatchWalk<Subscriber>): void {
  fanOut.walk = null
  fanOut.subscribers = withDirect(core, fanOut.message.topicName, core.trie.keep(walk))
}

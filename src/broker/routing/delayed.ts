/**
 * `delayed_publish`: a PUBLISH to `$delayed/<seconds>/<topic>` is acknowledged now and published to `<topic>` later. It
 * waits in memory and in the store; the right of its author to publish it is asked when it comes and again when it is due.
 *
 *     PUBLISH ──▶ core.delays, store ──due──▶ core.delays.due ──▶ a task, as the budget allows ──▶ publish
 */
import { EncodeError } from '../../codec/encode-error.ts'
import { Reason, reasonText } from '../../codec/reason-codes.ts'
import type { Message } from '../../ports/message.ts'
import { isBridgeUser, type Identity, type Verdict } from '../../ports/ports.ts'
import type { StoredWill } from '../../ports/store.ts'
import { topicNameProblem } from '../../topics/names.ts'
import { isReserved } from '../../topics/reserved.ts'
import { addKeeper, dropKeeper } from '../state/memory.ts'
import type { Delayed } from '../state/delays.ts'
import type { Core } from '../state/core.ts'
import type { Session } from '../state/model.ts'
import type { MountPoint } from '../state/mount-point.ts'
import { insider } from '../state/rights.ts'
import { addTask, Work } from '../state/work.ts'
import { logDelayed } from '../state/words.ts'
import { retainedIsFull } from './retained.ts'
import { publishOnce } from './routing.ts'

const PREFIX = '$delayed/'

/** A number up to this is seconds from now, 49 days at most; a higher one is a second of the Unix epoch. */
export const DELAY_SECONDS_MAX = 4_294_967

/** A timer is looked at again after so long: the wall clock may have been set meanwhile. */
const LOOK_MS_MAX = 60_000

const encoder = new TextEncoder()

/** What a `$delayed/…` topic asks for. */
interface Wish {
  /** With the mount point of who asks. */
  readonly topic: string
  /** Wall clock, ms. */
  readonly dueAtMs: number
}

/** Is it the topic of one that is to wait? `mount`: of who publishes it. */
export function isDelayed(core: Core, mount: MountPoint | null, topic: string): boolean {
  return core.ports.limits.delayedMax > 0 && topic.startsWith(PREFIX, mount?.prefix.length ?? 0)
}

/** What such a topic asks for, or the reason code that it is refused with. `bytes`: of the whole message. */
export function readDelay(
  core: Core,
  mount: MountPoint | null,
  topicName: string,
  bytes: number,
): Wish | number {
  const { limits, clock } = core.ports
  const prefix = mount?.prefix ?? ''
  const wallMs = clock.wallMs()
  const wish = parseDelay(topicName.slice(prefix.length), wallMs)
  const isTooLate = !(wish.dueAtMs <= wallMs + DELAY_SECONDS_MAX * 1000)
  if (isTooLate || topicNameProblem(wish.topic, limits.topicLevelsMax) !== null)
    return Reason.topicNameInvalid
  const topic = prefix + wish.topic
  if (isReserved(topic) || wish.topic.startsWith(PREFIX)) return Reason.topicNameInvalid
  const isFull = core.delays.byId.size >= limits.delayedMax
  if (isFull || core.delays.bytes + bytes > limits.delayedBytesMax) return Reason.quotaExceeded
  return { topic, dueAtMs: wish.dueAtMs }
}

/** `$delayed/<number>/<topic>`; without a number it is due never (NaN), without a topic behind it that is empty. */
function parseDelay(name: string, wallMs: number): Wish {
  const [, digits, topic] = /^\$delayed\/(\d{1,10})\/(.*)$/s.exec(name) ?? ['', 'NaN', '']
  const number = Number(digits)
  const dueAtMs = number > DELAY_SECONDS_MAX ? number * 1000 : wallMs + number * 1000
  return { topic, dueAtMs }
}

/** Keeps a message that {@link readDelay} has nothing against; what it writes is in the batch being filled. */
export function delay(
  core: Core,
  mount: MountPoint | null,
  message: Message,
  author: Identity,
): void {
  const wish = wishOf(core, mount, message)
  const kept = message.owned()
  kept.topicName = wish.topic
  kept.topic = encoder.encode(wish.topic)
  kept.topicStart = 0
  kept.topicEnd = kept.topic.length
  kept.madeAtMs = core.ports.clock.wallMs()
  const delayed = {
    id: newDelayedId(core),
    message: kept,
    dueAtMs: wish.dueAtMs,
    author,
    timer: null,
  }
  const { remote, origin } = author
  core.journal.saveDelayed(delayed.id, { message: kept, dueAtMs: wish.dueAtMs, remote, origin })
  core.work -= Work.store
  keepDelayed(core, delayed)
  arm(core, delayed)
}

/** The same for a message from inside the process; nobody has it yet: 0. Throws EncodeError for one that is refused. */
export function delayInside(core: Core, message: Message): 0 {
  const { topicName, size, publisherUser } = message
  const wish = readDelay(core, null, topicName, size)
  if (typeof wish === 'number')
    throw new EncodeError(`"${topicName}" is refused: ${reasonText(wish)}`)
  delay(core, null, message, insider(publisherUser))
  return 0
}

/** A topic that {@link readDelay} has taken; at QoS 2 the seconds count from PUBREL. */
function wishOf(core: Core, mount: MountPoint | null, { topicName }: Message): Wish {
  const prefix = mount?.prefix ?? ''
  const { topic, dueAtMs } = parseDelay(topicName.slice(prefix.length), core.ports.clock.wallMs())
  return { topic: prefix + topic, dueAtMs }
}

/** Ascending with time, so that a store tells them in the order in which they came. */
export function newDelayedId(core: Core): string {
  const bytes = new Uint8Array(6)
  core.ports.random.fill(bytes)
  const tail = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const { wallMs } = core.ports.clock
  const time = Math.floor(wallMs()).toString(16).padStart(12, '0')
  const count = (core.delays.serial++ & 0xffff).toString(16).padStart(4, '0')
  return time + count + tail
}

function keepDelayed(core: Core, delayed: Delayed): void {
  core.delays.byId.set(delayed.id, delayed)
  core.delays.bytes += delayed.message.size
  addKeeper(core, delayed.message)
}

/** It is published, or cancelled: nothing is left of it. */
function dropDelayed(core: Core, { id, message }: Delayed): void {
  core.delays.byId.delete(id)
  core.delays.bytes -= message.size
  dropKeeper(core, message)
  core.journal.saveDelayed(id, null)
}

// ── from the store, and from administrators ────────────────────────────────────────────────────────

/** One that was kept from an earlier run. */
export function delayedTold(core: Core, id: string, waiting: StoredWill): void {
  const { message, dueAtMs, remote, origin } = waiting
  const { publisher: clientId, publisherUser: username } = message
  const author = { clientId, username, remote, listener: null, login: null, origin }
  const delayed = { id, message, dueAtMs, author, timer: null }
  keepDelayed(core, delayed)
  if (core.ready) arm(core, delayed)
}

/** The store has told all: what is overdue is published in the order in which it was due. */
export function armDelayed(core: Core): void {
  const inOrder = [...core.delays.byId.values()].filter(({ timer }) => timer === null)
  inOrder.sort((a, b) => a.dueAtMs - b.dueAtMs || (a.id < b.id ? -1 : 1))
  for (const delayed of inOrder) arm(core, delayed)
}

/** False: there is none of this id, or it is being published. */
export function cancelDelayed(core: Core, id: string): boolean {
  const delayed = core.delays.byId.get(id)
  if (delayed === undefined || delayed.timer === null) return false
  core.wheel.cancel(delayed.timer)
  dropDelayed(core, delayed)
  return true
}

// ── when it is due ─────────────────────────────────────────────────────────────────────────────────

function arm(core: Core, delayed: Delayed): void {
  const { clock } = core.ports
  const waitMs = Math.min(LOOK_MS_MAX, Math.max(0, delayed.dueAtMs - clock.wallMs()))
  delayed.timer = core.wheel.arm(clock.monotonicMs() + waitMs, () => look(core, delayed))
}

function look(core: Core, delayed: Delayed): void {
  if (delayed.dueAtMs > core.ports.clock.wallMs()) return arm(core, delayed)
  delayed.timer = null
  core.delays.due.push(delayed)
  if (core.delays.due.length === 1) addTask(core, publishDue)
}

/** True: there are more, and no budget. */
function publishDue(core: Core): boolean {
  while (core.delays.due.length > 0) {
    if (core.work <= 0) return true
    core.work -= Work.store
    ask(core, core.delays.due.shift() as Delayed)
  }
  return false
}

/** The right of its author is asked now as well: it may have been taken away. */
function ask(core: Core, delayed: Delayed): void {
  const verdict = mayAuthorPublish(core, delayed)
  if (typeof verdict === 'boolean') return rule(core, delayed, verdict)
  const ruling = verdict.then((allowed) => {
    core.rulings.delete(ruling)
    rule(core, delayed, allowed)
  })
  core.rulings.add(ruling)
}

function mayAuthorPublish(core: Core, { message, author }: Delayed): Verdict {
  const { publish: right } = core.ports.auth
  // What comes from inside the process was judged there.
  if (right === null || author.clientId === '' || isBridgeUser(author.username)) return true
  return right(author, message.topicName, message.qos, message.retain)
}

function rule(core: Core, delayed: Delayed, allowed: boolean): void {
  const { message } = delayed
  const { topicName, payloadLength } = message
  if (!allowed) {
    logDelayed(core, delayed, 'denied: its author may no longer publish there')
    return dropDelayed(core, delayed)
  }
  // Its expiry counts from now on, as a will's does.
  const wallMs = core.ports.clock.wallMs()
  if (message.expiresAtMs !== Infinity) message.expiresAtMs += wallMs - message.madeAtMs
  message.madeAtMs = wallMs
  if (message.retain && retainedIsFull(core, topicName, payloadLength)) {
    message.retain = false
    logDelayed(core, delayed, 'not retained: too much is')
  }
  publishOnce(core, message, originOf(core, delayed.author), () => dropDelayed(core, delayed))
}

/** The session of who sent it, for no-local; null: it has ended, or is another user's. */
function originOf(core: Core, { clientId, username }: Identity): Session | null {
  const session = core.sessions.get(clientId)
  return session?.username === username ? session : null
}

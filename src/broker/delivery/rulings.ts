/**
 * A right to be sent a message that is said later (the library's hooks). Each message keeps its place meanwhile: QoS 1 and
 * 2 in their session's queue, stored where the session is, so that nobody has to wait for the answer but the receiver;
 * QoS 0 in a queue of the connection.
 *
 *     deliverTo ──▶ asked ──now──▶ sent
 *                     └──later──▶ in its queue ──answered──▶ sent, dropped, or for the next of its shared group
 */
import { Fifo } from '../../base/fifo.ts'
import type { Message } from '../../ports/message.ts'
import type { Verdict } from '../../ports/ports.ts'
import { isExpired } from '../state/expiry.ts'
import { dropped } from '../state/drops.ts'
import { Bytes, charge, addKeeper, dropKeeper } from '../state/memory.ts'
import { askTurnEnd, type Core } from '../state/core.ts'
import {
  Phase,
  type Connection,
  type Ruling,
  type Session,
  type Subscription,
  type Unruled,
} from '../state/model.ts'
import { mayReceive } from '../state/rights.ts'
import { sendQos0 } from './send-qos0.ts'

const GIVEN: Ruling = { verdict: true, refused: null }

/** What waits for its right: an Unruled, or a Delivery. */
interface Ruled {
  readonly message: Message | null
  ruling: Ruling | null
}

/** The right to a message that `verdict`, null: nobody was asked yet, did not give at once. */
export function ruleLater(
  core: Core,
  session: Session,
  verdict: Verdict | null,
  refused: (() => void) | null,
): Ruling {
  const ruling: Ruling = { verdict, refused }
  if (verdict !== null && typeof verdict !== 'boolean') follow(core, session, ruling, verdict)
  return ruling
}

function follow(core: Core, session: Session, ruling: Ruling, verdict: Promise<boolean>): void {
  session.questions++
  charge(core, Bytes.entry)
  void verdict.then((allowed) => {
    session.questions--
    charge(core, -Bytes.entry)
    ruling.verdict = allowed
    core.ruled.add(session)
    askTurnEnd(core)
  })
}

/** May the first of `queue` be sent? undefined: that is not said yet. Then those behind it are asked for as well. */
export function mayBeSent(core: Core, session: Session, queue: Fifo<Ruled>): boolean | undefined {
  const verdict = ask(core, session, queue.peek() as Ruled)
  if (typeof verdict === 'boolean') return verdict
  const { questionsMax } = core.ports.limits
  for (let index = 1; index < queue.length && session.questions < questionsMax; index++)
    void ask(core, session, queue.at(index) as Ruled)
  return undefined
}

function ask(core: Core, session: Session, one: Ruled): Verdict | null {
  if (one.ruling !== null && one.ruling.verdict !== null) return one.ruling.verdict
  const verdict = mayReceive(core, session, one.message as Message)
  // The common case is a plain answer, and then nothing is kept.
  if (verdict === null || (one.ruling === null && typeof verdict === 'boolean')) return verdict
  one.ruling = ruleLater(core, session, verdict, one.ruling?.refused ?? null)
  return verdict
}

/** What a hook forbade was never owed: it counts as it does when the answer comes at once. */
export function refuse(core: Core, ruling: Ruling): void {
  if (ruling.refused === null) core.stats.drops.denied++
  else ruling.refused()
}

/** Puts a QoS 0 message behind those whose right is not said yet; without `ruling` it has its own. */
export function waitForRuling(
  core: Core,
  connection: Connection,
  message: Message,
  subscription: Subscription,
  retain: boolean,
  ruling: Ruling = GIVEN,
): void {
  const bytes = message.size + Bytes.entry
  if (connection.unruledBytes + bytes > core.ports.limits.outputAllBytesMax)
    return dropped(core, subscription.session, 'slowClient')
  const kept = message.kept()
  addKeeper(core, kept)
  charge(core, Bytes.entry)
  connection.unruled ??= new Fifo()
  connection.unruledBytes += bytes
  connection.unruled.push({ message: kept, subscription, retain, ruling })
}

/** Sends the QoS 0 messages whose right has been said, up to the first that still waits. */
export function sendUnruled(core: Core, session: Session, connection: Connection): void {
  if (connection.phase !== Phase.open) return
  while (connection.unruled !== null && connection.unruled.length > 0) {
    const { message, subscription, retain, ruling } = connection.unruled.peek() as Unruled
    const isLate = isExpired(core, message)
    const allowed = isLate ? true : mayBeSent(core, session, connection.unruled)
    if (allowed === undefined) return
    connection.unruled.shift()
    core.work--
    if (isLate) dropped(core, session, 'expired')
    else if (!allowed) refuse(core, ruling)
    else {
      core.shapes.serial++
      sendQos0(core, connection, message, subscription, retain)
    }
    freeUnruled(core, connection, message)
  }
  connection.unruled = null
}

function freeUnruled(core: Core, connection: Connection, message: Message): void {
  connection.unruledBytes -= message.size + Bytes.entry
  charge(core, -Bytes.entry)
  dropKeeper(core, message)
}

/** The connection is over. */
export function dropUnruled(core: Core, connection: Connection): void {
  for (const { message } of connection.unruled ?? []) freeUnruled(core, connection, message)
  connection.unruled = null
}

/**
 * What this node's clients left to be said, where the others find it when this one is gone: one message per client, with the run
 * of the node that has it. It is put on top of what the writer knew to be there, so none of another node goes unseen.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { PeerWill } from '../ports/peers.ts'
import { isForGood, WRONG_LAST, type Failure } from './failures.ts'
import { writeLeftWill, type LeftWills, type WillsOptions } from './left-wills.ts'
import type { Membership } from './membership.ts'
import { tokenFor } from './tokens.ts'
import { isFailure, type Wire } from './wire.ts'

/** Between two attempts at what JetStream does not take, longer each time: as many wait as have come since. */
const RETRY_MS = 1000
const RETRY_MS_MAX = 30_000

/** What a client of this node wants said, or that nothing is. */
interface OwnWill {
  /** Where in the stream it is, or the one before it that it has not replaced; 0: none is there. Writes of one client come one after the other. */
  readonly written: Promise<number>
  /** NATS has taken it, or refused it for now. */
  readonly answered: Promise<void>
  /** Another one counts. */
  readonly isOver: AbortController
}

type IsRunGone = Membership['isRunGone']

/** A will is not stored, so should this node die nobody says it. `isForGood`: it is not tried again. */
type Refused = (clientId: string, failure: Failure, isForGood: boolean) => void

export class Wills {
  private readonly wire: Wire
  private readonly options: WillsOptions
  private readonly left: LeftWills
  private readonly isRunGone: IsRunGone
  private readonly refused: Refused
  private readonly own = new Map<string, OwnWill>()
  /** End the waits for what has not come to its turn: the will before it, or what the client had said, is still on its way. */
  private readonly behind = new Set<() => void>()
  private last = 0

  constructor(
    wire: Wire,
    options: WillsOptions,
    left: LeftWills,
    isRunGone: IsRunGone,
    refused: Refused,
  ) {
    this.wire = wire
    this.options = options
    this.left = left
    this.isRunGone = isRunGone
    this.refused = refused
  }

  /** null, 'unwanted': nothing any more. Resolves as {@link OwnWill.answered}. */
  set(clientId: string, will: PeerWill | 'unwanted' | null): Promise<void> {
    const before = this.own.get(clientId)
    const isNone = will === null || will === 'unwanted'
    if (isNone && before === undefined) return Promise.resolve()
    before?.isOver.abort()
    const isOver = new AbortController()
    let answer = (): void => {}
    const answered = new Promise<void>((done) => {
      answer = done
    })
    this.behind.add(answer)
    const written = (before?.written ?? Promise.resolve(0))
      .then((sequence) => {
        if (isNone) return this.forget(sequence, will === null)
        this.behind.delete(answer)
        return this.put(clientId, will, sequence, isOver.signal, answer)
      })
      // The connection is gone, and this node with it.
      .catch(() => 0)
      .finally(() => {
        this.behind.delete(answer)
        answer()
      })
    this.own.set(clientId, { written, answered, isOver })
    void written.then((sequence) => {
      if (sequence === 0 && !isOver.signal.aborted) this.own.delete(clientId)
    })
    return answered
  }

  /** JetStream has no room: nobody is to wait for what has to be stored before a will. */
  keepNobody(): void {
    for (const answer of this.behind) answer()
  }

  /** Resolves when all that was set is stored, but for what JetStream does not take now: nobody is to wait for room. */
  async stored(): Promise<void> {
    await Promise.all([...this.own.values()].map(({ answered }) => answered))
  }

  /**
   * Until it is stored, or is not wanted any more, or never will be; resolves as {@link OwnWill.written}. `before`: where the
   * one is that it replaces; `answer`: nobody has to wait longer.
   */
  private async put(
    clientId: string,
    will: PeerWill,
    before: number,
    isOver: AbortSignal,
    answer: () => void,
  ): Promise<number> {
    const { name, node, run } = this.options
    const data = writeLeftWill({ clientId, node, run, will })
    // As in `Writer.putSurely`.
    const numbered = { 'Nats-Msg-Id': `${run}.${++this.last}` }
    const subject = `${name}.w.${tokenFor(clientId)}`
    let waitMs = RETRY_MS
    for (let last = before; !isOver.aborted;) {
      const expected = { 'Nats-Expected-Last-Subject-Sequence': String(last) }
      const outcome = await this.wire.putUntilAnswered(subject, data, { ...numbered, ...expected })
      if (!isFailure(outcome)) return outcome.sequence
      if (this.wire.isClosed) return before
      if (outcome.code === WRONG_LAST) {
        this.behind.add(answer)
        last = await this.seeTo(clientId, isOver)
        this.behind.delete(answer)
        continue
      }
      const isHopeless = isForGood(outcome)
      this.refused(clientId, outcome, isHopeless)
      if (isHopeless) return await this.remove(before)
      answer()
      await pause(waitMs, undefined, { signal: isOver }).catch(() => {})
      waitMs = Math.min(2 * waitMs, RETRY_MS_MAX)
    }
    return before
  }

  /**
   * The client left another will, at another node: while that lives it sees to it. Resolves to where the will is that may be
   * replaced. One with a delay is of a session that goes on, and was seen to when that was claimed.
   */
  private async seeTo(clientId: string, isOver: AbortSignal): Promise<number> {
    const found = await this.left.find(clientId)
    if (found === null) return 0
    const { node, run, will, sequence } = found
    if (run === this.options.run || will.delaySeconds > 0) return sequence
    return (await this.isRunGone(node, run, isOver)) ? await this.left.say(found) : sequence
  }

  /** The client is gone. `mayBeSaid`: what it wanted said may be on its way, and until that is stored it is to be found. */
  private async forget(sequence: number, mayBeSaid: boolean): Promise<number> {
    if (sequence > 0 && mayBeSaid) await this.left.safe()
    return await this.remove(sequence)
  }

  private async remove(sequence: number): Promise<number> {
    if (sequence > 0) await this.left.erase(sequence)
    return 0
  }
}

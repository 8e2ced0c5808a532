/** Queue entries into one partition, in their order, whole or not at all. */
import { BATCH_DUPLICATE, isForGood, isQueueFull, TOO_LARGE, type Failure } from './failures.ts'
import type { Append } from './group.ts'
import { isFailure, pause, type Outcome, type Wire } from './wire.ts'

/** JetStream takes 1000 in one batch. */
const ENTRIES_AT_ONCE = 500
const RETRY_MS = 100
/** Between two attempts where there is no room: it will not be there at once. */
const FULL_RETRY_MS = 1000
/** So long entries for a full queue are sent by themselves, for they would fail all the others of their batch. */
const SUSPECT_MS = 5000

const OVERSIZE: Failure = { kind: 'refused', code: TOO_LARGE, text: 'one is too large' }

export interface AppendEvents {
  /** It came to nothing: the queue holds as many as it may. */
  overflowed(append: Append): void
  /** It never will be stored. */
  tooLarge(subject: string, bytes: number): void
  /** JetStream takes nothing at the moment. */
  refused(failure: Failure): void
}

export class Appender {
  private readonly wire: Wire
  private readonly run: string
  private readonly events: AppendEvents
  private readonly suspects = new Map<string, number>()
  private lastBatch = 0

  constructor(wire: Wire, run: string, events: AppendEvents) {
    this.wire = wire
    this.run = run
    this.events = events
  }

  /** Resolves when all of them are stored, or dropped because their queue is full. */
  async write(appends: readonly Append[]): Promise<void> {
    for (let at = 0; at < appends.length; at += ENTRIES_AT_ONCE)
      await this.writeSome(appends.slice(at, at + ENTRIES_AT_ONCE))
  }

  private async writeSome(appends: readonly Append[]): Promise<void> {
    const nowMs = performance.now()
    const isSuspect = ({ subject }: Append): boolean => (this.suspects.get(subject) ?? 0) > nowMs
    const together = this.suspects.size === 0 ? appends : appends.filter((one) => !isSuspect(one))
    const alone = this.suspects.size === 0 ? [] : appends.filter(isSuspect)
    if (together.length > 1) {
      const isOver = together.some(({ data }) => this.wire.isTooLarge(data))
      const outcome = isOver ? OVERSIZE : await this.writeBatch(together)
      if (isFailure(outcome)) await this.writeEach(together)
    } else await this.writeEach(together)
    await this.writeEach(alone)
  }

  /** Until it is known that the batch is there, or is not. */
  private async writeBatch(appends: readonly Append[]): Promise<Outcome> {
    for (;;) {
      const outcome = await this.tryBatch(appends)
      if (!isFailure(outcome) || this.wire.isClosed) return outcome
      if (isQueueFull(outcome) || isForGood(outcome) || outcome.code === BATCH_DUPLICATE)
        return outcome
      if (outcome.kind === 'refused') this.events.refused(outcome)
      await pause(outcome.kind === 'refused' ? FULL_RETRY_MS : RETRY_MS)
    }
  }

  private tryBatch(appends: readonly Append[]): Promise<Outcome> {
    const id = `${this.run}.${++this.lastBatch}`
    const last = appends.length - 1
    for (let index = 0; index < last; index++) {
      const { subject, data, id: messageId } = appends[index]
      const headers = { 'Nats-Batch-Id': id, 'Nats-Batch-Sequence': String(index + 1) }
      this.wire.send(subject, data, withId(headers, messageId))
    }
    const { subject, data, id: messageId } = appends[last]
    const headers = {
      'Nats-Batch-Id': id,
      'Nats-Batch-Sequence': String(last + 1),
      'Nats-Batch-Commit': '1',
    }
    return this.wire.put(subject, data, withId(headers, messageId))
  }

  /** Each by itself; those of one queue one after the other. */
  private async writeEach(appends: readonly Append[]): Promise<void> {
    const chains = new Map<string, Promise<void>>()
    for (const append of appends) {
      const before = chains.get(append.subject) ?? Promise.resolve()
      chains.set(
        append.subject,
        before.then(() => this.writeOne(append)),
      )
    }
    await Promise.all(chains.values())
  }

  private async writeOne(append: Append): Promise<void> {
    const headers = append.id === null ? undefined : { 'Nats-Msg-Id': append.id }
    for (;;) {
      const outcome = await this.wire.putUntilAnswered(append.subject, append.data, headers)
      if (!isFailure(outcome) || this.wire.isClosed)
        return void this.suspects.delete(append.subject)
      if (isForGood(outcome)) {
        this.events.tooLarge(append.subject, append.data.length)
        return this.events.overflowed(append)
      }
      if (isQueueFull(outcome)) {
        this.suspects.set(append.subject, performance.now() + SUSPECT_MS)
        return this.events.overflowed(append)
      }
      this.events.refused(outcome)
      await pause(FULL_RETRY_MS)
    }
  }
}

function withId(headers: Record<string, string>, id: string | null): Record<string, string> {
  if (id !== null) headers['Nats-Msg-Id'] = id
  return headers
}

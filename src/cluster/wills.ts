/**
 * What clients left to be said, where the other nodes find it when this one is gone: one message per client, with the run of
 * the node that had it. Whoever comes first among those who are left says what belongs to no live run.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { ByteWriter } from '../codec/byte-writer.ts'
import type { PeersEvents, PeerWill } from '../ports/peers.ts'
import {
  readMessage,
  RecordReader,
  writeMessage,
  writeText,
  writeUint,
} from '../store/level/records.ts'
import { NO_ROOM_EVER, TOO_LARGE, type Failure } from './failures.ts'
import { tokenFor } from './tokens.ts'
import { isFailure, type Wire } from './wire.ts'

const WILLS_AT_ONCE = 500
const HEAD_BYTES = 256
/** Between two attempts at what JetStream does not take, longer each time: as many wait as have come since. */
const RETRY_MS = 1000
const RETRY_MS_MAX = 30_000

interface LeftWill {
  readonly clientId: string
  readonly node: string
  readonly run: string
  readonly will: PeerWill
}

/** What a client of this node wants said, or that nothing is. */
interface OwnWill {
  /** Where in the stream it is, or the one before it that it has not replaced; 0: none is there. Writes of one client come one after the other. */
  readonly written: Promise<number>
  /** NATS has taken it, or refused it for now. */
  readonly answered: Promise<void>
  /** Another one counts. */
  readonly isOver: AbortController
}

export interface WillsOptions {
  readonly name: string
  readonly node: string
  readonly run: string
}

/** A will is not stored, so should this node die nobody says it. `isForGood`: it is not tried again. */
type Refused = (clientId: string, failure: Failure, isForGood: boolean) => void

export class Wills {
  private readonly wire: Wire
  private readonly options: WillsOptions
  private readonly refused: Refused
  private readonly own = new Map<string, OwnWill>()
  private saying: Promise<void> = Promise.resolve()
  private last = 0

  constructor(wire: Wire, options: WillsOptions, refused: Refused) {
    this.wire = wire
    this.options = options
    this.refused = refused
  }

  /** null: nothing any more. */
  set(clientId: string, will: PeerWill | null): void {
    const before = this.own.get(clientId)
    if (will === null && before === undefined) return
    before?.isOver.abort()
    const isOver = new AbortController()
    let answer = (): void => {}
    const answered = new Promise<void>((done) => {
      answer = done
    })
    const written = (before?.written ?? Promise.resolve(0))
      .then((sequence) =>
        will === null
          ? this.remove(sequence)
          : this.put(clientId, will, sequence, isOver.signal, answer),
      )
      .finally(answer)
    this.own.set(clientId, { written, answered, isOver })
    void written.then((sequence) => {
      if (sequence === 0 && !isOver.signal.aborted) this.own.delete(clientId)
    })
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
    const data = writeWill({ clientId, node, run, will })
    // As in `Writer.putSurely`.
    const numbered = { 'Nats-Msg-Id': `${run}.${++this.last}` }
    const subject = `${name}.w.${tokenFor(clientId)}`
    for (let waitMs = RETRY_MS; !isOver.aborted; waitMs = Math.min(2 * waitMs, RETRY_MS_MAX)) {
      const outcome = await this.wire.putUntilAnswered(subject, data, numbered)
      if (!isFailure(outcome)) return outcome.sequence
      if (this.wire.isClosed) return before
      const isForGood = outcome.code === TOO_LARGE || outcome.code === NO_ROOM_EVER
      this.refused(clientId, outcome, isForGood)
      if (isForGood) return await this.remove(before)
      answer()
      await pause(waitMs, undefined, { signal: isOver }).catch(() => {})
    }
    return before
  }

  /** That one and no later one, which is of another node by now. */
  private async remove(sequence: number): Promise<number> {
    if (sequence > 0) await this.erase(sequence)
    return 0
  }

  private async erase(sequence: number): Promise<void> {
    const body = { seq: sequence, no_erase: true }
    await this.wire.api(`STREAM.MSG.DELETE.${this.options.name}_W`, body).catch(() => {})
  }

  /**
   * Has those wills said that belong to no live run; `isLive` tells which are. `safe` resolves when what the core made of
   * them is stored: then they are forgotten.
   */
  sayOrphans(
    isLive: (node: string, run: string) => boolean,
    orphaned: PeersEvents['orphaned'],
    safe: () => Promise<void>,
  ): void {
    this.saying = this.saying
      .then(() => this.sayAll(isLive, orphaned, safe))
      .catch(() => {
        // The connection is gone, and this node with it.
      })
  }

  private async sayAll(
    isLive: (node: string, run: string) => boolean,
    orphaned: PeersEvents['orphaned'],
    safe: () => Promise<void>,
  ): Promise<void> {
    const { name } = this.options
    const info = await this.wire.api<{ state: { last_seq: number } }>(`STREAM.INFO.${name}_W`)
    const target = info.state.last_seq
    for (let from = 1; from <= target;) {
      const entries = await this.wire.readTo(
        `${name}_W`,
        `${name}.w.*`,
        from,
        target,
        WILLS_AT_ONCE,
      )
      const said = entries.filter(({ data }) => {
        const { clientId, node, run, will } = readWill(data)
        if (isLive(node, run)) return false
        orphaned(clientId, will)
        return true
      })
      if (said.length > 0) await safe()
      await Promise.all(said.map(({ sequence }) => this.erase(sequence)))
      const last = entries.at(-1)
      from = last === undefined ? target + 1 : last.sequence + 1
    }
  }
}

function writeWill({ clientId, node, run, will }: LeftWill): Uint8Array {
  const { message, delaySeconds, username, remote, origin } = will
  const writer = new ByteWriter(new Uint8Array(message.size + HEAD_BYTES))
  for (const text of [clientId, node, run, remote, origin]) writeText(writer, text)
  writeUint(writer, delaySeconds)
  writeUint(writer, username === null ? 0 : 1)
  writeText(writer, username ?? '')
  writeMessage(writer, message)
  return writer.bytes.slice(0, writer.length)
}

function readWill(data: Uint8Array): LeftWill {
  const reader = new RecordReader(data)
  const [clientId, node, run, remote, origin] = Array.from({ length: 5 }, () => reader.anyText())
  const delaySeconds = reader.uint()
  const hasUser = reader.uint() === 1
  const name = reader.anyText()
  const username = hasUser ? name : null
  const will = { message: readMessage(reader), delaySeconds, username, remote, origin }
  return { clientId, node, run, will }
}

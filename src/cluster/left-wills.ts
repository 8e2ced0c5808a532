/**
 * Wills whose node is gone. Who comes upon one first sees to it: the node that its client comes back to, whose new will is put
 * in its place; the dead node when it has been started again; or, when its lease has ended, the first of those who are left.
 *
 *     no delay                       said
 *     a delay, its client away       waits in the record of its session, as any other
 *     a delay, its client back       said if the delay is over, or the session does not go on
 *
 * Two may come upon one at once. Who sees to it takes it first, by writing it with its own run on top of what was found: one of
 * them can. Should that one die amid it, it is one of those left by that run.
 */
import { ByteWriter } from '../codec/byte-writer.ts'
import type { PeersEvents, PeerWill } from '../ports/peers.ts'
import {
  readMessage,
  RecordReader,
  writeMessage,
  writeText,
  writeUint,
} from '../store/level/records.ts'
import { WRONG_LAST } from './failures.ts'
import { tokenFor } from './tokens.ts'
import { isFailure, pause, type StreamEntry, type Wire } from './wire.ts'

const WILLS_AT_ONCE = 500
const RETRY_MS = 100
const HEAD_BYTES = 256

/** As it lies in its stream, with the run of the node that has, or had, its client. */
export interface LeftWill {
  readonly clientId: string
  readonly node: string
  readonly run: string
  readonly will: PeerWill
}

export interface WillsOptions {
  readonly name: string
  readonly node: string
  readonly run: string
}

export interface FoundWill extends LeftWill {
  readonly sequence: number
}

export interface LeftWillsEvents {
  /** Is that process gone, and this node the one to see to the wills of its clients? */
  isOurs(node: string, run: string): boolean
  orphaned: PeersEvents['orphaned']
  /** Resolves when what the core made of those is stored: then they are forgotten. */
  safe(): Promise<void>
  /** Has those with a delay wait in the records of their sessions; resolves to the others, which are to be said now. */
  rest(wills: readonly FoundWill[]): Promise<readonly FoundWill[]>
}

export class LeftWills {
  private readonly wire: Wire
  private readonly options: WillsOptions
  private readonly events: LeftWillsEvents
  private saying: Promise<void> = Promise.resolve()
  private takes = 0

  constructor(wire: Wire, options: WillsOptions, events: LeftWillsEvents) {
    this.wire = wire
    this.options = options
    this.events = events
  }

  /** What a client has left, whoever is to see to it. */
  async find(clientId: string): Promise<FoundWill | null> {
    const entry = await this.wire.readOne(`${this.options.name}_W`, {
      last_by_subj: this.subjectOf(clientId),
    })
    return entry === null ? null : foundOf(entry)
  }

  private subjectOf(clientId: string): string {
    return `${this.options.name}.w.${tokenFor(clientId)}`
  }

  /**
   * Has it said, whatever its delay was, unless somebody else does; resolves when nothing of that can be lost, to where it is now; 0:
   * nobody knows.
   */
  async say(found: FoundWill): Promise<number> {
    const taken = await this.take(found)
    if (taken === null) return 0
    await this.sayTaken(taken)
    return taken.sequence
  }

  async sayTaken({ clientId, will }: FoundWill): Promise<void> {
    this.events.orphaned(clientId, { ...will, delaySeconds: 0 })
    await this.safe()
  }

  /** Nobody else sees to it; null: somebody was faster, at this node or another. */
  async take(found: FoundWill): Promise<FoundWill | null> {
    const { node, run } = this.options
    const data = writeLeftWill({ ...found, node, run })
    const headers = {
      // Of this attempt alone: by the number of another one at this node it would count as stored.
      'Nats-Msg-Id': `${run}.said.${++this.takes}`,
      'Nats-Expected-Last-Subject-Sequence': String(found.sequence),
    }
    for (let mayBeStored = false; ; await pause(RETRY_MS)) {
      const outcome = await this.wire.put(this.subjectOf(found.clientId), data, headers)
      if (!isFailure(outcome)) return { ...found, sequence: outcome.sequence }
      if (outcome.code === WRONG_LAST) return mayBeStored ? await this.stored(found, data) : null
      // Rather twice than never, where JetStream has no room.
      if (outcome.kind === 'refused' || this.wire.isClosed) return found
      mayBeStored ||= outcome.code === 0
    }
  }

  /** A server that is alone looks at what is there before it looks at numbers: was it this node that was faster? */
  private async stored(found: FoundWill, data: Uint8Array): Promise<FoundWill | null> {
    const last = await this.find(found.clientId)
    const isOurs = last !== null && Buffer.compare(writeLeftWill(last), data) === 0
    return isOurs ? { ...found, sequence: last.sequence } : null
  }

  private async takeAll(found: readonly FoundWill[]): Promise<FoundWill[]> {
    const taken = await Promise.all(found.map((one) => this.take(one)))
    return taken.filter((one) => one !== null)
  }

  /** Resolves when all that the core has said so far is stored. */
  safe(): Promise<void> {
    return this.events.safe()
  }

  /** That one and no later one, which is of another node by now. */
  async erase(sequence: number): Promise<void> {
    const body = { seq: sequence, no_erase: true }
    await this.wire.api(`STREAM.MSG.DELETE.${this.options.name}_W`, body).catch(() => {})
  }

  /** Sees to all that are ours to see to. */
  sayOrphans(): void {
    this.saying = this.saying
      .then(() => this.sayAll())
      .catch(() => {
        // The connection is gone, and this node with it.
      })
  }

  private async sayAll(): Promise<void> {
    const { wire } = this
    const { name } = this.options
    const info = await wire.api<{ state: { last_seq: number } }>(`STREAM.INFO.${name}_W`)
    const target = info.state.last_seq
    for (let from = 1; from <= target;) {
      const entries = await wire.readTo(`${name}_W`, `${name}.w.*`, from, target, WILLS_AT_ONCE)
      await this.seeTo(entries.map(foundOf))
      const last = entries.at(-1)
      from = last === undefined ? target + 1 : last.sequence + 1
    }
  }

  private async seeTo(found: readonly FoundWill[]): Promise<void> {
    await this.settle(await this.takeAll(found.filter((one) => this.isOurs(one))))
  }

  /** Sees to those that were taken. */
  async settle(taken: readonly FoundWill[]): Promise<void> {
    const { orphaned, rest, safe } = this.events
    const delayed = taken.filter(({ will }) => will.delaySeconds > 0)
    const due = taken.filter(({ will }) => will.delaySeconds === 0)
    for (const { clientId, will } of [...due, ...(await rest(delayed))])
      orphaned(clientId, { ...will, delaySeconds: 0 })
    if (taken.length > 0) await safe()
    await Promise.all(taken.map(({ sequence }) => this.erase(sequence)))
  }

  private isOurs({ node, run }: FoundWill): boolean {
    return this.events.isOurs(node, run)
  }
}

export function writeLeftWill({ clientId, node, run, will }: LeftWill): Uint8Array {
  const { message, delaySeconds, username, remote, origin } = will
  const writer = new ByteWriter(new Uint8Array(message.size + HEAD_BYTES))
  for (const text of [clientId, node, run, remote, origin]) writeText(writer, text)
  writeUint(writer, delaySeconds)
  writeUint(writer, username === null ? 0 : 1)
  writeText(writer, username ?? '')
  writeMessage(writer, message)
  return writer.bytes.slice(0, writer.length)
}

function foundOf({ data, sequence }: StreamEntry): FoundWill {
  const reader = new RecordReader(data)
  const [clientId, node, run, remote, origin] = Array.from({ length: 5 }, () => reader.anyText())
  const delaySeconds = reader.uint()
  const hasUser = reader.uint() === 1
  const name = reader.anyText()
  const username = hasUser ? name : null
  const will = { message: readMessage(reader), delaySeconds, username, remote, origin }
  return { clientId, node, run, will, sequence }
}

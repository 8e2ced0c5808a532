/**
 * Wills whose node is gone. Who comes upon one first sees to it: the node that its client comes back to, whose new will is put
 * in its place; the dead node when it has been started again; or, when its lease has ended, the first of those who are left.
 *
 *     no delay                       said
 *     a delay, its client away       waits in the record of its session, as any other
 *     a delay, its client back       said if the delay is over, or the session does not go on
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
import { tokenFor } from './tokens.ts'
import type { StreamEntry, Wire } from './wire.ts'

const WILLS_AT_ONCE = 500
const HEAD_BYTES = 256

/** As it lies in its stream, with the run of the node that has, or had, its client. */
export interface LeftWill {
  readonly clientId: string
  readonly node: string
  readonly run: string
  readonly will: PeerWill
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
  private readonly name: string
  private readonly events: LeftWillsEvents
  private saying: Promise<void> = Promise.resolve()

  constructor(wire: Wire, name: string, events: LeftWillsEvents) {
    this.wire = wire
    this.name = name
    this.events = events
  }

  /** What a client has left, whoever is to see to it. */
  async find(clientId: string): Promise<FoundWill | null> {
    const subject = `${this.name}.w.${tokenFor(clientId)}`
    const entry = await this.wire.readOne(`${this.name}_W`, { last_by_subj: subject })
    return entry === null ? null : foundOf(entry)
  }

  /** Has it said, whatever its delay was; resolves when nothing of that can be lost. */
  async say({ clientId, will }: LeftWill): Promise<void> {
    this.events.orphaned(clientId, { ...will, delaySeconds: 0 })
    await this.safe()
  }

  /** Resolves when all that the core has said so far is stored. */
  safe(): Promise<void> {
    return this.events.safe()
  }

  /** That one and no later one, which is of another node by now. */
  async erase(sequence: number): Promise<void> {
    const body = { seq: sequence, no_erase: true }
    await this.wire.api(`STREAM.MSG.DELETE.${this.name}_W`, body).catch(() => {})
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
    const { name, wire } = this
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
    const { orphaned, rest, safe } = this.events
    const orphans = found.filter((one) => this.isOurs(one))
    const delayed = orphans.filter(({ will }) => will.delaySeconds > 0)
    const due = orphans.filter(({ will }) => will.delaySeconds === 0)
    for (const { clientId, will } of [...due, ...(await rest(delayed))]) orphaned(clientId, will)
    if (orphans.length > 0) await safe()
    // Those of a node that has been started again meanwhile are its own to see to.
    const done = orphans.filter((one) => this.isOurs(one))
    await Promise.all(done.map(({ sequence }) => this.erase(sequence)))
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

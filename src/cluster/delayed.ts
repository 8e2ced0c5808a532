/** Delayed publishes: each is one node's to publish, and another's when that one is gone. */
import { ByteWriter } from '../codec/byte-writer.ts'
import type { StoredWill } from '../ports/store.ts'
import { readWill, RecordReader, writeText, writeWill } from '../store/level/records.ts'
import type { Put } from './group.ts'
import type { Membership } from './membership.ts'
import { tokenFor } from './tokens.ts'
import { isFailure, type StreamEntry, type Wire } from './wire.ts'

const AT_ONCE = 500
const HEAD_BYTES = 128

export interface DelayedOptions {
  readonly name: string
  readonly node: string
  readonly run: string
}

type Take = (id: string, waiting: StoredWill) => void

export class DelayedMessages {
  private readonly wire: Wire
  private readonly options: DelayedOptions
  private readonly membership: Membership
  private readonly take: Take
  private taking: Promise<void> = Promise.resolve()

  constructor(wire: Wire, options: DelayedOptions, membership: Membership, take: Take) {
    this.wire = wire
    this.options = options
    this.membership = membership
    this.take = take
  }

  subject(id: string): string {
    return `${this.options.name}.d.${tokenFor(id)}`
  }

  /** What is to be written for one that waits. */
  write(id: string, waiting: StoredWill): Put {
    return { data: this.encode(id, waiting), headers: null, stored: null }
  }

  private encode(id: string, waiting: StoredWill): Uint8Array {
    const { node, run } = this.options
    const writer = new ByteWriter(new Uint8Array(waiting.message.size + HEAD_BYTES))
    for (const text of [id, node, run]) writeText(writer, text)
    writeWill(writer, waiting)
    return writer.bytes.slice(0, writer.length)
  }

  /** Takes those that belong to no live run: of this node's earlier ones, and of others if it is the first that is left. */
  takeOrphans(): Promise<void> {
    this.taking = this.taking
      .then(() => this.takeAll())
      .catch(() => {
        // The connection is gone, and this node with it.
      })
    return this.taking
  }

  private async takeAll(): Promise<void> {
    const stream = `${this.options.name}_D`
    const { state } = await this.wire.api<{ state: { last_seq: number } }>(`STREAM.INFO.${stream}`)
    const target = state.last_seq
    for (let from = 1; from <= target;) {
      const filter = `${this.options.name}.d.*`
      const entries = await this.wire.readTo(stream, filter, from, target, AT_ONCE)
      for (const entry of entries) if (entry.data.length > 0) await this.takeOne(entry)
      from = (entries.at(-1)?.sequence ?? target) + 1
    }
  }

  private async takeOne({ data, subject, sequence }: StreamEntry): Promise<void> {
    const reader = new RecordReader(data)
    const [id, node, run] = Array.from({ length: 3 }, () => reader.anyText())
    const isOurs = node === this.options.node || this.membership.isFirst()
    if (this.membership.isRunAlive(node, run) || !isOurs) return
    const waiting = readWill(reader)
    const outcome = await this.wire.putUntilAnswered(subject, this.encode(id, waiting), {
      'Nats-Expected-Last-Subject-Sequence': String(sequence),
    })
    if (!isFailure(outcome)) this.take(id, waiting)
  }
}

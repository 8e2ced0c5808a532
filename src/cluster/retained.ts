/**
 * Retained messages of all nodes: the order in their stream decides which one a topic has. What this node keeps is in
 * its core already when it is written; what others wrote meanwhile counts if it comes behind it.
 */
import type { Message } from '../ports/message.ts'
import { readNamed, writeNamed } from './entries.ts'
import { TOMBSTONE_TTL } from './group.ts'
import { tokenFor } from './tokens.ts'
import type { StreamEntry } from './wire.ts'

interface OwnWrites {
  /** Not answered yet. */
  open: number
  /** Sequence of the last one that was. */
  last: number
  stash: StreamEntry | null
}

export class RetainedMessages {
  private readonly name: string
  private readonly tell: (topic: string, message: Message | null) => void
  private readonly own = new Map<string, OwnWrites>()
  /** While everything is loaded: what has been told, so that only what is known is taken back. */
  private loaded: Set<string> | null = new Set()
  /** The highest sequence that a write of this node was given. */
  written = 0

  constructor(name: string, tell: (topic: string, message: Message | null) => void) {
    this.name = name
    this.tell = tell
  }

  /** What is to be written for a topic. */
  write(topic: string, message: Message | null) {
    const writes = this.own.get(topic) ?? { open: 0, last: 0, stash: null }
    this.own.set(topic, writes)
    writes.open++
    const stored = (sequence: number): void => {
      writes.open--
      writes.last = Math.max(writes.last, sequence)
      this.written = Math.max(this.written, sequence)
      if (writes.open === 0) this.settle(topic, writes)
    }
    const subject = `${this.name}.r.${tokenFor(topic)}`
    const headers = message === null ? { 'Nats-TTL': TOMBSTONE_TTL } : null
    return { subject, put: { data: writeNamed(topic, message), headers, stored } }
  }

  apply(entry: StreamEntry): void {
    const { name: topic, message } = readNamed(entry.data)
    const writes = this.own.get(topic)
    if (writes === undefined) return this.pass(topic, message)
    if (writes.open > 0) {
      if (entry.sequence > (writes.stash?.sequence ?? 0)) writes.stash = entry
    } else if (entry.sequence > writes.last) {
      this.own.delete(topic)
      this.pass(topic, message)
    } else if (entry.sequence === writes.last) this.own.delete(topic)
  }

  /** All that was there has been told. */
  endLoading(): void {
    this.loaded = null
  }

  private pass(topic: string, message: Message | null): void {
    if (this.loaded !== null && message === null && !this.loaded.has(topic)) return
    this.loaded?.add(topic)
    this.tell(topic, message)
  }

  private settle(topic: string, { stash, last }: OwnWrites): void {
    const writes = this.own.get(topic)
    if (writes === undefined) return
    writes.stash = null
    if (stash === null || stash.sequence < last) return
    this.own.delete(topic)
    if (stash.sequence > last) this.apply(stash)
  }
}

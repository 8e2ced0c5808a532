/** Brings back what was kept of a connection, and keeps what comes, a portion a second. */
import type { Capture } from '../capture/capture.ts'
import { Kept, type KeptMessage } from '../capture/kept.ts'
import type { KeptAt } from '../protocol/protocol.ts'

/** A portion is written in one go; more than this waits for the next second. */
const PORTION_MESSAGES_MAX = 20_000

export class Keeper {
  private readonly capture: Capture
  private readonly kept: Kept
  /** The first message that is not written yet. */
  private nextSeq: number
  private isWriting = false
  private hasEarlier = true

  private constructor(capture: Capture, kept: Kept) {
    this.capture = capture
    this.kept = kept
    this.nextSeq = capture.ring.first
  }

  /** Null: this browser keeps nothing. */
  static async start(capture: Capture, at: KeptAt): Promise<Keeper | null> {
    try {
      const kept = await Kept.open(at)
      for (const message of await kept.load()) capture.restore(message)
      return new Keeper(capture, kept)
    } catch {
      return null
    }
  }

  /** To be called about once a second. */
  async tick(): Promise<void> {
    if (this.isWriting) return
    const { ring } = this.capture
    const from = Math.max(this.nextSeq, ring.first)
    const to = Math.min(ring.next, from + PORTION_MESSAGES_MAX)
    if (from === to) return
    const messages: KeptMessage[] = []
    for (let seq = from; seq < to; seq++) {
      const arrival = this.capture.arrivalOf(seq)
      if (arrival !== null) messages.push({ ...arrival, seq })
    }
    this.nextSeq = to
    this.isWriting = true
    try {
      await this.kept.add(messages)
      if (this.hasEarlier) await this.kept.dropEarlier()
      this.hasEarlier = false
    } catch {
      // The browser's room is full: what comes is still seen, but not kept.
    }
    this.isWriting = false
  }

  forget(seq: number): void {
    void this.kept.forget(seq).catch(() => {})
  }

  clear(): void {
    this.nextSeq = this.capture.ring.next
    void this.kept.clear().catch(() => {})
  }
}

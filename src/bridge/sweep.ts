/**
 * Frees every packet identifier that the remote's session may hold: a PUBREL for each, and the wait for as many PUBCOMPs.
 *
 *     local session new, or this remote is not the one that it was in step with:
 *         ── PUBREL 1 … 65535 ──▶     ◀── 65,535 × PUBCOMP ──     only then messages cross
 *
 * Otherwise the remote would take the next QoS 2 message under such an identifier for a repeated one, and drop it. A cut on
 * the way leaves some of them held, so only the last answer says that they are free. [MQTT-4.3.3-10], [MQTT-4.3.3-11]
 */
import { appendAck } from '../codec/ack.ts'
import type { ByteWriter } from '../codec/byte-writer.ts'
import { PacketType, type Version } from '../codec/packets.ts'
import type { Runtime, TimerHandle } from '../client/ports.ts'

const PACKET_IDS = 65_535
/** A remote that answers none of them for so long will not answer the others either. */
const SILENCE_MS = 10_000

export class Sweep {
  private left = PACKET_IDS
  private timer: TimerHandle | null = null
  private readonly runtime: Runtime
  /** `isWhole`: all were answered. Called once, unless {@link end} comes first. */
  private readonly done: (isWhole: boolean) => void

  constructor(runtime: Runtime, done: (isWhole: boolean) => void) {
    this.runtime = runtime
    this.done = done
    this.watch(PACKET_IDS)
  }

  /** Writes the PUBRELs: 256 KiB. */
  append(out: ByteWriter, version: Version): void {
    for (let packetId = 1; packetId <= PACKET_IDS; packetId++)
      appendAck(out, version, PacketType.pubrel, packetId, 0)
  }

  /** No PUBREL was answered yet. */
  get isInVain(): boolean {
    return this.left === PACKET_IDS
  }

  /** A PUBCOMP came: until all have, no other kind is due. */
  answered(): void {
    if (--this.left === 0) this.finish(true)
  }

  end(): void {
    if (this.timer !== null) this.runtime.clearTimer(this.timer)
    this.timer = null
  }

  private watch(before: number): void {
    this.timer = this.runtime.setTimer(SILENCE_MS, () => {
      if (this.left === before) this.finish(false)
      else this.watch(this.left)
    })
  }

  private finish(isWhole: boolean): void {
    this.end()
    this.done(isWhole)
  }
}

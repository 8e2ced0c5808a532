/**
 * What goes out, in bundles: packets collect in one array until the end of the turn, then it is written at once.
 *
 *     append, append, append ──▶ writer ──soon──▶ wire.write ──▶ taken:    the same array again
 *                                                           └──▶ kept:     `inWire`; a second array collects
 *                                                                          until `drained`
 */
import { ByteWriter } from '../codec/byte-writer.ts'
import type { Runtime, Wire } from './ports.ts'

const FIRST_BYTES = 4096
/** From here on a bundle does not wait for the end of the turn. */
const BUNDLE_BYTES = 64 * 1024
/**
 * After this much without a turn's end the caller has to wait for one. The network may well take more, but a loop that awaits
 * what is done already would never let anything else happen: no input, no timer.
 */
const TURN_BYTES = 1024 * 1024
/** An array larger than this is not kept once it is sent. */
const KEEP_BYTES = 512 * 1024

export class Output {
  /** Write into it, then call {@link written}. */
  readonly writer = new ByteWriter(new Uint8Array(FIRST_BYTES))
  private readonly runtime: Runtime
  private readonly flushSoon: () => void
  private wire: Wire | null = null
  private spare: Uint8Array | null = null
  private inWire: Uint8Array | null = null
  private isScheduled = false
  private turnBytes = 0
  private isResting = false
  /** Called when {@link isFull} has become false because the turn is over. */
  onRested: () => void = () => undefined
  /** When bytes were last handed to the wire, by the monotonic clock. */
  lastWriteMs = 0

  constructor(runtime: Runtime) {
    this.runtime = runtime
    this.flushSoon = () => {
      this.isScheduled = false
      this.turnBytes = 0
      this.flush()
    }
  }

  /** From now on everything goes to `wire`; null: nowhere, and what was not sent is forgotten. */
  use(wire: Wire | null): void {
    this.wire = wire
    this.writer.length = 0
    this.inWire = null
  }

  /** The wire does not keep up, and a bundle waits behind what it holds; or the turn has written enough. */
  get isFull(): boolean {
    return this.isResting || (this.inWire !== null && this.writer.length >= BUNDLE_BYTES)
  }

  get isEmpty(): boolean {
    return this.inWire === null && this.writer.length === 0
  }

  /** Something was appended to {@link writer}. */
  written(): void {
    if (this.writer.length >= BUNDLE_BYTES) this.flushBundle()
    else if (!this.isScheduled) {
      this.isScheduled = true
      this.runtime.soon(this.flushSoon)
    }
  }

  private flushBundle(): void {
    this.turnBytes += this.writer.length
    this.flush()
    if (this.turnBytes < TURN_BYTES || this.isResting) return
    this.isResting = true
    this.runtime.soon(() => {
      this.isResting = false
      this.turnBytes = 0
      this.onRested()
    })
  }

  flush(): void {
    const { writer, wire } = this
    if (wire === null || this.inWire !== null || writer.length === 0) return
    const { bytes, length } = writer
    writer.length = 0
    this.lastWriteMs = this.runtime.monotonicMs()
    if (!wire.write(bytes, length)) {
      this.inWire = bytes
      writer.bytes = this.spare ?? new Uint8Array(FIRST_BYTES)
      this.spare = null
    } else if (bytes.length > KEEP_BYTES) writer.bytes = new Uint8Array(FIRST_BYTES)
  }

  /** The wire has given its array back. */
  drained(): void {
    const { inWire } = this
    this.inWire = null
    if (inWire !== null && inWire.length <= KEEP_BYTES) this.spare = inWire
    this.flush()
  }
}

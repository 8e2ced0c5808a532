/**
 * While a bridge is connected to a backup: would the first address take it again?
 *
 *     every 5 s:  CONNECT ─▶ CONNACK that lets us in ─▶ DISCONNECT ─▶ back
 *
 * An open port alone says little: a proxy has one without its broker, a broker that starts refuses everybody. Who lets us in
 * and then fails all the same is asked less and less often, since each time costs the link that works.
 */
import { decodePacket } from '../codec/decode.ts'
import { encodePacket } from '../codec/encode.ts'
import { ByteWriter } from '../codec/byte-writer.ts'
import { Framer } from '../codec/framer.ts'
import { PacketType, type Packet } from '../codec/packets.ts'
import type { Runtime, TimerHandle, Wire } from '../client/ports.ts'
import { connectPacket, lesserSpeech, speechOf, type Speech } from './greeting.ts'
import type { BridgeSettings } from './settings.ts'

const LOOK_MS = 5_000
const LOOK_MS_MAX = 300_000

export class PrimaryWatch {
  private readonly runtime: Runtime
  private readonly back: (speech: Speech) => void
  private lookMs = LOOK_MS
  private timer: TimerHandle | null = null
  private wire: Wire | null = null
  private speech: Speech | null = null
  private hasAsked = false

  /** `back`: the first address lets the bridge in, spoken to like this. */
  constructor(runtime: Runtime, back: (speech: Speech) => void) {
    this.runtime = runtime
    this.back = back
  }

  /**
   * The bridge's own connection ended: was it because both addresses lead to one session, and this took it over? True also
   * when it ended by chance while the first address was asked.
   */
  hasTakenOver(): boolean {
    if (this.hasAsked) this.askLess()
    return this.hasAsked
  }

  begin(settings: BridgeSettings): void {
    this.speech ??= speechOf(settings)
    this.timer = this.runtime.setTimer(this.lookMs, () => {
      this.end()
      this.begin(settings)
      this.ask(settings, this.speech ?? speechOf(settings))
    })
  }

  end(): void {
    if (this.timer !== null) this.runtime.clearTimer(this.timer)
    this.timer = null
    this.leave()
  }

  /** The first address has held, or is another one. */
  reset(): void {
    this.lookMs = LOOK_MS
    this.speech = null
  }

  private askLess(): void {
    this.lookMs = Math.min(this.lookMs * 2, LOOK_MS_MAX)
  }

  private leave(): void {
    const { wire } = this
    this.wire = null
    this.hasAsked = false
    wire?.destroy()
  }

  private ask(settings: BridgeSettings, speech: Speech): void {
    const framer = new Framer(settings.incomingPacketBytesMax)
    const say = (packet: Packet): void => {
      const out = new ByteWriter(new Uint8Array(512))
      encodePacket(out, speech.version, packet)
      wire.write(out.bytes, out.length)
    }
    const take = (first: number, bytes: Uint8Array, bodyStart: number, end: number): void => {
      const packet = decodePacket(speech.version, first, bytes, bodyStart, end, {
        fromClient: false,
      })
      if (packet.type !== PacketType.connack) return this.leave()
      if (packet.code !== 0) {
        this.speech = lesserSpeech(speech, packet.code) ?? speech
        return this.leave()
      }
      say({ type: PacketType.disconnect, reason: 0, properties: {} })
      this.wire = null
      wire.end()
      this.askLess()
      this.back(speech)
    }
    const wire: Wire = settings.addresses[0].dial({
      opened: () => {
        if (this.wire !== wire) return
        this.hasAsked = true
        say(connectPacket(settings, speech, false))
      },
      received: (chunk, start, end) => {
        if (this.wire !== wire) return
        try {
          framer.push(chunk, start, end, (first, bytes, _start, bodyStart, packetEnd) => {
            take(first, bytes, bodyStart, packetEnd)
            return false
          })
        } catch {
          // What is no MQTT is no broker.
          this.leave()
        }
      },
      drained: () => undefined,
      closed: () => {
        if (this.wire === wire) this.leave()
      },
    })
    this.wire = wire
  }
}

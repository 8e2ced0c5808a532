/** A bridge in virtual time: our core on one side, a remote that the test plays on the other. */
import { Bridge } from '../../src/bridge/bridge.ts'
import type { BridgeSettings, RemoteAddress } from '../../src/bridge/settings.ts'
import type { Runtime, Wire, WireEvents } from '../../src/client/ports.ts'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { readFrame, type FrameHeader } from '../../src/codec/frame.ts'
import { PacketType, type Packet, type Properties, type Version } from '../../src/codec/packets.ts'
import { DEFAULT_LIMITS, type Limits } from '../../src/ports/limits.ts'
import { createStage, type Stage } from '../broker/stage.ts'
import type { Timeline } from '../sim/world.ts'
import { ack, nameOf, type PacketName, type PacketOf } from '../support/packets.ts'

/** A line for what comes in. */
export const into = {
  pattern: 'in/#',
  direction: 'in',
  qos: 2,
  localPrefix: '',
  remotePrefix: '',
} as const

/** One connection of the bridge, as the remote sees it. */
export class Remote implements Wire {
  readonly inbox: Packet[] = []
  isClosed = false
  isPaused = false
  /** The network takes nothing: what is written stays with the bridge. */
  isBlocked = false
  /** Of which address. */
  readonly index: number
  private readonly stage: BridgeStage
  private readonly events: WireEvents
  private bytes = new ByteWriter(new Uint8Array(1024))

  constructor(stage: BridgeStage, events: WireEvents, index: number) {
    this.stage = stage
    this.events = events
    this.index = index
  }

  open(): this {
    this.events.opened()
    this.stage.pass(0)
    return this
  }

  send(...packets: Packet[]): void {
    const out = new ByteWriter(new Uint8Array(256))
    for (const packet of packets) encodePacket(out, this.stage.version, packet)
    this.sendBytes(out.bytes.slice(0, out.length))
  }

  sendBytes(bytes: Uint8Array): void {
    this.events.received(bytes, 0, bytes.length)
    bytes.fill(0xff)
    this.stage.pass(0)
  }

  /** The line is cut, or never stood. */
  cut(why = 'connection reset'): void {
    if (this.isClosed) return
    this.isClosed = true
    this.events.closed(new Error(why))
    this.stage.pass(0)
  }

  drain(): void {
    this.isBlocked = false
    this.events.drained()
    this.stage.pass(0)
  }

  /** Takes the first packet of this type; undefined: none came. */
  take<N extends PacketName>(name: N): PacketOf[N] | undefined {
    const index = this.inbox.findIndex((packet) => nameOf(packet) === name)
    return index < 0 ? undefined : (this.inbox.splice(index, 1)[0] as PacketOf[N])
  }

  /** Lets the bridge in and grants all it asks for, until it is up. */
  welcome(sessionPresent = false, properties: Properties = {}): this {
    this.open()
    this.take('connect')
    this.send({ type: PacketType.connack, sessionPresent, code: 0, properties })
    this.grant()
    this.answerSweep()
    this.stage.pass(10)
    return this
  }

  /** Answers PUBRELs for all identifiers, if that many came; `count`: no more than the first of them. */
  answerSweep(count = 65_535): void {
    const ids: number[] = []
    for (const packet of this.inbox)
      if (packet.type === PacketType.pubrel) ids.push(packet.packetId)
    if (ids.length !== 65_535) return
    this.send(...ids.slice(0, count).map((packetId) => ack('pubcomp', packetId)))
  }

  /** Answers every request there is. */
  grant(): void {
    for (const packet of this.inbox.splice(0)) {
      if (packet.type === PacketType.subscribe) {
        const codes = packet.filters.map(({ qos }) => qos)
        this.send({ type: PacketType.suback, packetId: packet.packetId, codes, properties: {} })
      } else if (packet.type === PacketType.unsubscribe) {
        const codes = packet.filters.map(() => 0)
        this.send({ type: PacketType.unsuback, packetId: packet.packetId, codes, properties: {} })
      } else this.inbox.push(packet)
    }
  }

  write(bytes: Uint8Array, length: number): boolean {
    this.bytes.append(bytes, 0, length)
    const frame: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }
    const all = this.bytes.bytes.slice(0, this.bytes.length)
    let at = 0
    for (; readFrame(all, at, all.length, frame); at = frame.frameEnd) {
      const { first, bodyStart, frameEnd } = frame
      const options = { fromClient: true }
      this.inbox.push(decodePacket(this.stage.version, first, all, bodyStart, frameEnd, options))
    }
    this.bytes = new ByteWriter(all.slice(at))
    this.bytes.length = all.length - at
    return !this.isBlocked
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  end(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.stage.time.at(0, () => this.events.closed(null))
  }
}

export interface BridgeStage {
  readonly time: Timeline
  readonly here: Stage
  /** The latest, see {@link restart}. */
  bridge: Bridge
  readonly version: Version
  /** Connections that the bridge made, the latest last. */
  readonly remotes: Remote[]
  /** The latest. */
  remote(): Remote
  pass(ms: number): void
  /** The bridge of a process that starts with the sessions of the one before. */
  restart(): void
  /** The bridge's settings with some of them changed. */
  settings(changes: Partial<BridgeSettings>): BridgeSettings
  readonly log: string[]
}

export const SETTINGS: Omit<BridgeSettings, 'addresses'> = {
  name: 'b',
  roundRobin: false,
  topics: [{ pattern: '#', direction: 'both', qos: 2, localPrefix: '', remotePrefix: '' }],
  version: 4,
  tryPrivate: true,
  cleanSession: false,
  localCleanSession: false,
  localClientId: 'local.b',
  remoteClientId: 'remote.b',
  username: null,
  password: null,
  localUsername: null,
  keepAliveSeconds: 60,
  startType: 'automatic',
  idleTimeoutMs: 60_000,
  threshold: 10,
  restart: { baseMs: 1000, capMs: 1000, stableMs: 5000 },
  notifications: false,
  notificationsLocalOnly: false,
  notificationTopic: '$SYS/broker/connection/remote.b/state',
  attemptUnsubscribe: false,
  outgoingRetain: true,
  packetBytesMax: 0,
  incomingPacketBytesMax: 100_000,
  topicAliasMaximum: 0,
  inflightMax: 100,
  receiveMaximum: 20,
  sessionExpirySeconds: 0xffffffff,
  hopsMax: 0,
  bounds: DEFAULT_LIMITS,
  connectTimeoutMs: 30_000,
}

function runtimeOf(time: Timeline): Runtime {
  return {
    random: { fill: (bytes) => void bytes.fill(7), unit: () => 0.5 },
    monotonicMs: () => time.nowMs,
    setTimer(delayMs, fire) {
      const timer = { isSet: true }
      time.at(delayMs, () => timer.isSet && fire())
      return timer
    },
    clearTimer: (timer) => void ((timer as { isSet: boolean }).isSet = false),
    soon: (call) => time.at(0, call),
  }
}

/** The bridge is prepared and started; nothing has answered it yet. */
export function createBridgeStage(
  changes: Partial<BridgeSettings> = {},
  limits: Partial<Limits> = {},
  addressCount = 1,
  before: (here: Stage) => void = () => {},
): BridgeStage {
  const here = createStage(limits)
  before(here)
  const { time } = here
  const remotes: Remote[] = []
  const addresses = Array.from({ length: addressCount }, (_, index): RemoteAddress => ({
    name: `remote${index}`,
    dial: (events) => {
      const remote = new Remote(stage, events, index)
      remotes.push(remote)
      return remote
    },
  }))
  const bounds = { ...DEFAULT_LIMITS, ...limits }
  const settings = { ...SETTINGS, bounds, addresses, ...changes }
  const log: string[] = []
  const bridgeOf = (): Bridge =>
    new Bridge(settings, {
      broker: here.node.broker,
      runtime: runtimeOf(time),
      log: { mask: 0xff, write: (_type, text) => void log.push(text) },
      wallMs: () => time.nowMs,
    })
  const start = (): void => {
    stage.bridge.prepare(() => stage.bridge.start())
    here.pass(10)
  }
  const stage: BridgeStage = {
    time,
    here,
    bridge: bridgeOf(),
    version: settings.version,
    remotes,
    remote: () => remotes.at(-1) as Remote,
    pass: (ms) => here.pass(ms),
    restart() {
      stage.bridge.close(false)
      stage.bridge = bridgeOf()
      start()
    },
    settings: (other) => ({ ...settings, ...other }),
    log,
  }
  start()
  return stage
}

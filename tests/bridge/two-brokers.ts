/**
 * Two whole brokers and a bridge in virtual time, where everything happens that can: cuts, crashes of either side, writes
 * that stall, pause, resume and other settings at any moment. All of it from one seed.
 *
 *     author ──▶ here ══ bridge ══ there ──▶ reader          and the same from right to left
 */
import { Bridge } from '../../src/bridge/bridge.ts'
import type { BridgeSettings } from '../../src/bridge/settings.ts'
import type { Runtime, Wire, WireEvents } from '../../src/client/ports.ts'
import type { Qos } from '../../src/codec/packets.ts'
import { MemoryData } from '../../src/store/memory-store.ts'
import { SimClient } from '../sim/client.ts'
import { seeded, SimLink, SimNode, Timeline, type FarEnd } from '../sim/world.ts'
import { SETTINGS } from './bridge-stage.ts'

const DELAY_MS = 5
const EVENTS = 120
const DRAIN_MS = 60_000

/** The bridge's socket, whose other end is a link of the broker there. */
class SimWire implements Wire, FarEnd {
  /** Neither left by the bridge nor cut. */
  isLive = true
  private readonly world: World
  private readonly events: WireEvents
  private readonly alive: (run: () => void) => void
  private link: SimLink | null = null
  private isPaused = false
  private waiting: Uint8Array[] = []

  constructor(world: World, events: WireEvents, alive: (run: () => void) => void) {
    this.world = world
    this.events = events
    this.alive = alive
    const { time, random } = world
    time.at(random() * DELAY_MS, () => {
      if (!this.isLive) return
      const node = world.nodes.there
      if (node.dead) return this.closed()
      this.link = new SimLink(node, this, 'bridge', DELAY_MS)
      alive(() => events.opened())
    })
  }

  write(bytes: Uint8Array, length: number): boolean {
    const { time, random } = this.world
    if (random() < 0.8) {
      this.link?.send(bytes.slice(0, length))
      return true
    }
    time.at(random() * 30, () => {
      this.link?.send(bytes.slice(0, length))
      this.alive(() => this.events.drained())
    })
    return false
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    for (const bytes of this.waiting.splice(0)) this.receive(bytes)
  }

  end(): void {
    this.isLive = false
    this.world.time.at(DELAY_MS * 4, () => this.link?.drop())
  }

  destroy(): void {
    this.isLive = false
    this.link?.drop()
  }

  /** Pulls the plug. */
  cut(): void {
    this.link?.drop()
  }

  receive(bytes: Uint8Array): void {
    if (this.isPaused) return void this.waiting.push(bytes)
    this.alive(() => this.events.received(bytes, 0, bytes.length))
    bytes.fill(0xee)
  }

  closed(): void {
    this.isLive = false
    this.world.time.at(0, () => this.alive(() => this.events.closed(new Error('cut'))))
  }
}

type Side = 'here' | 'there'

class World {
  readonly time = new Timeline()
  readonly random: () => number
  readonly data = { here: new MemoryData(), there: new MemoryData() }
  readonly nodes: Record<Side, SimNode>
  readonly wires: SimWire[] = []
  readonly problems: string[] = []
  settings: BridgeSettings
  bridge: Bridge
  /** Timers that are set, of the bridge that is. */
  timers = new Set<object>()
  private readonly authors: Record<Side, SimClient>
  private readonly readers: Record<Side, SimClient>
  private readonly sent: Record<Side, string[]> = { here: [], there: [] }
  private readonly qos: Qos

  constructor(seed: number, version: 3 | 4 | 5, qos: Qos, changes: Partial<BridgeSettings>) {
    this.random = seeded(seed)
    this.qos = qos
    this.nodes = { here: this.node('here'), there: this.node('there') }
    this.settings = {
      ...SETTINGS,
      version,
      inflightMax: 1 + Math.floor(this.random() * 20),
      topicAliasMaximum: version === 5 ? 3 : 0,
      restart: { baseMs: 50, capMs: 200, stableMs: 1000 },
      addresses: [{ name: 'there', dial: (events) => this.dial(events) }],
      topics: [
        { pattern: 'out/#', direction: 'out', qos: 2, localPrefix: '', remotePrefix: 'far/' },
        { pattern: 'in/#', direction: 'in', qos: 2, localPrefix: 'near/', remotePrefix: '' },
      ],
      ...changes,
    }
    this.pass(20)
    this.bridge = this.bridgeOf()
    const client = (name: string): SimClient => new SimClient(name, 5, true)
    this.authors = { here: client('author here'), there: client('author there') }
    this.readers = { here: client('reader here'), there: client('reader there') }
    this.readers.here.standing.push({ filter: 'near/in/#', qos: 2 })
    this.readers.there.standing.push({ filter: 'far/out/#', qos: 2 })
    this.comeBack()
    // Who has not subscribed yet has no claim to what is published.
    const isSubscribed = (): boolean =>
      this.bridge.status().state === 'up' &&
      Object.values(this.readers).every(({ granted }) => granted.size > 0)
    for (let left = 100; !isSubscribed() && left > 0; left--) this.pass(100)
  }

  /** Everything random happens, everything heals, everything drains. */
  run(): void {
    for (let left = EVENTS; left > 0; left--) {
      this.something()
      this.pass(this.random() * 60)
      this.look()
    }
    this.bridge.resume()
    const isDone = (): boolean =>
      Object.values(this.authors).every(({ idle }) => idle) &&
      Object.values(this.readers).every(({ connected }) => connected) &&
      this.bridge.status().state === 'up' &&
      this.bridge.status().queued === 0
    for (let ms = 0; ms < DRAIN_MS && !isDone(); ms += 100) {
      this.comeBack()
      this.pass(100)
    }
    // A far end may not read for a while, more than once.
    this.pass(20_000)
    this.judge('here', 'there')
    this.judge('there', 'here')
    this.bridge.close(false)
    this.pass(3000)
    if (this.timers.size > 0) this.problems.push(`${this.timers.size} timers are left`)
    if (this.wires.some(({ isLive }) => isLive)) this.problems.push('a link is left')
  }

  private something(): void {
    const { random, bridge } = this
    const lot = random()
    if (lot < 0.6) this.publish(random() < 0.5 ? 'here' : 'there')
    else if (lot < 0.7) this.wires.at(-1)?.cut()
    else if (lot < 0.73) bridge.pause()
    else if (lot < 0.8) bridge.resume()
    else if (lot < 0.85) this.change()
    else if (lot < 0.88) this.crash('here')
    else if (lot < 0.91) this.crash('there')
    else if (lot < 0.94) for (const reader of Object.values(this.readers)) reader.cut()
    else this.comeBack()
  }

  private publish(side: Side): void {
    const topic = side === 'here' ? 'out/a' : 'in/a'
    const sent = this.sent[side]
    for (let left = 1 + Math.floor(this.random() * 8); left > 0; left--) {
      sent.push(`${sent.length}`)
      this.authors[side].publish(topic, sent.at(-1) as string, this.qos)
    }
  }

  private change(): void {
    const { random, settings } = this
    const keepAliveSeconds = 10 + Math.floor(random() * 50)
    const [out, into] = settings.topics
    const extra = { ...out, pattern: 'more', localPrefix: '' }
    const topics = random() < 0.5 ? [out, into] : [out, into, extra]
    this.settings = { ...settings, keepAliveSeconds, topics }
    this.bridge.change(this.settings, random() < 0.5)
  }

  private crash(side: Side): void {
    this.nodes[side].crash()
    if (side === 'here') for (const wire of this.wires) wire.cut()
    else this.wires.at(-1)?.cut()
    this.authors[side].cut()
    this.readers[side].cut()
    this.pass(this.random() * 100)
    this.nodes[side] = this.node(side)
    this.pass(20)
    if (side !== 'here') return
    for (const wire of this.wires) wire.isLive = false
    this.timers = new Set()
    this.bridge = this.bridgeOf()
  }

  private comeBack(): void {
    for (const side of ['here', 'there'] as const)
      for (const client of [this.authors[side], this.readers[side]])
        if (!client.connected) client.connect(this.nodes[side], DELAY_MS)
  }

  private node(side: Side): SimNode {
    const { time, random } = this
    const data = this.data[side]
    return new SimNode({ time, random, data, name: side, storeDelayMs: 3, disk: {} })
  }

  /** A bridge on the broker here, prepared before clients come, as the program does it. */
  private bridgeOf(): Bridge {
    const node = this.nodes.here
    const runtime = this.runtimeOf(node, this.timers)
    const { time } = this
    const bridge = new Bridge(this.settings, {
      broker: node.broker,
      runtime,
      log: { mask: 0, write: () => undefined },
      wallMs: () => time.nowMs,
    })
    const prepared = { done: false }
    bridge.prepare(() => {
      prepared.done = true
      bridge.start()
    })
    for (let left = 100; !prepared.done && left > 0; left--) this.pass(10)
    if (!prepared.done) this.problems.push('a bridge was not prepared')
    return bridge
  }

  private runtimeOf(node: SimNode, timers: Set<object>): Runtime {
    const { time, random } = this
    return {
      random: { fill: (bytes) => void bytes.fill(7), unit: random },
      monotonicMs: () => time.nowMs,
      setTimer(delayMs, fire) {
        const timer = {}
        timers.add(timer)
        time.at(delayMs, () => timers.delete(timer) && node.alive(fire))
        return timer
      },
      clearTimer: (timer) => void timers.delete(timer as object),
      soon: (call) => time.at(0, () => node.alive(call)),
    }
  }

  private dial(events: WireEvents): Wire {
    const node = this.nodes.here
    const wire = new SimWire(this, events, (run) => node.alive(run))
    this.wires.push(wire)
    return wire
  }

  private look(): void {
    const live = this.wires.filter(({ isLive }) => isLive).length
    if (live > 1) this.problems.push(`${live} links at once`)
  }

  /** Everything that was published on `side` came to the other one: in order, at QoS 2 once. */
  private judge(side: Side, other: Side): void {
    const firsts = [...new Set(this.readers[other].received.map(({ payload }) => payload))]
    const sent = this.sent[side].join()
    if (firsts.join() !== sent)
      this.problems.push(`from ${side}: sent ${sent}\n  came ${firsts.join()}`)
    const twice = this.readers[other].received.length - firsts.length
    if (this.qos === 2 && twice > 0) this.problems.push(`from ${side}: ${twice} came twice`)
    for (const client of [this.authors[side], this.readers[side]]) {
      this.problems.push(...client.violations)
      if (client.lostSession) this.problems.push(`${client.id} lost its session`)
    }
    this.problems.push(...this.nodes[side].errors)
  }

  private pass(ms: number): void {
    this.time.run(this.time.nowMs + ms)
  }
}

/** What went wrong in the world of this seed, and how the bridge says it is. */
export function stormOf(
  seed: number,
  version: 3 | 4 | 5,
  qos: Qos,
  changes: Partial<BridgeSettings> = {},
): string[] {
  const world = new World(seed, version, qos, changes)
  world.run()
  if (world.problems.length > 0) world.problems.push(JSON.stringify(world.bridge.status()))
  return world.problems
}

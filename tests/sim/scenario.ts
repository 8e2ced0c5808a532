/**
 * One run of the simulator.
 *
 * Strategy: durable publishers and subscribers of both versions exchange numbered messages while links are
 * cut, store answers are late and the broker is thrown away and made anew on the same data. At the end
 * everyone comes back and everything drains.
 *
 * Invariants: what was acknowledged reaches every durable subscriber; QoS 2 on both legs exactly once; first
 * deliveries in order for each publisher, topic and QoS; the retained message is the last write; a will
 * appears at most once; windows and output keep their bounds; the core logs no error.
 */
import type { Qos } from '../../src/codec/packets.ts'
import type { Store } from '../../src/broker/ports.ts'
import { MemoryData } from '../../src/store/memory-store.ts'
import { matches } from '../../src/topics/names.ts'
import { SimClient } from './client.ts'
import { seeded, SimNode, Timeline } from './world.ts'

const STEPS = 160
const WINDOW = 25

interface Sent {
  readonly topic: string
  readonly payload: string
  readonly qos: Qos
  readonly publisher: string
  readonly serial: number
}

interface Subscriber {
  readonly client: SimClient
  readonly filter: string
  readonly qos: Qos
}

/** Runs the scenario of `seed`; returns what went wrong, nothing when all held. */
export function simulate(seed: number, wrap?: (store: Store) => Store): string[] {
  return new Simulation(seed, wrap).run()
}

class Simulation {
  private readonly random: () => number
  private readonly time = new Timeline()
  private readonly data = new MemoryData()
  private readonly problems: string[] = []
  private readonly sent: Sent[] = []
  private readonly publishers: SimClient[]
  private readonly subscribers: Subscriber[]
  private readonly mourner: SimClient
  private readonly wrap: ((store: Store) => Store) | undefined
  private readonly storeDelayMs: number
  private node: SimNode
  private lastRetained = ''
  private wills = 0

  constructor(seed: number, wrap?: (store: Store) => Store) {
    this.random = seeded(seed)
    this.wrap = wrap
    this.storeDelayMs = this.random() < 0.5 ? 0 : this.random() * 200
    this.node = this.newNode()
    const count = 1 + this.pick(3)
    this.publishers = Array.from({ length: count }, (_, n) => this.newClient(`p${n}`))
    const filters = ['t/#', 't/+', 't/0', 't/1', '+/1']
    this.subscribers = Array.from({ length: 1 + this.pick(4) }, (_, n) => ({
      client: this.newClient(`s${n}`),
      filter: filters[this.pick(filters.length)],
      qos: (1 + this.pick(2)) as Qos,
    }))
    this.subscribers.push({ client: this.newClient('widow'), filter: 'wills/#', qos: 2 })
    this.mourner = this.newClient('mourner')
  }

  run(): string[] {
    this.time.run(this.time.nowMs + 500)
    for (const client of this.all()) client.connect(this.node, 30)
    this.time.run(this.time.nowMs + 2000)
    for (const { client, filter, qos } of this.subscribers) client.subscribe(filter, qos)
    this.time.run(this.time.nowMs + 2000)
    for (const { client, filter } of this.subscribers)
      if (!client.granted.has(filter)) this.problems.push(`${client.id}: no SUBACK`)
    for (let step = 0; step < STEPS; step++) this.step()
    this.drain()
    this.check()
    return this.problems
  }

  private all(): SimClient[] {
    return [...this.publishers, ...this.subscribers.map(({ client }) => client), this.mourner]
  }

  private newClient(id: string): SimClient {
    return new SimClient(id, this.random() < 0.5 ? 4 : 5, true)
  }

  private newNode(): SimNode {
    return new SimNode({
      time: this.time,
      random: this.random,
      data: this.data,
      name: 'a',
      storeDelayMs: this.storeDelayMs,
      limits: { queuedMax: 0, windowMax: WINDOW, inflightMax: 0, queueWindow: 8 },
      wrap: this.wrap,
    })
  }

  private pick(count: number): number {
    return Math.floor(this.random() * count)
  }

  private step(): void {
    const dice = this.random()
    if (dice < 0.72) this.publishSome()
    else if (dice < 0.84) this.all()[this.pick(this.all().length)].cut()
    else if (dice < 0.87) this.restart()
    else this.reconnect()
    this.time.run(this.time.nowMs + this.random() * 60)
  }

  private publishSome(): void {
    const client = this.publishers[this.pick(this.publishers.length)]
    if (!client.connected) return
    const topic = `t/${this.pick(2)}`
    const qos = (1 + this.pick(2)) as Qos
    for (let count = 1 + this.pick(12); count > 0; count--) {
      const serial = this.sent.length
      const payload = `${client.id} ${serial}`
      this.sent.push({ topic, payload, qos, publisher: client.id, serial })
      client.publish(topic, payload, qos)
    }
    const first = this.publishers[0]
    if (!first.connected || this.random() > 0.2) return
    this.lastRetained = `kept ${this.sent.length}`
    first.publish('kept', this.lastRetained, 1, true)
  }

  /** The broker is gone with all it had in memory; a new one stands on the same data. */
  private restart(): void {
    this.problems.push(...this.node.errors)
    this.node.dead = true
    for (const client of this.all()) client.cut()
    this.node = this.newNode()
    this.time.run(this.time.nowMs + 1)
  }

  private reconnect(): void {
    for (const client of this.all()) {
      if (client.connected || this.random() < 0.4) continue
      if (client === this.mourner) {
        client.will = { topic: `wills/${++this.wills}`, payload: 'gone' }
      }
      client.connect(this.node, this.random() * 80)
    }
  }

  private drain(): void {
    for (let round = 0; round < 40; round++) {
      for (const client of this.all()) if (!client.connected) client.connect(this.node, 10)
      this.time.run(this.time.nowMs + 3000)
      if (this.publishers.every(({ idle }) => idle)) break
    }
    this.time.run(this.time.nowMs + 20_000)
  }

  private check(): void {
    this.problems.push(...this.node.errors)
    for (const client of this.all()) {
      if (client.lostSession) this.problems.push(`${client.id}: its session was lost`)
      if (client.largestWindow > WINDOW)
        this.problems.push(`${client.id}: ${client.largestWindow} messages in flight`)
    }
    for (const publisher of this.publishers)
      if (!publisher.idle) this.problems.push(`${publisher.id}: still waits for acknowledgements`)
    for (const subscriber of this.subscribers) this.checkSubscriber(subscriber)
    this.checkRetained()
  }

  private checkSubscriber({ client, filter, qos }: Subscriber): void {
    const counts = new Map<string, number>()
    for (const { payload, topic } of client.received) {
      const key = filter === 'wills/#' ? topic : payload
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    if (filter === 'wills/#') {
      for (const [topic, count] of counts)
        if (count > 1) this.problems.push(`${topic}: ${count} wills`)
      return
    }
    for (const sent of this.sent) {
      const count = counts.get(sent.payload) ?? 0
      const isWanted = matches(filter, sent.topic)
      if (!isWanted && count > 0) this.problems.push(`${client.id}: not for it: ${sent.payload}`)
      if (isWanted && count === 0) this.problems.push(`${client.id}: lost ${sent.payload}`)
      if (qos === 2 && sent.qos === 2 && count > 1)
        this.problems.push(`${client.id}: ${count} times ${sent.payload}`)
    }
    this.checkOrder(client)
  }

  private checkOrder(client: SimClient): void {
    const seen = new Set<string>()
    const last = new Map<string, number>()
    for (const { payload } of client.received) {
      const sent = this.sent[Number(payload.split(' ')[1])]
      if (sent === undefined || seen.has(payload)) continue
      seen.add(payload)
      const key = `${sent.publisher} ${sent.topic} ${sent.qos}`
      if ((last.get(key) ?? -1) > sent.serial) this.problems.push(`${client.id}: ${payload} late`)
      last.set(key, sent.serial)
    }
  }

  private checkRetained(): void {
    const reader = new SimClient('reader', 5, false)
    reader.connect(this.node, 1)
    this.time.run(this.time.nowMs + 500)
    reader.subscribe('kept', 1)
    this.time.run(this.time.nowMs + 2000)
    const kept = reader.received.filter(({ retain }) => retain).map(({ payload }) => payload)
    const expected = this.lastRetained === '' ? [] : [this.lastRetained]
    if (kept.join() !== expected.join())
      this.problems.push(`retained is ${kept.join()}, last write ${expected.join()}`)
  }
}

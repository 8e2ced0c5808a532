/**
 * One run of the simulator.
 *
 * Strategy: publishers and subscribers of both versions, with durable and clean sessions, exchange numbered
 * messages while links are cut or die unnoticed, store answers are late, clients come and go, and the broker
 * stops or crashes and is made anew from what its store kept. At the end everyone comes back, everything drains,
 * and a last round of messages in the calm must reach all.
 *
 * Invariants: what was acknowledged reaches every durable subscriber; QoS 2 on both legs exactly once; first
 * deliveries in order for each publisher, topic and QoS; the retained message is the last write; a will appears
 * at most once, and does where it is owed; windows and output keep their bounds; the broker says nothing that
 * the protocol does not allow, and logs no error.
 */
import type { Limits } from '../../src/ports/limits.ts'
import type { Qos } from '../../src/codec/packets.ts'
import { MemoryData } from '../../src/store/memory-store.ts'
import { checkDelivery, checkManners, checkOrder, type Sent, type Subscriber } from './checkers.ts'
import { SimClient, type ClientOptions } from './client.ts'
import type { StoreFaults } from './crash-store.ts'
import { WillLedger } from './wills.ts'
import { seeded, SimNode, Timeline } from './world.ts'

const STEPS = 160
const FILTERS = ['t/#', 't/+', 't/0', 't/1', '+/1']
/** Beyond the limit a connection's output may hold the packet that passed it and what answers one chunk. */
const OUTPUT_SLACK = 24 * 1024
const LARGE = 20_000
/** Messages from one large one to the next: no window has two of them, for a window goes out in one turn. */
const LARGE_APART = 200

/** Runs the scenario of `seed`; returns what went wrong, nothing when all held. */
export function simulate(seed: number, faults: StoreFaults = {}): string[] {
  return new Simulation(seed, faults).run()
}

class Simulation {
  private readonly random: () => number
  private readonly time = new Timeline()
  private readonly data = new MemoryData()
  private readonly problems: string[] = []
  private readonly sent: Sent[] = []
  private readonly byPayload = new Map<string, Sent>()
  private readonly publishers: SimClient[]
  private readonly subscribers: Subscriber[]
  private readonly fickle: Subscriber
  private readonly widow: SimClient
  private readonly mourner: SimClient
  private readonly wills: WillLedger
  private readonly faults: StoreFaults
  private readonly storeDelayMs: number
  private readonly limits: Partial<Limits> & { windowMax: number; outputBytesMax: number }
  private node: SimNode
  private lastRetained = ''
  private nextLarge = 0

  constructor(seed: number, faults: StoreFaults) {
    this.random = seeded(seed)
    this.faults = faults
    this.storeDelayMs = this.random() < 0.5 ? 0 : this.random() * 200
    this.wills = new WillLedger(this.storeDelayMs + 300)
    this.limits = {
      queuedMax: 0,
      windowMax: this.one([5, 25]),
      inflightMax: this.one([0, 3, 20]),
      queueWindow: this.one([2, 8, 1000]),
      outputBytesMax: this.one([2048, 1 << 20]),
      workPerTurn: this.one([1, 40, 16_384]),
      receiversAtOnce: this.one([1, 2, 16]),
    }
    this.node = this.newNode()
    this.publishers = Array.from({ length: 1 + this.pick(3) }, (_, n) => this.newClient(`p${n}`))
    this.subscribers = Array.from({ length: 1 + this.pick(4) }, (_, n) => this.newSubscriber(n))
    this.fickle = this.subscribers[0]
    this.widow = this.newClient('widow')
    this.mourner = this.newClient('mourner')
  }

  run(): string[] {
    this.time.run(this.time.nowMs + 500)
    for (const client of this.all()) client.connect(this.node, 30)
    this.time.run(this.time.nowMs + 2000)
    for (const subscriber of this.subscribers) this.subscribe(subscriber)
    this.widow.subscribe('wills/#', 2)
    this.time.run(this.time.nowMs + 2000)
    for (const { client, filter } of this.subscribers)
      if (!client.granted.has(filter)) this.problems.push(`${client.id}: no SUBACK`)
    for (let step = 0; step < STEPS; step++) this.step()
    this.drain()
    this.calm()
    this.check()
    return this.problems
  }

  private all(): SimClient[] {
    const subscribers = this.subscribers.map(({ client }) => client)
    return [...this.publishers, ...subscribers, this.widow, this.mourner]
  }

  private newClient(id: string, durable = true): SimClient {
    const options: ClientOptions = {}
    if (this.random() < 0.5) options.receiveMaximum = 1 + this.pick(4)
    if (this.random() < 0.5) options.topicAliasMaximum = 1 + this.pick(2)
    const client = new SimClient(id, this.one([4, 5]), durable, options)
    client.onAcked = (payload) => {
      const sent = this.byPayload.get(payload)
      if (sent !== undefined) sent.ackedMs = this.time.nowMs
    }
    const slowMs = this.one([0, 40])
    let ackMs = 0
    client.ackLater = (run) => {
      ackMs = Math.max(ackMs, this.time.nowMs + this.random() * slowMs)
      this.time.at(ackMs - this.time.nowMs, run)
    }
    return client
  }

  private newSubscriber(n: number): Subscriber {
    const client = this.newClient(`s${n}`, n === 0 || this.random() < 0.7)
    const subscriber: Subscriber = {
      client,
      filter: this.one(FILTERS),
      qos: this.one([0, 1, 2]),
      standing: [],
    }
    client.onAnswer = (type) => {
      const last = subscriber.standing.at(-1)
      if (last === undefined) return
      if (type === 'suback') last.grantedMs = Math.min(last.grantedMs, this.time.nowMs)
      else last.leftMs = Math.min(last.leftMs, this.time.nowMs)
    }
    return subscriber
  }

  private newNode(): SimNode {
    return new SimNode({
      time: this.time,
      random: this.random,
      data: this.data,
      name: 'a',
      storeDelayMs: this.storeDelayMs,
      limits: this.limits,
      disk: this.faults,
    })
  }

  private pick(count: number): number {
    return Math.floor(this.random() * count)
  }

  private one<T>(values: readonly T[]): T {
    return values[this.pick(values.length)]
  }

  private step(): void {
    const dice = this.random()
    if (dice < 0.66) this.publishSome()
    else if (dice < 0.78) this.leave(this.one(this.all()))
    else if (dice < 0.81) this.restart()
    else if (dice < 0.86) this.changeMind()
    else this.reconnect()
    this.time.run(this.time.nowMs + this.random() * (this.random() < 0.05 ? 2000 : 60))
    const { outputBytes, sockets } = this.node.broker.counts()
    const outputMax = sockets * (this.limits.outputBytesMax + OUTPUT_SLACK)
    if (outputBytes > outputMax) this.problems.push(`${outputBytes} bytes of output`)
  }

  private publishSome(): void {
    const client = this.one(this.publishers)
    if (!client.connected) return
    const topic = `t/${this.pick(2)}`
    const qos = this.one<Qos>([0, 1, 1, 2, 2])
    for (let count = 1 + this.pick(12); count > 0; count--) this.publish(client, topic, qos, false)
    const first = this.publishers[0]
    if (!first.connected || this.random() > 0.2) return
    this.lastRetained = this.random() < 0.2 ? '' : `kept ${this.sent.length}`
    first.publish('kept', this.lastRetained, 1, true)
  }

  private publish(client: SimClient, topic: string, qos: Qos, calm: boolean): void {
    const serial = this.sent.length
    const isLarge = !calm && serial > this.nextLarge && this.random() < 0.02
    if (isLarge) this.nextLarge = serial + LARGE_APART
    const padding = isLarge ? ' '.repeat(LARGE) : ''
    const payload = `${client.id} ${serial}${padding}`
    const sent: Sent = {
      topic,
      payload,
      qos,
      publisher: client.id,
      serial,
      sentMs: this.time.nowMs,
      ackedMs: Infinity,
      calm,
    }
    this.sent.push(sent)
    this.byPayload.set(payload, sent)
    client.publish(topic, payload, qos)
  }

  private subscribe({ client, filter, qos, standing }: Subscriber): void {
    const last = standing.at(-1)
    if (last === undefined || last.leavingMs < Infinity)
      standing.push({
        askedMs: this.time.nowMs,
        grantedMs: Infinity,
        leavingMs: Infinity,
        leftMs: Infinity,
      })
    if (client.durable) client.subscribe(filter, qos)
    else if (client.standing.length === 0) {
      client.standing.push({ filter, qos })
      client.subscribe(filter, qos)
    }
  }

  /** One subscriber subscribes and unsubscribes all the time. */
  private changeMind(): void {
    const { client, filter, standing } = this.fickle
    // With two questions open nobody could say which of them an answer ends.
    if (!client.connected || client.asking) return
    const last = standing.at(-1)
    if (last === undefined || last.leftMs < Infinity) return this.subscribe(this.fickle)
    last.leavingMs = Math.min(last.leavingMs, this.time.nowMs)
    client.unsubscribe(filter)
  }

  /** A client goes: its line is cut, it says goodbye, or it is gone and nobody knows. */
  private leave(client: SimClient): void {
    const dice = this.random()
    const wasUp = client.connected
    if (dice < 0.6) {
      client.cut()
      if (client === this.mourner && wasUp) this.wills.cut(this.time.nowMs)
    } else if (dice < 0.8 && wasUp) {
      client.disconnect()
      if (client !== this.mourner) return
      this.time.run(this.time.nowMs + 2000)
      this.wills.disconnected()
    } else client.abandon()
  }

  /** The broker is gone with all it had in memory; a new one stands on what its store kept. */
  private restart(): void {
    const { node } = this
    if (this.random() < 0.3) {
      this.wills.stopped(this.mourner.connected)
      node.broker.stop(() => (node.dead = true))
      this.time.run(this.time.nowMs + 1000)
      if (!node.dead) this.problems.push('the broker does not stop')
    } else {
      this.wills.crashed(this.time.nowMs)
      node.crash()
    }
    this.problems.push(...node.errors)
    for (const client of this.all()) client.cut()
    this.node = this.newNode()
    this.time.run(this.time.nowMs + 1)
  }

  private reconnect(): void {
    for (const client of this.all())
      if (!client.connected && this.random() > 0.4) this.connect(client, this.random() * 80)
  }

  private connect(client: SimClient, delayMs: number): void {
    if (client === this.mourner) {
      const delaySeconds = client.version === 5 && this.random() < 0.5 ? 1 : 0
      const topic = this.wills.connecting(this.time.nowMs, delaySeconds * 1000)
      client.will = { topic, payload: 'gone', delaySeconds }
    }
    client.connect(this.node, delayMs)
  }

  private drain(): void {
    for (let round = 0; round < 40; round++) {
      for (const client of this.all()) if (!client.connected) this.connect(client, 10)
      this.time.run(this.time.nowMs + 3000)
      const { queued, outputBytes } = this.node.broker.counts()
      const isBack = this.all().every(({ connected }) => connected)
      const isDrained = this.publishers.every(({ idle }) => idle) && queued + outputBytes === 0
      // A CONNECT of a line that is long gone may come last, and take the session over.
      if (isBack && isDrained) break
    }
    this.time.run(this.time.nowMs + 20_000)
  }

  /** Nothing breaks any more: every message reaches everyone, whatever its QoS. */
  private calm(): void {
    this.subscribe(this.fickle)
    this.time.run(this.time.nowMs + 1000)
    for (let count = 0; count < 30; count++) {
      const qos = (count % 3) as Qos
      this.publish(this.one(this.publishers), `t/${this.pick(2)}`, qos, true)
      this.time.run(this.time.nowMs + 20)
    }
    this.time.run(this.time.nowMs + 20_000)
  }

  private check(): void {
    this.problems.push(...this.node.errors)
    for (const client of this.all()) {
      if (client.lostSession) this.problems.push(`${client.id}: its session was lost`)
      this.problems.push(...checkManners(client, this.limits.windowMax))
    }
    for (const publisher of this.publishers)
      if (!publisher.idle) this.problems.push(`${publisher.id}: still waits for acknowledgements`)
    for (const subscriber of this.subscribers) {
      this.problems.push(...checkDelivery(this.sent, subscriber))
      this.problems.push(...checkOrder(this.sent, subscriber))
    }
    this.checkWills()
    this.checkRetained()
  }

  private checkWills(): void {
    const seen = new Map<string, number>()
    for (const { topic } of this.widow.received) seen.set(topic, (seen.get(topic) ?? 0) + 1)
    this.problems.push(...this.wills.check(seen, this.time.nowMs))
  }

  private checkRetained(): void {
    const reader = new SimClient('reader', 5, false)
    reader.connect(this.node, 1)
    this.time.run(this.time.nowMs + 500)
    reader.subscribe('kept', 1)
    // Each write of a link that stalls may take a while.
    this.time.run(this.time.nowMs + 20_000)
    const kept = reader.received.filter(({ retain }) => retain).map(({ payload }) => payload)
    const expected = this.lastRetained === '' ? [] : [this.lastRetained]
    if (kept.join() !== expected.join())
      this.problems.push(`retained is ${kept.join()}, last write ${expected.join()}`)
  }
}

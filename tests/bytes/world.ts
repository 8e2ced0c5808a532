/** Draws clients, lets them publish, receive, leave and come back, and asks the ledger in the end. */
import type { Dice } from '../model/generate.ts'
import type { Version } from '../model/steps.ts'
import { BytesClient, type ClientPlan, type Subscription } from './client.ts'
import { ALIKE_BYTES_MAX, drawLength, payloadOf } from './content.ts'
import { CoreNet, type Spoil } from './core-net.ts'
import {
  drawClient,
  drawFilter,
  drawLimits,
  drawLine,
  drawProperties,
  drawTopics,
  type Topic,
} from './draw.ts'
import { Ledger, newOwed, type Published, type Subscribed } from './ledger.ts'
import { publishPacket } from './wire.ts'

const plain = (filter: string, qos: 0 | 1 | 2, rh: 0 | 2): Subscription => {
  return { filter, qos, nl: false, rap: false, rh }
}

const PHASE_MS = 6000
const ROUNDS_MAX = 100
/** That a report names. */
const MISSING_MAX = 5

interface Publisher {
  readonly index: number
  readonly client: BytesClient
  readonly topics: Topic[]
  readonly bytesMax: number
  readonly retains: number
  readonly bursts: readonly number[]
}

/** `spoil` changes what a client is sent: the ledger must notice. */
export class World {
  readonly ledger = new Ledger()
  private readonly dice: Dice
  private readonly net: CoreNet
  private readonly faults: string[] = []
  private readonly receivers: BytesClient[] = []
  private readonly publishers: Publisher[] = []
  private readonly leavers: BytesClient[] = []
  private readonly retained = new Map<string, Published>()
  private readonly byTopic = new Map<string, Published[]>()
  private readonly isTight: boolean
  private readonly isBounded: boolean
  private readonly bytesMax: number
  private bytesLeft: number
  private readers = 0
  private due = 0

  constructor(dice: Dice, random: () => number, spoil: Spoil) {
    this.dice = dice
    this.isTight = dice.chance(0.2)
    this.isBounded = dice.chance(0.1)
    this.bytesMax = dice.one([50, 1000, 20_000, 70_000, 300_000])
    this.bytesLeft = dice.one([200_000, 1_000_000, 4_000_000])
    const limits = drawLimits(dice, this.isTight, this.isBounded)
    const kind = dice.chance(0.2) ? 'level' : 'memory'
    const cores = dice.chance(0.4) ? dice.one([2, 3, 4]) : 1
    this.net = new CoreNet(dice, random, kind, cores, limits, spoil)
  }

  close(): Promise<void> {
    return this.net.close()
  }

  /** null: all is well. */
  async run(): Promise<string | null> {
    const { dice, net } = this
    for (let count = 1 + dice.below(7); count > 0; count--) this.addReceiver()
    if (dice.chance(0.3)) this.addGroup()
    for (let count = 1 + dice.below(4); count > 0; count--) this.addPublisher()
    for (let rounds = 0; this.due > 0 && rounds < ROUNDS_MAX; rounds++) await net.pass(50)
    if (this.due > 0) return this.report(['not everybody is subscribed'])
    this.planEvents()
    await net.pass(PHASE_MS)
    return this.finish()
  }

  private report(more: string[]): string | null {
    return [...this.faults, ...this.net.errors, ...more].slice(0, 8).join('\n') || null
  }

  private fail = (text: string): void => void this.faults.push(text)

  // ── who is there ──

  private newClient(plan: Partial<ClientPlan> & { clientId: string }): BytesClient {
    return new BytesClient(drawClient(this.dice, plan), this.net, this.ledger, this.fail)
  }

  private open(client: BytesClient, whenOpen: () => void): void {
    this.net.taste = drawLine(this.dice)
    client.connect(whenOpen)
  }

  private addReceiver(): void {
    const { dice } = this
    const isLeaver = dice.chance(0.3)
    const clientId = `r${this.receivers.length}`
    const client = this.newClient({ clientId, isDurable: isLeaver || dice.chance(0.2) })
    this.receivers.push(client)
    if (isLeaver) this.leavers.push(client)
    const isNew = client.plan.version === 5
    const count = isNew && dice.chance(0.3) ? 1 + dice.below(3) : 0
    const filters = new Set(Array.from({ length: Math.max(1, count) }, () => drawFilter(dice)))
    this.subscribe(client, [...filters], count > 0, isLeaver)
  }

  private subscribe(
    client: BytesClient,
    filters: string[],
    withIds: boolean,
    isLeaver: boolean,
  ): void {
    const { dice } = this
    const { clientId, version, mount, packetBytesMax } = client.plan
    const subscriptions = filters.map((filter, index) => {
      const qos = dice.one([0, 1, 1, 2, 2] as const)
      const id = withIds ? dice.one([index + 1, 128 + index, 268_435_450 + index]) : 0
      const isNew = version === 5
      const options = {
        nl: isNew && dice.chance(0.2),
        rap: isNew && dice.chance(0.4),
        rh: 2 as const,
      }
      const subscribed: Subscribed = {
        filter: mount + filter,
        qos,
        noLocal: options.nl,
        retainAsPublished: options.rap,
        subscriptionId: id,
      }
      const owed = newOwed({
        name: `${clientId} (${filter}, QoS ${qos})`,
        clientId,
        version,
        subscribed,
        mount,
        packetBytesMax,
        mayMiss: (it) =>
          this.isBounded || ((isLeaver || this.isTight) && Math.min(it.qos, qos) === 0),
        mayRepeat: isLeaver,
      })
      client.owed.set(id, owed)
      this.ledger.owed.push(owed)
      return { id, subscription: { filter, qos, ...options } }
    })
    this.due += subscriptions.length
    this.open(client, () => {
      if (client.connects > 1) return
      for (const [index, { id, subscription }] of subscriptions.entries())
        client.subscribe(60_000 + index, [subscription], id, () => void this.due--)
    })
  }

  /** Members of one version, QoS and mount point; they stay. */
  private addGroup(): void {
    const { dice } = this
    const version: Version = dice.chance(0.5) ? 5 : 4
    const qos = dice.one([0, 1, 2] as const)
    const filter = drawFilter(dice)
    const owed = newOwed({
      name: `group (${filter}, QoS ${qos})`,
      clientId: '',
      version,
      subscribed: { filter, qos, noLocal: false, retainAsPublished: false, subscriptionId: 0 },
      mayMiss: (it) => this.isBounded || (this.isTight && Math.min(it.qos, qos) === 0),
      isGroup: true,
    })
    this.ledger.owed.push(owed)
    for (let member = 0; member < 3; member++) {
      const client = this.newClient({
        clientId: `g${member}`,
        version,
        mount: '',
        packetBytesMax: Infinity,
      })
      this.receivers.push(client)
      client.owed.set(0, owed)
      this.due++
      const subscription = plain(`$share/g/${filter}`, qos, 2)
      this.open(client, () => client.subscribe(60_000, [subscription], 0, () => void this.due--))
    }
  }

  private addPublisher(): void {
    const { dice } = this
    const index = this.publishers.length
    const will = dice.chance(0.4)
      ? {
          topic: `f/${index}/w`,
          payload: payloadOf(index, 99, 0, drawLength(dice, 50_000)),
          qos: dice.one([0, 1, 2] as const),
        }
      : null
    const client = this.newClient({
      clientId: `p${index}`,
      will,
      window: dice.one([1, 20, 3000, 60_000]),
      packetBytesMax: Infinity,
    })
    this.publishers.push({
      index,
      client,
      topics: drawTopics(dice, index),
      bytesMax: this.bytesMax,
      retains: dice.one([0, 0, 0.2]),
      bursts: dice.one([[1], [1, 5, 30], [200, 10], [2500, 3]]),
    })
    if (client.plan.version === 5 && dice.chance(0.3)) this.subscribe(client, ['#'], false, false)
    else {
      this.due++
      this.open(client, () => void this.due--)
    }
  }

  // ── what happens ──

  private planEvents(): void {
    const { dice, net } = this
    for (const publisher of this.publishers)
      for (let count = 1 + dice.below(20); count > 0; count--)
        net.later(dice.below(PHASE_MS), () => this.burst(publisher))
    for (const client of this.leavers)
      for (let count = 1 + dice.below(5); count > 0; count--)
        net.later(dice.below(PHASE_MS), () => this.leave(client))
    for (const client of this.receivers)
      for (let count = client.plan.isDurable ? dice.below(6) : 0; count > 0; count--)
        net.later(dice.below(PHASE_MS), () => this.subscribeInBetween(client, count))
    if (dice.chance(0.4))
      for (let count = dice.below(4); count > 0; count--)
        net.later(dice.below(PHASE_MS), () => this.readWhilePublished())
  }

  private burst(publisher: Publisher): void {
    const { dice } = this
    const one = dice.chance(0.5) ? dice.one(publisher.topics) : null
    const most = dice.chance(0.5) ? publisher.bytesMax : 60
    for (let count = 1 + dice.below(dice.one(publisher.bursts)); count > 0; count--)
      this.publishOne(publisher, one ?? dice.one(publisher.topics), most)
  }

  private publishOne({ index, client, retains }: Publisher, topic: Topic, most: number): void {
    const { dice } = this
    const { version, mount, clientId } = client.plan
    const least = this.isBounded ? ALIKE_BYTES_MAX + 1 : 0
    const length = Math.max(least, drawLength(dice, most))
    const bytes = length + topic.name.length
    if (this.bytesLeft < bytes) return
    this.bytesLeft -= bytes
    const payload = payloadOf(index, Number(topic.name.split('/')[3][0]), topic.count++, length)
    const isNew = version === 5
    // Of those that look alike nobody could say which one came.
    const isRich = isNew && length > ALIKE_BYTES_MAX
    const it: Published = {
      topic: mount + topic.name,
      sender: clientId,
      qos: topic.qos,
      retain: dice.chance(retains),
      payload,
      forwarded: isRich && dice.chance(0.4) ? drawProperties(dice) : '',
      expirySeconds: isRich && dice.chance(0.3) ? 10_000 + dice.below(1000) : -1,
    }
    this.ledger.publish(it)
    const known = this.byTopic.get(it.topic) ?? []
    this.byTopic.set(it.topic, known)
    known.push(it)
    if (it.retain && length > 0) this.retained.set(it.topic, it)
    else if (it.retain) this.retained.delete(it.topic)
    const alias = isNew ? topic.alias : 0
    const name = alias > 0 && topic.isTold && dice.chance(0.8) ? '' : topic.name
    topic.isTold ||= alias > 0
    client.publish({ ...it, topic: name, alias })
  }

  private leave(client: BytesClient): void {
    if (!client.isOpen) return
    client.cut()
    this.net.later(this.dice.below(1500), () => this.open(client, () => {}))
  }

  /** Its SUBACK waits for the disk, and what comes meanwhile behind it. */
  private subscribeInBetween(client: BytesClient, index: number): void {
    if (client.isOpen)
      client.subscribe(50_000 + index, [plain(`nothing/${index}`, 0, 2)], 0, () => {})
  }

  /** Gets what is retained, and what comes meanwhile: all of it was published as it is. */
  private readWhilePublished(): void {
    const { dice, net } = this
    const client = this.newClient({ clientId: `x${this.readers++}`, mount: '', ackMs: 0 })
    client.look = (came) => {
      const known = this.byTopic
        .get(came.topic)
        ?.some(({ payload }) => payload.equals(came.payload))
      return known === true || came.topic.endsWith('/w') ? null : 'nobody published that'
    }
    const subscription = plain('#', dice.one([0, 1, 2]), 0)
    this.open(client, () => client.subscribe(60_000, [subscription], 0, () => {}))
    net.later(dice.below(3000), () => client.cut())
  }

  // ── the end ──

  private async finish(): Promise<string | null> {
    const { net, ledger } = this
    await net.pass(2000)
    for (const client of [...this.receivers, ...this.publishers.map((each) => each.client)])
      client.release()
    await this.until(() => this.publishers.every(({ client }) => client.isIdle))
    for (const { client } of this.publishers) client.ping()
    await this.until(() => this.publishers.every(({ client }) => client.isHeard))
    if (this.faults.length > 0) return this.report([])
    for (const { client, index } of this.publishers) this.tear(client, index)
    await net.pass(100)
    for (const { client } of this.publishers) {
      ledger.forget(client.plan.clientId)
      // The wills of those who are cut before it: they may come at once.
      client.look = () => null
    }
    for (const { client } of this.publishers) this.die(client)
    await this.until(() => ledger.missing(1).length === 0)
    await net.pass(3000)
    const missing = ledger.missing(MISSING_MAX)
    const idle = this.publishers.filter(({ client }) => !client.isIdle)
    const stuck = idle.map(({ client }) => `${client.plan.clientId} waits for acknowledgements`)
    return this.report([...missing, ...stuck, ...(await this.readRetained())])
  }

  private async until(isDone: () => boolean): Promise<void> {
    const { ledger } = this
    let before = -1
    for (let round = 0; round < ROUNDS_MAX && this.faults.length === 0; round++) {
      if (isDone()) return
      await this.net.pass(200)
      const sum = ledger.packets
      if (sum !== before) round = 0
      before = sum
    }
  }

  /** Most of a PUBLISH that will never be whole. */
  private tear(client: BytesClient, index: number): void {
    const { dice } = this
    const payload = payloadOf(index, 77, 0, 20 + drawLength(dice, this.bytesMax))
    const common = { qos: 0, retain: false, forwarded: '', expirySeconds: -1, alias: 0 } as const
    const it = { ...common, topic: `f/${index}/torn`, payload }
    const bytes = publishPacket(client.plan.version, 0, it, false)
    client.sendLast(bytes.subarray(0, 1 + dice.below(bytes.length - 1)))
  }

  private die(client: BytesClient): void {
    const { will, clientId, mount } = client.plan
    if (will !== null)
      this.ledger.publish({
        ...will,
        topic: mount + will.topic,
        sender: clientId,
        retain: false,
        forwarded: '',
        expirySeconds: -1,
      })
    client.cut()
  }

  /** Of each topic the last retained message, no other. */
  private async readRetained(): Promise<string[]> {
    const client = this.newClient({
      clientId: 'last',
      version: 5,
      mount: '',
      packetBytesMax: Infinity,
      ackMs: 0,
    })
    const left = new Map(this.retained)
    client.look = ({ topic, payload, forwarded, retain }) => {
      const it = left.get(topic)
      left.delete(topic)
      if (it === undefined) return 'is not retained'
      return retain && it.payload.equals(payload) && it.forwarded === forwarded
        ? null
        : 'is not the last one'
    }
    const subscription = plain('#', 1, 0)
    this.open(client, () => client.subscribe(60_000, [subscription], 0, () => {}))
    await this.until(() => left.size === 0)
    return [...left.keys()].map((topic) => `retained, and not sent: ${topic.slice(0, 60)}`)
  }
}

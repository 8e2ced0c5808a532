/**
 * A smart AP: one MQTT connection over TLS with a session that outlives it, and a last will. It subscribes to nothing:
 * orders come to its client id (`direct_topic`), commands by a subscription that the broker gives it (`auto_subscribe`).
 */
import { createClient, type Message, type MqttClient } from 'mozzie/client'
import { apName, placeOf, skuOf, typeOf, type Fleet } from '../model/fleet.ts'
import { topics, type FieldsOrder, type Result } from '../model/messages.ts'
import { Shelf, type Ending, type Job, type ShelfOptions } from './shelf.ts'

export interface ApOptions {
  readonly url: string
  readonly ca: string
  readonly password: string
  readonly store: number
  readonly ap: number
  readonly fleet: Fleet
  readonly shelf: ShelfOptions
}

/** Results that come together go together. */
const GATHER_MS = 50
/** What a result message may have. */
const RESULTS_MAX = 500

export class AccessPoint {
  readonly name: string
  readonly shelf: Shelf
  /** When the last tag showed what it was told; 0: none did. */
  lastShownMs = 0
  shownCount = 0
  failedCount = 0
  private readonly options: ApOptions
  private client: MqttClient
  private results: Result[] = []
  private timer: NodeJS.Timeout | null = null

  constructor(options: ApOptions) {
    const { store, ap, fleet } = options
    this.options = options
    this.name = apName(store, ap)
    this.shelf = new Shelf(fleet.tagsPerAp, options.shelf, (ending) => this.ended(ending))
    this.client = this.connect()
  }

  get ready(): Promise<unknown> {
    return this.client.ready
  }

  get isConnected(): boolean {
    return this.client.state === 'connected'
  }

  private connect(): MqttClient {
    const { url, ca, password, store } = this.options
    const status = topics.status(store, this.name)
    const client = createClient(url, {
      tls: { ca },
      clientId: this.name,
      username: this.name,
      password,
      cleanStart: false,
      sessionExpirySeconds: 86_400,
      will: { topic: status, payload: 'offline', qos: 1, retain: true },
      reconnect: { minMs: 300, maxMs: 3000, first: true },
      onMessage: (message) => this.take(message),
    })
    client.ready.catch(() => {})
    client.on('error', () => {})
    client.on('connect', () => {
      client.publish(status, 'online', { qos: 1, retain: true }).catch(() => {})
      this.report()
    })
    return client
  }

  /** The network fails for so long: nobody says goodbye, and the session goes on. */
  async drop(downMs: number): Promise<void> {
    await this.client.end({ force: true })
    setTimeout(() => (this.client = this.connect()), downMs)
  }

  async end(): Promise<void> {
    await this.client.end()
  }

  private take(message: Message): void {
    const { store } = this.options
    if (message.topic === topics.fields(store, this.name)) this.takeFields(message)
    else if (message.topic === topics.image(store, this.name)) this.takeImage(message)
    else if (message.topic === topics.command(this.name)) this.command(message.text())
  }

  private command(text: string): void {
    const [word, tag] = text.split(' ')
    if (word === 'wake') this.shelf.wake(performance.now())
    if (word === 'drain') this.shelf.drain(placeOf(tag).tag - 1)
  }

  private takeFields(message: Message): void {
    const orders = message.json() as FieldsOrder[]
    for (const { task, tag, hash, fields } of orders)
      this.add(task, tag, hash, Buffer.byteLength(JSON.stringify(fields)))
  }

  private takeImage({ properties, payload }: Message): void {
    const facts = new Map(properties.userProperties ?? [])
    const [task, tag, hash] = ['task', 'tag', 'hash'].map((name) => facts.get(name) ?? '')
    this.add(Number(task), tag, hash, payload.length)
  }

  private add(task: number, tag: string, hash: string, bytes: number): void {
    const { store, ap, fleet } = this.options
    const place = placeOf(tag)
    if (place.store !== store || place.ap !== ap || !(place.tag <= fleet.tagsPerAp))
      return this.tell([task, 'failed', 'no such tag here', 0, 0])
    const type = typeOf(skuOf(fleet, ap, place.tag))
    const job: Job = { task, tag, hash, index: place.tag - 1, type, bytes }
    if (this.shelf.shown[job.index] !== hash) this.tell([task, 'accepted', '', 0, 0])
    this.shelf.add(job, performance.now())
  }

  private ended({ job, reason, batteryMv, rssi }: Ending): void {
    if (reason === '') {
      this.shownCount++
      this.lastShownMs = Date.now()
    } else this.failedCount++
    this.tell([job.task, reason === '' ? 'shown' : 'failed', reason, batteryMv, rssi])
  }

  private tell(result: Result): void {
    this.results.push(result)
    this.timer ??= setTimeout(() => this.report(), GATHER_MS)
  }

  private report(): void {
    this.timer = null
    const topic = topics.result(this.options.store, this.name)
    while (this.results.length > 0) {
      const some = this.results.splice(0, RESULTS_MAX)
      // What the broker has not acknowledged is said again.
      this.client
        .publish(topic, JSON.stringify(some), { qos: 1 })
        .catch(() => this.results.push(...some))
    }
  }
}

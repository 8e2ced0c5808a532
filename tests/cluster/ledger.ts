/**
 * Clients that keep a ledger: publishers note what was acknowledged, subscribers with durable sessions what came. Whoever loses
 * its broker goes to the next one.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import mqtt, { type MqttClient } from 'mqtt'
import type { Qos } from '../../src/codec/packets.ts'

const WINDOW = 8
const RECONNECT_MS = 150
/** Sooner than a frozen broker is missed by anybody else. */
const KEEP_ALIVE_SECONDS = 2
const CONNECT_MS_MAX = 4000

export interface LedgerResult {
  readonly acked: number
  readonly received: number
  readonly lost: string[]
  readonly twice: number
  readonly outOfOrder: number
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** `first`: the broker that it begins with. */
function clientOn(at: readonly Address[], clientId: string, first: number): MqttClient {
  const order = at.map((_, index) => at[(first + index) % at.length])
  const client = mqtt.connect({
    servers: order.map(({ host, port }) => ({ host, port, protocol: 'mqtt' as const })),
    clientId,
    protocolVersion: 5,
    clean: false,
    properties: { sessionExpiryInterval: 3600 },
    reconnectPeriod: RECONNECT_MS,
    connectTimeout: CONNECT_MS_MAX,
    keepalive: KEEP_ALIVE_SECONDS,
    resubscribe: false,
  })
  client.on('error', () => {
    // It tries the next one.
  })
  return client
}

class Publisher {
  readonly acked = new Set<number>()
  private readonly client: MqttClient
  private readonly topic: string
  private readonly qos: Qos
  private next = 0
  private open = 0
  private isStopping = false

  constructor(at: readonly Address[], topic: string, first: number, qos: Qos) {
    this.topic = topic
    this.qos = qos
    this.client = clientOn(at, `publisher-${topic}`, first)
  }

  start(): void {
    while (this.open < WINDOW && !this.isStopping) {
      const number = this.next++
      this.open++
      this.client.publish(this.topic, String(number), { qos: this.qos }, (error) => {
        this.open--
        if (error === undefined || error === null) this.acked.add(number)
        setTimeout(() => this.start(), 2)
      })
    }
  }

  /** Resolves when everything that was sent is acknowledged. */
  async stop(endMs: number): Promise<void> {
    this.isStopping = true
    while (this.open > 0 && performance.now() < endMs) await sleep(20)
    this.client.end(true)
  }
}

class Subscriber {
  readonly got = new Map<string, number[]>()
  private readonly client: MqttClient
  private readonly qos: Qos

  constructor(at: readonly Address[], id: string, first: number, qos: Qos) {
    this.qos = qos
    this.client = clientOn(at, `subscriber-${id}`, first)
    this.client.on('message', (topic, payload) => {
      const list = this.got.get(topic) ?? []
      this.got.set(topic, list)
      list.push(Number(payload.toString()))
    })
  }

  async subscribe(filter: string): Promise<void> {
    for (;;)
      try {
        await this.client.subscribeAsync(filter, { qos: this.qos })
        return
      } catch {
        // The connection ended before the answer.
        await sleep(RECONNECT_MS)
      }
  }

  /** Leaves without a word, and goes to the next broker. */
  hop(): void {
    this.client.stream.destroy()
  }

  end(): void {
    this.client.end(true)
  }
}

export class Ledger {
  private readonly publishers: Publisher[] = []
  private readonly subscribers: Subscriber[] = []

  private readonly root: string

  /** `root`: topics and client ids of this one begin with it; `to`: where subscribers are. */
  constructor(
    at: readonly Address[],
    qos: Qos,
    publishers: number,
    subscribers: number,
    root = 'ledger',
    to = at,
  ) {
    this.root = root
    for (let index = 0; index < publishers; index++)
      this.publishers.push(new Publisher(at, `${root}/${index}`, index, qos))
    for (let index = 0; index < subscribers; index++)
      this.subscribers.push(new Subscriber(to, `${root}-${index}`, index + 1, qos))
  }

  async start(): Promise<void> {
    await Promise.all(this.subscribers.map((one) => one.subscribe(`${this.root}/#`)))
    for (const publisher of this.publishers) publisher.start()
  }

  /** Every subscriber goes to the next broker. */
  hop(): void {
    for (const subscriber of this.subscribers) subscriber.hop()
  }

  get acked(): number {
    return this.publishers.reduce((sum, { acked }) => sum + acked.size, 0)
  }

  /** Lets what is under way be acknowledged, then everything arrive, each for `msMax` at most, and compares. */
  async finish(msMax: number): Promise<LedgerResult> {
    const stopMs = performance.now() + msMax
    await Promise.all(this.publishers.map((publisher) => publisher.stop(stopMs)))
    // What was acknowledged last has its time too.
    const endMs = performance.now() + msMax
    while (this.missing().length > 0 && performance.now() < endMs) await sleep(50)
    for (const subscriber of this.subscribers) subscriber.end()
    const lists = this.subscribers.flatMap(({ got }) => [...got.values()])
    return {
      acked: this.acked,
      received: lists.reduce((sum, list) => sum + list.length, 0),
      lost: this.missing(),
      twice: lists.reduce((sum, list) => sum + list.length - new Set(list).size, 0),
      outOfOrder: lists.reduce((sum, list) => sum + inversions(list), 0),
    }
  }

  private missing(): string[] {
    return this.subscribers.flatMap(({ got }, index) =>
      this.publishers.flatMap(({ acked }, publisher) => {
        const seen = new Set(got.get(`${this.root}/${publisher}`))
        return [...acked]
          .filter((number) => !seen.has(number))
          .map((number) => `${publisher}/${number} at subscriber ${index}`)
      }),
    )
  }
}

/** How often a number that is new is lower than one before it. */
function inversions(list: readonly number[]): number {
  const seen = new Set<number>()
  let highest = -1
  let count = 0
  for (const number of list) {
    if (!seen.has(number) && number < highest) count++
    seen.add(number)
    highest = Math.max(highest, number)
  }
  return count
}

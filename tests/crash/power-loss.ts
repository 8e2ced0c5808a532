/**
 * Power loss. A broker under traffic is stopped in its tracks; what a disk could have kept of its files at that moment is
 * put into a new directory, and a broker is started on that, again and again:
 *
 *     publishers ──▶ broker ──▶ one subscriber, online          ┐  freeze, copy, thaw
 *                      └─ store ─ recorder: what is synced      ┘      │
 *                                                                      ▼
 *     the same subscriber, and one that was away the whole time ◀── broker on the copy
 *
 * Whatever a publisher had an acknowledgement for at that moment must have come, or come now.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createBroker } from '../../src/index.ts'
import type { Qos } from '../../src/codec/packets.ts'
import { seeded } from '../sim/world.ts'
import { processMsMax, waitMsMax } from '../support/patience.ts'
import { BrokerUnderFire } from './broker-under-fire.ts'
import { LedgerClient } from './ledger-client.ts'
import { Ledger } from './ledger.ts'
import { cutPower, readSynced, syncsFile } from './power-cut.ts'

export interface PowerLossOptions {
  readonly cuts: number
  readonly seed: number
  /** More lines of mosquitto.conf. */
  readonly config?: string
  /** Nothing new for so long: nothing more will come, the end of what is awaited neither. */
  readonly silenceMs?: number
}

export interface PowerLossResult {
  readonly cuts: number
  /** Cuts that took something away. */
  readonly harmful: number
  readonly bytesLost: number
  /** Acknowledged before each cut, summed up. */
  readonly acknowledged: number
  readonly lost: readonly string[]
  /** QoS 2 received twice. */
  readonly twice: number
  readonly violations: readonly string[]
}

/** Cuts for one broker: queues and stores stay small. */
const CUTS_A_BROKER = 40
const QOS: readonly Qos[] = [1, 2, 1, 2]
const WINDOW = 20
/** Of all lines one breaks with this probability, each time that messages are due; its client may come back to another thread. */
const BREAK = 0.005
/** A retained message so large that LevelDB changes its log now and then. */
const BULK_BYTES = 256 * 1024
/** Published last, it is behind all that waited for a session. */
const END = 't/end'
const END_STREAM = `end ${END}`
const FOR_EVER = 0xffffffff

export async function runPowerLoss(options: PowerLossOptions): Promise<PowerLossResult> {
  const random = seeded(options.seed)
  const total = { harmful: 0, bytesLost: 0, acknowledged: 0, twice: 0 }
  const lost: string[] = []
  const violations: string[] = []
  for (let done = 0; done < options.cuts; done += CUTS_A_BROKER) {
    const cuts = Math.min(CUTS_A_BROKER, options.cuts - done)
    const run = new PowerLossRun(options, random, violations)
    try {
      await run.start()
      for (let cut = 1; cut <= cuts; cut++) {
        await sleep(10 + random() * 60)
        const result = await run.cut(cut)
        if (result.lostBytes > 0) total.harmful++
        total.bytesLost += result.lostBytes
        total.acknowledged += result.acknowledged
        total.twice += result.twice
        lost.push(...result.lost.map((what) => `cut ${done + cut}: ${what}`))
      }
    } finally {
      run.end()
    }
  }
  return { cuts: options.cuts, ...total, lost, violations }
}

class PowerLossRun {
  private readonly options: PowerLossOptions
  private readonly random: () => number
  private readonly violations: string[]
  private broker!: BrokerUnderFire
  private readonly sent: Record<string, number> = {}
  private readonly acked: Record<string, number> = {}
  private readonly online = new Ledger()
  private publishers: LedgerClient[] = []
  private subscriber!: LedgerClient
  private sleeper!: LedgerClient
  private timer: NodeJS.Timeout | null = null

  constructor(options: PowerLossOptions, random: () => number, violations: string[]) {
    this.options = options
    this.random = random
    this.violations = violations
  }

  async start(): Promise<void> {
    const recorder = fileURLToPath(new URL('./record-syncs.js', import.meta.url))
    this.broker = await BrokerUnderFire.create(this.options.config, ['--import', recorder])
    await this.broker.start()
    const sleeper = (this.sleeper = this.client('sleeper', 2, 't/#'))
    this.subscriber = this.client('online', 2, 't/#', this.online)
    while (!sleeper.ready || !this.subscriber.ready) await sleep(5)
    sleeper.end()
    this.publishers = QOS.map((qos, n) => this.client(`publisher ${n}`, qos, ''))
    this.timer = setInterval(() => {
      for (const [n, publisher] of this.publishers.entries()) this.publishSome(publisher, n)
      if (this.random() < BREAK) this.breakLine()
    }, 4)
  }

  end(): void {
    if (this.timer !== null) clearInterval(this.timer)
    for (const client of [...this.publishers, this.subscriber]) client?.end()
    this.broker?.remove()
  }

  private client(clientId: string, qos: Qos, filter: string, ledger?: Ledger): LedgerClient {
    return new LedgerClient({
      port: this.broker.port,
      clientId,
      version: 5,
      expirySeconds: FOR_EVER,
      filter,
      qos,
      onMessage: (topic, payload) => note(ledger, topic, payload),
      onDone: (payload) => {
        const [publisher, number, topic] = payload.split(' ')
        this.acked[`${publisher} ${topic}`] = Number(number)
      },
      onViolation: (text) => this.violations.push(text),
    })
  }

  private breakLine(): void {
    const clients = [...this.publishers, this.subscriber]
    clients[Math.floor(this.random() * clients.length)].cut()
  }

  private publishSome(publisher: LedgerClient, n: number): void {
    if (publisher.inFlight >= WINDOW) return
    const isBulk = this.random() < 0.02
    const topic = isBulk ? `bulk/${n}` : `t/${Math.floor(this.random() * 2)}`
    const stream = `${n} ${topic}`
    const number = (this.sent[stream] = (this.sent[stream] ?? 0) + 1)
    const padding = 'x'.repeat(isBulk ? BULK_BYTES : this.random() * 300)
    publisher.publish(topic, `${n} ${number} ${topic} ${padding}`, isBulk)
  }

  async cut(index: number) {
    const { broker } = this
    const copy = join(broker.directory, `cut${index}`)
    await broker.freeze()
    // From here to the thaw nothing of this process runs but this: the ledgers stand still too.
    const synced = readSynced(join(broker.directory, syncsFile))
    const { lost: lostBytes } = cutPower(broker.store, copy, synced, this.random)
    const acked = { ...this.acked }
    const online = this.online.clone()
    const forked = this.subscriber.fork()
    broker.thaw()
    const violations = (text: string) => void this.violations.push(text)
    const after = createBroker({
      persistence: { location: copy, sync: 'never' },
      limits: { queuedMax: 0 },
    })
    const sleeping = new Ledger()
    const kept = new Ledger()
    const clients: LedgerClient[] = []
    try {
      const { port } = await after.listen()
      const away = { port, onDone: () => {}, onViolation: violations }
      const sleeper = this.sleeper.fork()({
        ...away,
        onMessage: (topic, payload) => note(sleeping, topic, payload),
      })
      const back = forked({
        ...away,
        onMessage: (topic, payload) => note(online, topic, payload),
      })
      const reader = new LedgerClient({
        ...away,
        clientId: 'reader',
        version: 5,
        expirySeconds: 0,
        filter: 'bulk/#',
        qos: 1,
        onMessage: (topic, payload) => note(kept, topic, payload),
      })
      clients.push(sleeper, back, reader)
      await untilIn({ sleeper, back, reader })
      after.publish(END, `end 1 ${END}`, { qos: 2 })
      const lost = await this.await(acked, online, sleeping, kept)
      return {
        lostBytes,
        acknowledged: Object.values(acked).reduce((sum, count) => sum + count, 0),
        lost,
        twice: twiceAtQos2(online) + twiceAtQos2(sleeping),
      }
    } finally {
      for (const client of clients) client.end()
      await after.close()
    }
  }

  /** Waits for the end of both queues, and for what is retained; returns what was acknowledged and has not come. */
  private async await(
    acked: Readonly<Record<string, number>>,
    online: Ledger,
    sleeping: Ledger,
    kept: Ledger,
  ): Promise<string[]> {
    const streams = Object.entries(acked)
    const messages = Object.fromEntries(streams.filter(([stream]) => stream.includes(' t/')))
    const retained = streams.filter(([stream]) => stream.includes(' bulk/'))
    const hasAll = (): boolean =>
      [online, sleeping].every((ledger) => ledger.highest(END_STREAM) > 0) &&
      retained.every(([stream]) => kept.highest(stream) > 0)
    const silenceMs = this.options.silenceMs ?? waitMsMax
    let quietSinceMs = performance.now()
    let before = ''
    while (!hasAll() && performance.now() - quietSinceMs <= silenceMs) {
      await sleep(5)
      const figures = JSON.stringify([online.figures(), sleeping.figures(), kept.figures()])
      if (figures !== before) quietSinceMs = performance.now()
      before = figures
    }
    return [
      ...online.missing(messages).map((what) => `online: ${what}`),
      ...sleeping.missing(messages).map((what) => `sleeper: ${what}`),
      ...retained
        .filter(([stream, last]) => kept.highest(stream) < last)
        .map(([stream, last]) => `retained: ${stream} ${last}`),
      ...(hasAll() ? [] : ['the end of what was awaited has not come']),
    ]
  }
}

/** Resolves when all of them are served. */
async function untilIn(clients: Readonly<Record<string, LedgerClient>>): Promise<void> {
  const deadline = performance.now() + processMsMax
  for (;;) {
    const absent = Object.entries(clients).filter(([, { ready }]) => !ready)
    if (absent.length === 0) return
    if (performance.now() > deadline)
      throw new Error(`${absent.map(([name]) => name).join(', ')}: not let in`)
    await sleep(5)
  }
}

function note(ledger: Ledger | undefined, topic: string, payload: string): void {
  const [publisher, number] = payload.split(' ', 2)
  ledger?.note(`${publisher} ${topic}`, Number(number))
}

/** Odd publishers publish at QoS 2, and both legs are QoS 2 then. */
function twiceAtQos2(ledger: Ledger): number {
  return ledger.twiceOf((stream) => Number(stream.split(' ')[0]) % 2 === 1)
}

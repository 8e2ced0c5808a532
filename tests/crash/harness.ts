/**
 * The crash harness. Publishers and subscribers, in processes of their own, exchange numbered messages through a broker
 * that is killed and started again, round by round:
 *
 *     publishers ──▶ broker ──▶ subscribers       harness: start, wait for a random moment or a failpoint, SIGKILL
 *      numbers         ✗          ledgers
 *
 * In the end everything calms down, everything drains, and the ledgers are held against the numbers: what was
 * acknowledged must have come; at QoS 2 once; and in order for each publisher and topic. What was not
 * acknowledged publishers repeat until it is, so in the end that means: everything.
 */
import { PacketType, type Qos } from '../../src/codec/packets.ts'
import type { Failpoint } from '../../src/store/failpoint.ts'
import { openLevel } from '../../src/store/level/database.ts'
import { Kind } from '../../src/store/level/keys.ts'
import { FORMAT_VERSION, writeUint } from '../../src/store/level/records.ts'
import { beginRecord, endRecord } from '../../src/store/level/sealed-record.ts'
import { seeded } from '../sim/world.ts'
import * as make from '../support/packets.ts'
import { patience, waitMsMax } from '../support/patience.ts'
import { RawClient } from '../support/raw-client.ts'
import { BrokerUnderFire } from './broker-under-fire.ts'
import type { LedgerFigures } from './ledger.ts'
import { ClientProcess } from './client-process.ts'
import type { FromChild, LastNumbers } from './messages.ts'

export interface CrashOptions {
  readonly rounds: number
  readonly seed: number
  readonly qos: Qos
  /** More lines of mosquitto.conf. */
  readonly config?: string
  /** In the end nothing new for so long means that nothing more will come. */
  readonly silenceMs?: number
  /** Told after each round. */
  onRound?(round: number, how: string): void
}

export interface CrashResult extends LedgerFigures {
  /** Rounds by how the broker died. */
  readonly deaths: Readonly<Record<string, number>>
  readonly published: number
  /** Acknowledged and never received. */
  readonly lost: readonly string[]
  /** Sessions lost, packet identifiers mixed up, retained messages that are not the last ones. */
  readonly violations: readonly string[]
  /** From the start of the process to the first connection accepted, the longest. */
  readonly startMsMax: number
}

/** How long a round may last before a failpoint that nobody comes by is given up. */
const FAILPOINT_MS_MAX = 1500 * patience
/** Fast enough to have always something under way, slow enough for a busy machine. */
const PORTION = 8
const ROUND_MS_MIN = 20
const ROUND_MS_MAX = 400 * patience

/** What a broker that dies at a random moment has acknowledged before that moment is drawn. */
export const ACKNOWLEDGED_MIN = 10

/** How often at most a failpoint is passed before it kills; and in which runs it can be come by. */
const FAILPOINTS: readonly { name: Failpoint; nthMax: number; qos: readonly Qos[] }[] = [
  { name: 'before-commit', nthMax: 60, qos: [1, 2] },
  { name: 'after-commit', nthMax: 60, qos: [1, 2] },
  { name: 'qos2-held', nthMax: 20, qos: [2] },
  { name: 'qos2-released', nthMax: 20, qos: [2] },
  { name: 'expiry', nthMax: 2, qos: [1, 2] },
  { name: 'migration', nthMax: 1, qos: [1, 2] },
]

export async function runCrashes(options: CrashOptions): Promise<CrashResult> {
  const { rounds, seed, qos } = options
  const random = seeded(seed)
  const broker = await BrokerUnderFire.create(options.config)
  const settings = {
    port: broker.port,
    qos,
    seed,
    silenceMs: options.silenceMs ?? waitMsMax,
    prefix: '',
    portion: PORTION,
    keptOnce: true,
  }
  const children: ClientProcess[] = []
  try {
    await broker.start()
    const subscribers = await ClientProcess.start('subscribers', settings, children)
    const publishers = await ClientProcess.start('publishers', settings, children)
    const deaths: Record<string, number> = {}
    let startMsMax = 0
    await broker.kill()
    for (let round = 1; round <= rounds; round++) {
      const { how, startMs } = await liveAndDie(broker, publishers, random, qos)
      deaths[how] = (deaths[how] ?? 0) + 1
      startMsMax = Math.max(startMsMax, startMs)
      options.onRound?.(round, how)
    }
    await broker.start()
    for (const child of children) child.tell({ kind: 'calm' })
    const { sent, violations } = await publishers.answer('published')
    subscribers.tell({ kind: 'expect', sent })
    const received = await subscribers.answer('received')
    const retained = await checkRetained(broker.port, sent)
    return {
      deaths,
      published: publishedOf(sent),
      ...figuresOf(received),
      violations: [...violations, ...received.violations, ...retained],
      startMsMax,
    }
  } finally {
    for (const child of children) child.end()
    broker.remove()
  }
}

export function publishedOf(sent: LastNumbers): number {
  return Object.values(sent).reduce((count, last) => count + last, 0)
}

/** The figures of all subscribers together. */
export function figuresOf({
  bySubscriber,
}: Extract<FromChild, { kind: 'received' }>): LedgerFigures & { lost: string[] } {
  const figures = Object.values(bySubscriber)
  const sum = (of: (each: LedgerFigures) => number) => figures.reduce((n, each) => n + of(each), 0)
  return {
    received: sum((each) => each.received),
    twice: sum((each) => each.twice),
    inversions: sum((each) => each.inversions),
    lost: Object.entries(bySubscriber).flatMap(([name, { lost }]) =>
      lost.map((what) => `${name}: ${what}`),
    ),
  }
}

/** One life of a broker, from its start to its death: how it died, and how long the start took. */
async function liveAndDie(
  broker: BrokerUnderFire,
  publishers: ClientProcess,
  random: () => number,
  qos: Qos,
): Promise<{ how: string; startMs: number }> {
  const possible = FAILPOINTS.filter((each) => each.qos.includes(qos))
  const chosen = random() < 0.4 ? null : possible[Math.floor(random() * possible.length)]
  const nth = 1 + Math.floor(random() * (chosen?.nthMax ?? 1))
  const lifeMs = ROUND_MS_MIN + random() * (ROUND_MS_MAX - ROUND_MS_MIN)
  if (chosen?.name === 'migration') await makeOld(broker.store)
  const startedMs = performance.now()
  await broker.start(chosen === null ? null : { name: chosen.name, nth })
  const startMs = performance.now() - startedMs
  if (chosen === null) {
    publishers.tell({ kind: 'progress', acknowledged: ACKNOWLEDGED_MIN })
    await publishers.answer('progressed')
  }
  const diedByItself = await broker.died(chosen === null ? lifeMs : FAILPOINT_MS_MAX)
  await broker.kill()
  if (diedByItself) return { how: chosen?.name ?? 'by itself', startMs }
  return { how: chosen === null ? 'random moment' : `${chosen.name} not reached`, startMs }
}

/** Makes the store one of the format before the present one, so that the next start migrates it. */
async function makeOld(location: string): Promise<void> {
  const database = await openLevel(location)
  const batch = database.batch()
  const key = new Uint8Array([Kind.meta])
  writeUint(beginRecord(key), FORMAT_VERSION - 1)
  endRecord(batch, key)
  await batch.write({ sync: true })
  await database.close()
}

let readers = 0

/** The retained message of each topic is the last one that was published to it. */
export async function checkRetained(port: number, sent: LastNumbers): Promise<string[]> {
  const problems: string[] = []
  const client = await RawClient.open(port, 5)
  // Both ways are looked at together: one id would end the other's connection.
  client.send(make.connect(5, { clientId: `reader-${++readers}` }))
  await client.expect('connack', { code: 0 })
  for (const [stream, last] of Object.entries(sent)) {
    const [publisher, topic] = stream.split(' ')
    if (!topic.includes('kept/')) continue
    await client.subscribe({ filter: topic, qos: 0 })
    await client.ping()
    const kept = client.inbox.shift()
    const text = kept?.type === PacketType.publish ? new TextDecoder().decode(kept.payload) : ''
    if (text !== `${publisher} ${last} `)
      problems.push(`retained in ${topic}: '${text}', the last one was ${last}`)
  }
  await client.disconnect()
  return problems
}

/**
 * A bridge between two brokers that are killed in turn, or both at once, under load in both directions:
 *
 *     publishers ──▶ here ══ bridge ══▶ there ──▶ subscribers          ab/…
 *     subscribers ◀── here ◀══ bridge ══ there ◀── publishers          ba/…
 *
 * In the end the ledgers of each direction are held against the numbers, as in harness.ts. Debian's mosquitto loses by
 * itself what it has not saved when it is killed, so where it is the other side, only ours is.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Qos } from '../../src/codec/packets.ts'
import type { Failpoint } from '../../src/store/failpoint.ts'
import { untilUp } from '../bridge/pair.ts'
import { seeded } from '../sim/world.ts'
import { startBroker, type Target } from '../support/broker-process.ts'
import { BrokerUnderFire, type Armed } from './broker-under-fire.ts'
import { ClientProcess } from './client-process.ts'
import { checkRetained, figuresOf, publishedOf, type CrashResult } from './harness.ts'

export interface Ride {
  readonly peer: Target
  readonly version: 'mqttv31' | 'mqttv311' | 'mqttv50'
  readonly qos: Qos
}

export interface RideOptions extends Ride {
  readonly rounds: number
  readonly seed: number
  /** More lines of the bridge. */
  readonly lines?: string
  readonly silenceMs?: number
  onRound?(round: number, how: string): void
}

/**
 * Nothing new came to a subscriber for so long. On a busy machine one direction may fill the bridge for a while: mosquitto
 * sends all that waits at once, and acknowledgements of the other direction stand behind it.
 */
const SILENCE_MS = 200_000
const LIFE_MS_MIN = 100
const LIFE_MS_MAX = 1500
const DOWN_MS_MAX = 600
/** Slow enough for a bridge that comes back only every second to keep up. */
const PORTION = 3
const FAILPOINTS: readonly Failpoint[] = [
  'before-commit',
  'after-commit',
  'qos2-held',
  'qos2-released',
]
const FAILPOINT_NTH_MAX = 40

export async function runBridge(options: RideOptions): Promise<CrashResult> {
  const { peer, qos, seed, rounds, lines = '' } = options
  const random = seeded(seed)
  const mosquitto =
    peer === 'mosquitto' ? await startBroker('max_queued_messages 0\nlog_type error', peer) : null
  const there = mosquitto === null ? await BrokerUnderFire.create() : null
  const therePort = (mosquitto ?? there!).port
  const here = await BrokerUnderFire.create(
    `connection b\naddress 127.0.0.1:${therePort}\nremote_clientid edge\nrestart_timeout 1\n` +
      `bridge_protocol_version ${options.version}\ntopic ab/# out ${qos}\ntopic ba/# in ${qos}\n${lines}`,
  )
  const children: ClientProcess[] = []
  try {
    await there?.start()
    await here.start()
    await untilUp({ port: here.port, log: () => 'the bridge under fire' }, 'edge')
    const ways = [
      { prefix: 'ab/', from: here.port, to: therePort },
      { prefix: 'ba/', from: therePort, to: here.port },
    ]
    const clients = await Promise.all(
      ways.map(async ({ prefix, from, to }) => {
        // Before 5.0 a bridge that comes back cannot ask for messages without what is retained.
        const keptOnce = options.version === 'mqttv50'
        const silenceMs = options.silenceMs ?? SILENCE_MS
        const settings = { qos, seed, silenceMs, prefix, keptOnce }
        const ofPort = (port: number) => ({ ...settings, port, portion: PORTION })
        const subscribers = await ClientProcess.start('subscribers', ofPort(to), children)
        const publishers = await ClientProcess.start('publishers', ofPort(from), children)
        return { publishers, subscribers, ports: [from, to] }
      }),
    )
    const deaths: Record<string, number> = {}
    for (let round = 1; round <= rounds; round++) {
      const how = await oneRound(here, there, random)
      deaths[how] = (deaths[how] ?? 0) + 1
      options.onRound?.(round, how)
    }
    // Once more, without a failpoint.
    for (const broker of [here, there]) if (broker !== null) await revive(broker, null)
    for (const child of children) child.tell({ kind: 'calm' })
    const results = await Promise.all(clients.map(resultOf))
    return results.reduce((all, each) => ({
      ...each,
      published: all.published + each.published,
      received: all.received + each.received,
      twice: all.twice + each.twice,
      inversions: all.inversions + each.inversions,
      lost: [...all.lost, ...each.lost],
      violations: [...all.violations, ...each.violations],
      deaths,
    }))
  } finally {
    for (const child of children) child.end()
    here.remove()
    there?.remove()
    await mosquitto?.stop()
  }
}

interface WayClients {
  readonly publishers: ClientProcess
  readonly subscribers: ClientProcess
  /** Where it comes from, where it goes. */
  readonly ports: readonly number[]
}

async function resultOf({ publishers, subscribers, ports }: WayClients): Promise<CrashResult> {
  const { sent, violations } = await publishers.answer('published')
  subscribers.tell({ kind: 'expect', sent })
  const received = await subscribers.answer('received')
  const retained: string[] = []
  for (const port of ports) retained.push(...(await checkRetained(port, sent)))
  return {
    deaths: {},
    published: publishedOf(sent),
    ...figuresOf(received),
    violations: [...violations, ...received.violations, ...retained],
    startMsMax: 0,
  }
}

/** A while of load, then one or both sides die, are away for a while, and come back. */
async function oneRound(
  here: BrokerUnderFire,
  there: BrokerUnderFire | null,
  random: () => number,
): Promise<string> {
  await sleep(LIFE_MS_MIN + random() * (LIFE_MS_MAX - LIFE_MS_MIN))
  const lot = there === null ? 0 : random()
  const isDead = await Promise.all([here.died(0), there?.died(0) ?? false])
  const victims: BrokerUnderFire[] = []
  if (lot < 0.6 || isDead[0]) victims.push(here)
  if (there !== null && (lot > 0.4 || isDead[1])) victims.push(there)
  for (const victim of victims) await victim.kill()
  if (random() < 0.5) await sleep(random() * DOWN_MS_MAX)
  if (random() < 0.5) victims.reverse()
  for (const victim of victims) await revive(victim, random() < 0.4 ? armed(random) : null)
  const byItself = isDead.some(Boolean) ? ', at a failpoint' : ''
  if (victims.length === 2) return `both${byItself}`
  return `${victims[0] === here ? 'here' : 'there'}${byItself}`
}

async function revive(broker: BrokerUnderFire, failpoint: Armed | null): Promise<void> {
  await broker.kill()
  await broker.start(failpoint)
}

function armed(random: () => number): Armed {
  const name = FAILPOINTS[Math.floor(random() * FAILPOINTS.length)]
  return { name, nth: 1 + Math.floor(random() * FAILPOINT_NTH_MAX) }
}

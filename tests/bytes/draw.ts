/** What differs from seed to seed, drawn. */
import type { Limits } from '../../src/ports/limits.ts'
import type { Dice } from '../model/generate.ts'
import type { Version } from '../model/steps.ts'
import type { ClientPlan } from './client.ts'
import { payloadOf } from './content.ts'
import type { LineTaste } from './core-net.ts'
import { property } from './wire.ts'

const MOUNT = 'm/'
const UNBOUNDED = 1 << 30

export interface Topic {
  readonly name: string
  readonly qos: 0 | 1 | 2
  /** 0: none. */
  readonly alias: number
  isTold: boolean
  count: number
}

/** `isTight`: QoS 0 may be dropped for who does not read; `isBounded`: queues are short. */
export function drawLimits(dice: Dice, isTight: boolean, isBounded: boolean): Partial<Limits> {
  return {
    queuedMax: isBounded ? dice.one([1, 5, 30]) : 0,
    queuedBytesMax: 0,
    heldInboundMax: 65_535,
    heldInboundBytesMax: UNBOUNDED,
    outputBytesMax: isTight ? dice.one([1000, 50_000, 1 << 20]) : UNBOUNDED,
    workPerTurn: dice.one([1, 40, 1000, 16_384, 16_384]),
    receiversAtOnce: dice.one([1, 2, 16]),
    inflightMax: dice.one([2, 20, 20, 65_535]),
    windowMax: dice.one([3, 1000, 65_535]),
    windowBytes: dice.one([1000, 256 * 1024]),
    queueWindow: dice.one([2, 10, 1000]),
  }
}

export function drawLine(dice: Dice): LineTaste {
  return {
    pieces: dice.one([[1, 2, 65_536], [300, 8, 5000], [5000], [65_536], [65_536, 1500]]),
    pauseMs: dice.one([0, 2, 30]),
    stalls: dice.one([0, 0, 0.1, 0.5]),
    stallMs: dice.one([5, 50, 1500]),
    takes: dice.one(['none', 'all', 'some', 'some']),
  }
}

export function drawFilter(dice: Dice): string {
  const sender = dice.below(4)
  return dice.one(['#', 'f/#', '+/+/+/#', `f/${sender}/#`, `f/+/${dice.below(3)}/#`, 'f/+/+/+'])
}

/** A client with what `plan` has, and the rest by chance. */
export function drawClient(
  dice: Dice,
  plan: Partial<ClientPlan> & { clientId: string },
): ClientPlan {
  const version: Version = plan.version ?? (dice.chance(0.5) ? 5 : 4)
  const isNew = version === 5
  const sizes = [120, 1000, 17_000, 70_000]
  const packetBytesMax = isNew && dice.chance(0.2) ? dice.one(sizes) : Infinity
  // An alias makes a packet shorter: what fits would depend on what came before.
  const mayAlias = isNew && packetBytesMax === Infinity
  return {
    version,
    isDurable: false,
    receiveMaximum: isNew && dice.chance(0.4) ? dice.one([1, 2, 5, 5000]) : 0,
    aliasMaximum: mayAlias && dice.chance(0.4) ? dice.one([1, 3, 100]) : 0,
    packetBytesMax,
    mount: dice.chance(0.15) ? MOUNT : '',
    ackMs: dice.one([0, 0, 5, 200, Infinity]),
    window: UNBOUNDED,
    will: null,
    ...plan,
  }
}

/** Topics of the publisher with this number, each of one QoS, which is its third level. */
export function drawTopics(dice: Dice, publisher: number): Topic[] {
  return Array.from({ length: 1 + dice.below(5) }, (_, at): Topic => {
    const qos = dice.one([0, 1, 2] as const)
    const most = dice.chance(0.2) ? dice.one([40, 300, 2000, 60_000]) : 12
    const name = `f/${publisher}/${qos}/${at}${'x'.repeat(dice.below(most))}`
    return { name, qos, alias: dice.chance(0.3) ? at + 1 : 0, isTold: false, count: 0 }
  })
}

/** Encoded properties that every receiver gets as they are. */
export function drawProperties(dice: Dice): string {
  const bytes = (most: number) => payloadOf(7, 7, dice.below(1000), dice.below(most))
  const text = (most: number) => Buffer.from(bytes(most).toString('hex'))
  const parts = [
    () => '\x01\x00',
    () => property(0x03, text(20)),
    () => property(0x08, Buffer.from('reply/to')),
    () => property(0x09, bytes(dice.one([3, 100, 20_000]))),
  ].filter(() => dice.chance(0.3))
  const users = Array.from({ length: dice.below(4) }, () => () => {
    return property(0x26, text(9), text(dice.one([10, 300])))
  })
  return [...users, ...parts].map((part) => part()).join('')
}

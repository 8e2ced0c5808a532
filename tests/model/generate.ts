/**
 * Draws the next step of a sequence: mostly valid, and chosen by what is possible at the moment. Each sequence has a
 * taste of its own (how many lines, which ids, how often what), so that rare things come together in some of them.
 */
import type { View } from './player.ts'
import type { AckName, FilterStep, PacketStep, Qos, Step, Version, WillStep } from './steps.ts'

const TOPICS = ['a', 'a/b', 'a/b/c', 'b', '/', '$x/a']
const FILTERS = ['a', 'a/b', 'a/+', 'a/#', '#', '+', '+/b', '+/+/c', 'b', '/', '$x/#', '+/a']
const SHARED = ['$share/g/a', '$share/g/a/#', '$share/g/#', '$share/h/a', '$share/h/+/b']
const ACKS: readonly AckName[] = ['puback', 'pubrec', 'pubrel', 'pubcomp']
/** More than any sequence needs. */
const NORMAL_WORK = 16_384

export interface Taste {
  readonly lines: number
  readonly ids: readonly string[]
  readonly length: number
  /** How likely 5.0 is. */
  readonly v5: number
  /** How likely a session is kept. */
  readonly durable: number
  readonly shared: number
  readonly retained: number
  readonly wills: number
  readonly time: number
  readonly restarts: number
  readonly errors: number
  readonly pieces: number
  readonly topics: readonly string[]
  readonly keepAlive: boolean
  /** What a turn does: small in some sequences, so that fan-outs go on in portions. */
  readonly workPerTurn: number
  readonly receiversAtOnce: number
  readonly together: number
}

export class Dice {
  private readonly next: () => number

  constructor(next: () => number) {
    this.next = next
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  one<T>(list: readonly T[]): T {
    return list[this.below(list.length)]
  }

  qos(): Qos {
    return this.one([0, 1, 1, 2, 2])
  }

  maybe<T>(probability: number, value: () => T): T | undefined {
    return this.chance(probability) ? value() : undefined
  }

  /** One of the entries, by their weights. */
  weighted<T>(entries: readonly (readonly [number, T])[]): T {
    let left = this.next() * entries.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, value] of entries) if ((left -= weight) < 0) return value
    return entries[0][1]
  }
}

export function drawTaste(dice: Dice): Taste {
  const some = (values: readonly number[]): number => dice.one(values)
  return {
    lines: 2 + dice.below(3),
    ids: ['c', 'd', 'e', 'f'].slice(0, 1 + dice.below(4)),
    length: 8 + dice.below(60),
    v5: some([0, 0.5, 0.5, 0.8, 1]),
    durable: some([0, 0.5, 0.8, 1]),
    shared: some([0, 0, 0.2, 0.7]),
    retained: some([0, 0.3, 0.3]),
    wills: some([0, 0.2, 0.6]),
    time: some([0, 0.5, 2]),
    restarts: some([0, 0, 0.3, 1]),
    errors: some([0, 0.2, 0.5]),
    pieces: some([0, 0.05, 0.3]),
    topics: dice.chance(0.5) ? TOPICS : [dice.one(TOPICS), 'a'],
    keepAlive: dice.chance(0.1),
    workPerTurn: some([1, 10, 40, NORMAL_WORK]),
    receiversAtOnce: some([1, 2, 16]),
    together: some([0, 1, 6]),
  }
}

/** The step after those played so far. */
export function drawStep(dice: Dice, taste: Taste, view: View): Step {
  const at = dice.below(taste.lines)
  if (!view.isOpen(at) && dice.chance(0.8))
    return inPieces(dice, taste, drawConnect(dice, taste, at))
  const kind = dice.weighted<() => Step>([
    [20, () => inPieces(dice, taste, drawPacket(dice, taste, view, at))],
    [1.5, () => ({ do: 'cut', at })],
    [1, () => ({ do: 'settle', at })],
    [taste.together, () => drawTogether(dice, taste, view)],
    [taste.time, () => ({ do: 'pass', ms: dice.one([500, 1500, 3500, 7500]) })],
    [taste.restarts, () => ({ do: 'restart', how: dice.one(['stop', 'crash']) })],
  ])
  return kind()
}

/** What several clients send at once; nothing that a message which is still going out may or may not meet. */
function drawTogether(dice: Dice, taste: Taste, view: View): Step {
  // Of two that retain on one topic nobody could say which is the last.
  const retainer = dice.below(taste.lines)
  const draw = (): PacketStep => {
    const at = dice.below(taste.lines)
    const canRelease = (at === retainer || taste.retained === 0) && view.unreleased(at) > 0
    return dice.weighted<() => PacketStep>([
      [6, () => drawPublish(dice, at === retainer ? taste : { ...taste, retained: 0 }, at)],
      [view.owed(at) > 0 ? 4 : 0, () => drawAck(dice, taste, at)],
      [canRelease ? 3 : 0, () => ({ do: 'release', at, nth: dice.below(4) })],
      [0.5, () => ({ do: 'ping', at })],
    ])()
  }
  return { do: 'together', steps: Array.from({ length: 2 + dice.below(5) }, draw) }
}

/** The beginning of every sequence. */
export function openingSteps({ workPerTurn, receiversAtOnce }: Taste): Step[] {
  return workPerTurn === NORMAL_WORK ? [] : [{ do: 'budget', workPerTurn, receiversAtOnce }]
}

function inPieces(dice: Dice, taste: Taste, step: PacketStep): Step {
  if (!dice.chance(taste.pieces)) return step
  const { at } = step
  const part = dice.below(1000) / 1000
  const kind = dice.below(3)
  if (kind === 0) return { do: 'split', at, part, step }
  if (kind === 1) return { do: 'torn', at, part, step }
  const none: View = { isOpen: () => true, owed: () => 1, unreleased: () => 1 }
  const more = Array.from({ length: 1 + dice.below(4) }, () => drawPacket(dice, taste, none, at))
  return { do: 'burst', at, steps: [step, ...more] }
}

function drawPacket(dice: Dice, taste: Taste, view: View, at: number): PacketStep {
  return dice.weighted<() => PacketStep>([
    [9, () => drawPublish(dice, taste, at)],
    [5, () => drawSubscribe(dice, taste, at)],
    [1.5, () => ({ do: 'unsubscribe', at, filters: [drawFilter(dice, taste), dice.one(FILTERS)] })],
    [view.owed(at) > 0 ? 8 : 0, () => drawAck(dice, taste, at)],
    [view.unreleased(at) > 0 ? 4 : 0, () => ({ do: 'release', at, nth: dice.below(4) })],
    [view.unreleased(at) > 0 ? 0.7 : 0, () => ({ do: 'again', at, nth: dice.below(4) })],
    [1.5, () => drawDisconnect(dice, at)],
    [0.5, () => ({ do: 'ping', at })],
    [taste.errors, () => ({ do: 'stray', at, as: dice.one(ACKS), id: 60_000 + dice.below(3) })],
    [taste.errors / 5, () => drawConnect(dice, taste, at)],
  ])()
}

function drawConnect(dice: Dice, taste: Taste, at: number): PacketStep {
  const version: Version = dice.chance(taste.v5) ? 5 : 4
  const isDurable = dice.chance(taste.durable)
  const id = dice.chance(0.03) ? '' : dice.one(taste.ids)
  const base = {
    do: 'connect',
    at,
    id,
    version,
    will: dice.maybe(taste.wills, () => drawWill(dice, taste)),
    keepAliveSeconds: dice.maybe(taste.keepAlive ? 0.3 : 0, () => dice.one([1, 3])),
  } as const
  if (version === 4) return tidy({ ...base, clean: !isDurable })
  return tidy({
    ...base,
    clean: dice.chance(isDurable ? 0.1 : 0.6),
    expirySeconds: isDurable ? dice.one([2, 6, 100, 0xffffffff]) : dice.maybe(0.2, () => 0),
    receiveMaximum: dice.maybe(0.3, () => dice.one([1, 2, 3])),
    // The CONNACK with an assigned id would be longer.
    maximumPacketSize: dice.maybe(id === '' ? 0 : 0.15, () => dice.one([24, 28, 32, 60, 200])),
    aliasMaximum: dice.maybe(0.4, () => dice.one([1, 2, 10])),
  })
}

const NEEDED = new Set(['clean', 'retain'])

/** Without what is undefined, so that steps read well when they are printed. */
function tidy<T extends object>(step: T): T {
  return Object.fromEntries(
    Object.entries(step).filter(
      ([name, value]) => value !== undefined && (value !== false || NEEDED.has(name)),
    ),
  ) as T
}

function drawWill(dice: Dice, taste: Taste): WillStep {
  return tidy({
    topic: dice.one(taste.topics),
    qos: dice.qos(),
    retain: dice.chance(0.3),
    delaySeconds: dice.maybe(0.5, () => dice.one([0, 1, 3, 20])),
    expirySeconds: dice.maybe(0.2, () => dice.one([1, 5])),
  })
}

function drawFilter(dice: Dice, taste: Taste): string {
  return dice.one(dice.chance(taste.shared) ? SHARED : FILTERS)
}

function drawSubscribe(dice: Dice, taste: Taste, at: number): PacketStep {
  const names = new Set(Array.from({ length: 1 + dice.below(3) }, () => drawFilter(dice, taste)))
  const filters = [...names].map((filter): FilterStep =>
    tidy({
      filter,
      qos: dice.qos(),
      // Not for shared ones [MQTT-3.8.3-4].
      noLocal: !filter.startsWith('$share') && dice.chance(0.2),
      retainAsPublished: dice.chance(0.4),
      retainHandling: dice.one([0, 0, 1, 2] as const),
    }),
  )
  return tidy({
    do: 'subscribe',
    at,
    filters,
    subscriptionId: dice.maybe(0.3, () => dice.one([1, 2, 268_435_455])),
  })
}

function drawPublish(dice: Dice, taste: Taste, at: number): PacketStep {
  const isAliased = dice.chance(0.2)
  return tidy({
    do: 'publish',
    at,
    topic: dice.one(taste.topics),
    qos: dice.qos(),
    retain: dice.maybe(taste.retained, () => true),
    empty: dice.chance(0.05),
    more: dice.maybe(0.1, () => dice.one([5, 10, 20, 150])),
    expirySeconds: dice.maybe(0.2, () => dice.one([1, 4, 30])),
    rich: dice.chance(0.1),
    alias: isAliased ? dice.one(dice.chance(taste.errors / 10) ? [0, 11] : [1, 2, 10]) : undefined,
    aliasOnly: isAliased && dice.chance(0.3 + taste.errors / 5),
  })
}

function drawAck(dice: Dice, taste: Taste, at: number): PacketStep {
  const isWrong = dice.chance(taste.errors / 4)
  return tidy({
    do: 'ack',
    at,
    nth: dice.below(3),
    as: isWrong ? dice.one(ACKS) : undefined,
    reason: dice.maybe(0.05, () => 0x80),
  })
}

function drawDisconnect(dice: Dice, at: number): PacketStep {
  return tidy({
    do: 'disconnect',
    at,
    reason: dice.maybe(0.3, () => 4),
    expirySeconds: dice.maybe(0.2, () => dice.one([0, 3, 100])),
  })
}

/** The end of every sequence: everybody comes back and takes what waits. */
export function closingSteps(taste: Taste): Step[] {
  const all = taste.ids.map((_, at) => at)
  return [
    ...Array.from({ length: taste.lines }, (_, at): Step => ({ do: 'cut', at })),
    ...taste.ids.map((id, at): Step => ({ do: 'connect', at, id, version: 4, clean: false })),
    ...all.map((at): Step => ({ do: 'settle', at })),
  ]
}

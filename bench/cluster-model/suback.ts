/**
 * How long a SUBSCRIBE waits for its SUBACK, simulated: event loops with other work in front of it (M/G/1), one group of writes at a
 * time, one barrier at a time, and the slowest of the other nodes. All times in µs.
 *
 *     SUBSCRIBE ─ loop ─ [group commit: servers, disks] ─ [barrier: every other node: loop, its own group] ─ loop ─ SUBACK
 */

/** A queue with one server in front of which jobs of random length come at random times. */
export interface Station {
  /** Of its time that is busy, below 1. */
  readonly share: number
  /** Mean length of a job. */
  readonly jobUs: number
}

export interface SubackLoad {
  readonly nodes: number
  /** The event loop of a node, and one nats-server. */
  readonly node: Station
  readonly server: Station
  readonly servers: number
  /** A second, of the node that is asked for the subscription, and of each other one. */
  readonly writes: number
  readonly otherWrites: number
  readonly subscribes: number
}

export interface SubackTimes {
  /** Until one process has heard of what another one of the same machine sent. */
  readonly hopUs: number
  /** One way between two machines. */
  readonly networkUs: number
  /** Until a disk has a group. */
  readonly syncUs: number
  /** CPU of a SUBSCRIBE at its node, of a row at a server, of a question at each of the two nodes. */
  readonly subscribeUs: number
  readonly rowUs: number
  readonly questionUs: number
}

export interface Delay {
  readonly p50Us: number
  readonly p90Us: number
  readonly p99Us: number
}

type Random = () => number

const SEED = 15
const SAMPLES = 4000
/** Jobs before a station is as busy as it stays. */
const WARM_UP = 2000
const SECOND_US = 1e6

/** The same numbers in every run: mulberry32. */
function seeded(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const exponential = (random: Random, mean: number): number => -Math.log(1 - random()) * mean

/** Draws how long one waits in front of a station, by Lindley's recursion over its jobs. */
function waits({ share, jobUs }: Station, random: Random): () => number {
  if (share <= 0) return () => 0
  const gapUs = jobUs / share
  let waitUs = 0
  const next = (): number =>
    (waitUs = Math.max(0, waitUs + exponential(random, jobUs) - exponential(random, gapUs)))
  for (let job = 0; job < WARM_UP; job++) next()
  const pool = Float64Array.from({ length: SAMPLES }, () => {
    for (let job = 0; job < 4; job++) next()
    return waitUs
  })
  return () => pool[Math.floor(random() * SAMPLES)]
}

/** When what comes at `at` is done where one batch is under way at a time and takes all that came before it starts. */
export function batchEnds(at: readonly number[], lengthUs: () => number): Float64Array {
  const ends = new Float64Array(at.length)
  let freeAt = 0
  for (let first = 0; first < at.length;) {
    const start = Math.max(freeAt, at[first])
    freeAt = start + lengthUs()
    for (; first < at.length && at[first] <= start; first++) ends[first] = freeAt
  }
  return ends
}

function arrivals(perSecond: number, untilUs: number, random: Random): number[] {
  const at: number[] = []
  if (perSecond <= 0) return at
  const gapUs = SECOND_US / perSecond
  for (let us = exponential(random, gapUs); us < untilUs; us += exponential(random, gapUs))
    at.push(us)
  return at
}

/** Draws how long a question waits for the writes of the node that is asked: what is under way, and what waits behind. */
function flushes(load: SubackLoad, commit: () => number, random: Random): () => number {
  const untilUs = (SAMPLES * SECOND_US) / Math.max(1, load.otherWrites)
  const writes = arrivals(load.otherWrites, untilUs, random)
  const ends = batchEnds(writes, commit)
  const pool = new Float64Array(SAMPLES)
  const questions = pool.map(() => random() * untilUs).sort()
  let last = -1
  for (const [index, at] of questions.entries()) {
    while (last + 1 < writes.length && writes[last + 1] <= at) last++
    pool[index] = last < 0 ? 0 : Math.max(0, ends[last] - at)
  }
  return () => pool[Math.floor(random() * SAMPLES)]
}

/** Throws RangeError when a station has more to do than it can. */
export function simulateSuback(load: SubackLoad, times: SubackTimes): Delay {
  for (const { share } of [load.node, load.server])
    if (share >= 1) throw new RangeError(`a station is busy by ${share}`)
  const random = seeded(SEED)
  const loop = waits(load.node, random)
  const server = waits(load.server, random)
  const stepUs = times.hopUs + times.networkUs
  /** From a node to a server that is not always its own. */
  const toServer = (): number => {
    const routes = random() * load.servers < 1 ? 1 : 2
    return routes * (stepUs + server())
  }
  const commit = (): number => {
    const replica = 2 * stepUs + server() + times.rowUs
    return 2 * toServer() + times.rowUs + replica + times.syncUs + loop()
  }
  const flush = flushes(load, commit, random)
  const answer = (): number =>
    2 * (toServer() + stepUs) + loop() + exponential(random, times.questionUs) + flush()
  const barrier = (): number => {
    let slowestUs = 0
    for (let other = 1; other < load.nodes; other++) slowestUs = Math.max(slowestUs, answer())
    return slowestUs + loop() + (load.nodes - 1) * times.questionUs
  }
  return percentiles(subscribeDelays(load, times, { random, loop, commit, barrier }))
}

interface Draws {
  readonly random: Random
  readonly loop: () => number
  readonly commit: () => number
  readonly barrier: () => number
}

/** One node's SUBSCRIBEs, among its other writes. */
function subscribeDelays(load: SubackLoad, times: SubackTimes, draws: Draws): number[] {
  const { random, loop, commit, barrier } = draws
  const untilUs = (SAMPLES * SECOND_US) / load.subscribes
  const asked = arrivals(load.subscribes, untilUs, random)
  const ready = asked.map((at) => at + loop() + times.subscribeUs)
  const all = [
    ...nearby(load.writes, ready, random).map((at) => ({ at, asked: -1 })),
    ...ready.map((at, index) => ({ at, asked: asked[index] })),
  ].sort((a, b) => a.at - b.at)
  const at = (events: readonly { at: number }[]): number[] => events.map((event) => event.at)
  const stored = batchEnds(at(all), commit)
  const questions = all
    .map((event, index) => ({ at: stored[index], asked: event.asked }))
    .filter((event) => event.asked >= 0)
  const passed = batchEnds(at(questions), barrier)
  return questions.map((question, index) => passed[index] - question.asked)
}

/** Other writes matter only shortly before a SUBSCRIBE: those of the rest of the time are left out. */
const NEARBY_US = 50_000

function nearby(perSecond: number, ready: readonly number[], random: Random): number[] {
  const found: number[] = []
  let doneUs = 0
  for (const at of ready) {
    const startUs = Math.max(doneUs, at - NEARBY_US)
    const us = Math.max(0, at + NEARBY_US - startUs)
    for (const afterUs of arrivals(perSecond, us, random)) found.push(startUs + afterUs)
    doneUs = Math.max(doneUs, at + NEARBY_US)
  }
  return found
}

function percentiles(delays: readonly number[]): Delay {
  const sorted = delays.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))]
  return { p50Us: at(0.5), p90Us: at(0.9), p99Us: at(0.99) }
}

/**
 * `node build/tests/cluster/probe.js --nodes N [--count C]`, after `npm run build` and `npx tsc`: what single operations of
 * a cluster cost on this machine, as JSON: CPU µs at the client's node, at the receiver's, at a node that only hears of it, and
 * at all nats-servers together; bytes of memory; and how long a SUBSCRIBE takes under some loads. bench/cluster-model/constants.json is written from it.
 */
import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { startBrokers } from './brokers.ts'
import { skipNats, startNats } from './nats-servers.ts'
import { publishTemplate, subscribeFrame } from '../../bench/load/frames.ts'
import { latencyPercentiles, newLatency } from '../../bench/load/latency.ts'
import {
  append,
  appendPublish,
  closeLink,
  flush,
  newLoad,
  openLink,
  sleep,
  until,
} from '../../bench/load/link.ts'
import type { Link, Load } from '../../bench/load/model.ts'
import { cpuSecondsOf, residentKibOf } from '../../bench/load/process-stats.ts'

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '3' },
    count: { type: 'string', default: '3000' },
  },
})
const SERVERS = 3
const COUNT = Number(values.count)
const VERSION = 4
const LIMIT_MS = 60_000
/** Clients that connect, subscribe or ping at a time. */
const GROUP = 500
const PINGREQ = Buffer.from([0xc0, 0])
const PINGS_EACH = 20
const SETTLE_MS = 1500
const TICK_MS = 1
const WARM_UP = { rate: 1000, receivers: 1 }
const IDLE_SECONDS = 5
const FLOW_LINKS = 10
const FLOW_SECONDS = 5
/** Messages per second, and receivers of each. */
const FLOWS = [
  { rate: 100, receivers: 1 },
  { rate: 400, receivers: 1 },
  { rate: 1500, receivers: 1 },
  { rate: 3000, receivers: 1 },
  { rate: 400, receivers: 3 },
  { rate: 200, receivers: 10 },
]
const SUBSCRIBE_LOADS = [0, 400, 1500]
const SUBSCRIBES = 200
const SUBSCRIBE_EVERY_MS = 15
const MEMORY_PAGE_BYTES = 1024

if (skipNats !== false) throw new Error(skipNats)
const nats = await startNats(SERVERS)
const { brokers, stop } = await startBrokers({
  urls: nats.urls,
  cluster: 'm',
  count: Number(values.nodes),
  replicas: SERVERS,
  leaseSeconds: 15,
  lines: 'max_queued_messages 0\nmax_connection_rate 0\nsys_interval 0',
})
const homePort = brokers[0].port
const awayPort = brokers[1].port

interface Cost {
  readonly home: number
  readonly receiver: number
  /** Mean of the nodes that only hear of it. */
  readonly other: number
  /** All servers together. */
  readonly nats: number
}

type Figure = (pid: number) => number

function snapshot(figure: Figure): Cost {
  const [home, receiver, ...others] = brokers.map((broker) => figure(broker.pid()))
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
  return {
    home,
    receiver,
    other: others.length === 0 ? receiver : sum(others) / others.length,
    nats: sum(nats.servers.map((server) => figure(server.pid()))),
  }
}

function perOne(before: Cost, after: Cost, factor: number): Cost {
  const each = (role: keyof Cost): number => round((after[role] - before[role]) * factor)
  return {
    home: each('home'),
    receiver: each('receiver'),
    other: each('other'),
    nats: each('nats'),
  }
}

const round = (value: number): number => Math.round(value * 10) / 10

/** Jiffies of the machine: busy ones, and all. */
function machine(): { busy: number; all: number } {
  const [user, nice, system, idle, wait, ...rest] = readFileSync('/proc/stat', 'latin1')
    .split('\n', 1)[0]
    .split(/\s+/)
    .slice(1)
    .map(Number)
  const busy = user + nice + system + rest[0] + rest[1]
  return { busy, all: busy + idle + wait }
}

async function costOf(operations: number, work: () => Promise<void>): Promise<Cost> {
  const before = snapshot(cpuSecondsOf)
  await work()
  return perOne(before, snapshot(cpuSecondsOf), 1e6 / operations)
}

async function inGroups(
  count: number,
  each: (index: number) => void,
  settled: (done: number) => Promise<void>,
): Promise<void> {
  for (let first = 0; first < count; first += GROUP) {
    const end = Math.min(count, first + GROUP)
    for (let index = first; index < end; index++) each(index)
    await settled(end)
  }
}

function connectAll(load: Load, name: string, isClean: boolean): Promise<void> {
  const connected = (end: number): Promise<void> =>
    until(load, () => load.connected >= end, LIMIT_MS, 'connecting')
  return inGroups(COUNT, (index) => void openLink(load, `${name}-${index}`, isClean), connected)
}

async function subscribeAll(load: Load): Promise<void> {
  const subscribed = (end: number): Promise<void> =>
    until(load, () => load.subscribed >= end, LIMIT_MS, 'subscribing')
  await inGroups(
    COUNT,
    (index) => send(load.links[index], subscribeFrame(VERSION, 1, `probe/${index}`, 1)),
    subscribed,
  )
}

function send(link: Link, bytes: Uint8Array): void {
  append(link, bytes)
  flush(link)
}

async function pingAll(load: Load): Promise<void> {
  for (let turn = 0; turn < PINGS_EACH; turn++) {
    for (const link of load.links) send(link, PINGREQ)
    await sleep(100)
  }
}

async function closeAll(load: Load): Promise<void> {
  for (const link of load.links) closeLink(link)
  await sleep(SETTLE_MS)
}

async function lives(name: string, isClean: boolean) {
  const load = newLoad(homePort, VERSION)
  const memory = (): Cost => snapshot(residentKibOf)
  const atFirst = memory()
  const connect = await costOf(COUNT, () => connectAll(load, name, isClean))
  const connected = memory()
  const subscribe = await costOf(COUNT, () => subscribeAll(load))
  const subscribed = memory()
  const ping = await costOf(COUNT * PINGS_EACH, () => pingAll(load))
  const leave = await costOf(COUNT, () => closeAll(load))
  const bytes = MEMORY_PAGE_BYTES / COUNT
  return {
    connect,
    subscribe,
    ping,
    leave,
    bytesConnected: perOne(atFirst, connected, bytes),
    bytesSubscribed: perOne(atFirst, subscribed, bytes),
    bytesLeft: perOne(atFirst, memory(), bytes),
  }
}

/** Publishers at one node, durable receivers at another; a message goes to `receivers` of them. */
async function openFlow(name: string, receivers: number): Promise<{ load: Load; from: Link[] }> {
  const load = newLoad(homePort, VERSION)
  load.ackLatency = newLatency()
  const count = FLOW_LINKS * receivers
  const to = Array.from({ length: count }, (_, index) =>
    openLink(load, `${name}-to-${index}`, false, awayPort),
  )
  const from = Array.from({ length: FLOW_LINKS }, (_, index) =>
    openLink(load, `${name}-from-${index}`),
  )
  await until(load, () => load.connected >= count + FLOW_LINKS, LIMIT_MS, 'connecting')
  for (const [index, link] of to.entries())
    send(link, subscribeFrame(VERSION, 1, `${name}/${index % FLOW_LINKS}`, 1))
  await until(load, () => load.subscribed >= count, LIMIT_MS, 'subscribing')
  return { load, from }
}

/** Publishes at random times, `rate` of them a second, until it is called. */
function pump(name: string, from: readonly Link[], rate: number): () => number {
  const frames = from.map(({ id }, index) =>
    publishTemplate({
      version: VERSION,
      topic: `${name}/${index}`,
      qos: 1,
      retain: false,
      payloadBytes: 64,
      publisherId: id,
    }),
  )
  const gapMs = (): number => (-Math.log(1 - Math.random()) * 1000) / rate
  let dueMs = performance.now() + gapMs()
  let sent = 0
  const timer = setInterval(() => {
    const touched = new Set<Link>()
    for (; dueMs < performance.now(); dueMs += gapMs(), sent++) {
      const link = from[sent % from.length]
      if (link.sentMs !== null) link.sentMs[(link.packetId + 1) & 0xffff] = performance.now()
      appendPublish(link, frames[sent % from.length])
      touched.add(link)
    }
    for (const link of touched) flush(link)
  }, TICK_MS)
  return () => {
    clearInterval(timer)
    return sent
  }
}

async function flow({ rate, receivers }: { rate: number; receivers: number }) {
  const name = `flow-${rate}-${receivers}`
  const { load, from } = await openFlow(name, receivers)
  const end = pump(name, from, rate)
  await sleep(1000)
  load.ackLatency!.recording = true
  const [before, ofMachine, acked] = [snapshot(cpuSecondsOf), machine(), load.acked]
  const own = process.cpuUsage()
  await sleep(FLOW_SECONDS * 1000)
  const [after, ofMachineAfter] = [snapshot(cpuSecondsOf), machine()]
  const messages = load.acked - acked
  const { user, system } = process.cpuUsage(own)
  const sent = end()
  await until(load, () => load.delivered >= sent * receivers, LIMIT_MS, 'delivering')
  for (const link of load.links) closeLink(link)
  const [ackP50us, ackP99us] = latencyPercentiles(load.ackLatency!, [0.5, 0.99])
  return {
    rate,
    receivers,
    cost: perOne(before, after, 1e6 / messages),
    client: round((user + system) / messages),
    ackP50us,
    ackP99us,
    machineBusy: busyShare(ofMachine, ofMachineAfter),
  }
}

function busyShare(before: ReturnType<typeof machine>, after: ReturnType<typeof machine>): number {
  return Math.round(((after.busy - before.busy) / (after.all - before.all)) * 100) / 100
}

/** One SUBSCRIBE after another of a durable session, while messages flow at `rate`. */
async function subscribeDelay(rate: number) {
  const name = `subscribe-${rate}`
  const { load, from } = await openFlow(name, 1)
  const end = pump(name, from, rate)
  const own = newLoad(homePort, VERSION)
  const link = openLink(own, `${name}-own`, false)
  await until(own, () => own.connected === 1, LIMIT_MS, 'connecting')
  await sleep(1000)
  const ofMachine = machine()
  const times: number[] = []
  for (let turn = 0; turn < SUBSCRIBES; turn++) {
    const beganMs = performance.now()
    send(link, subscribeFrame(VERSION, 1 + turn, `${name}/own/${turn}`, 1))
    await until(own, () => own.subscribed > turn, LIMIT_MS, 'subscribing')
    times.push(performance.now() - beganMs)
    await sleep(SUBSCRIBE_EVERY_MS)
  }
  const machineBusy = busyShare(ofMachine, machine())
  end()
  await sleep(500)
  for (const each of [...load.links, link]) closeLink(each)
  times.sort((a, b) => a - b)
  const at = (share: number): number => round(times[Math.floor(share * (times.length - 1))] * 1000)
  return { rate, p50us: at(0.5), p90us: at(0.9), p99us: at(0.99), machineBusy }
}

async function idle(): Promise<Cost> {
  return costOf(IDLE_SECONDS, () => sleep(IDLE_SECONDS * 1000))
}

try {
  // Programs that have just started are slower.
  await flow(WARM_UP)
  await lives('warm-up', true)
  const figures: Record<string, unknown> = { nodes: Number(values.nodes), count: COUNT }
  figures.when = new Date().toISOString()
  figures.idle = await idle()
  figures.flows = []
  for (const each of FLOWS) (figures.flows as unknown[]).push(await flow(each))
  figures.subscribeDelays = []
  for (const rate of SUBSCRIBE_LOADS)
    (figures.subscribeDelays as unknown[]).push(await subscribeDelay(rate))
  figures.durable = await lives('durable', false)
  figures.idleWithSessions = await idle()
  figures.clean = await lives('clean', true)
  process.stdout.write(`${JSON.stringify(figures, null, 1)}\n`)
} finally {
  await stop()
  await nats.stop()
}

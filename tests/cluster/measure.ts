/**
 * `npm run cluster:measure -- --sessions N --seconds S --repeat R`: what a cluster costs, beside the MQTT that nats-server has
 * itself, with as many replicas, on the same machine in turn: publishers at one node, subscribers at another. Then takeovers,
 * and sessions with queued messages: made, resumed at another node, with the memory of every process. Prints tables.
 */
import { execFile } from 'node:child_process'
import { parseArgs, promisify } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import { residentKibOf } from '../../bench/load/process-stats.ts'
import { freePort } from '../support/free-port.ts'
import { connectOnce } from '../support/connect-once.ts'
import { startBrokers, type ClusterBroker } from './brokers.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '5' },
    repeat: { type: 'string', default: '3' },
  },
})
const NODES = 3
const DEFAULT_LEASE_SECONDS = 15
const MESSAGES = 5
const TAKEOVERS = 50
/** A stream's leader is still being chosen, or a route not there yet. */
const TRIES = 10

const FLOWS = {
  'QoS 0, messages/s': ['--qos', '0'],
  'QoS 1 to durable sessions, messages/s': ['--qos', '1', '--durable', '1'],
} as const

interface Cluster {
  readonly ports: readonly number[]
  /** Processes by name. */
  readonly pids: () => Readonly<Record<string, number>>
  readonly brokers: readonly ClusterBroker[]
  stop(): Promise<void>
}

const run = promisify(execFile)

async function load(mode: string, ...args: string[]): Promise<Record<string, number>> {
  const { stdout } = await run(process.execPath, ['build/bench/load/main.js', mode, ...args], {
    timeout: 600_000,
  })
  return JSON.parse(stdout) as Record<string, number>
}

async function mozzie(lines?: string): Promise<Cluster> {
  const nats = await startNats(NODES)
  const options = { urls: nats.urls, cluster: 'm', count: NODES, replicas: NODES, lines }
  const { brokers, stop } = await startBrokers({ ...options, leaseSeconds: DEFAULT_LEASE_SECONDS })
  return {
    ports: brokers.map(({ port }) => port),
    pids: () => pidsOf(nats, brokers),
    brokers,
    async stop() {
      await stop()
      await nats.stop()
    },
  }
}

async function natsAlone(): Promise<Cluster> {
  const ports = [await freePort(), await freePort(), await freePort()]
  const nats = await startNats(NODES, '"2m"', [], (index) => [
    `mqtt { listen: "127.0.0.1:${ports[index]}", stream_replicas: ${NODES}, max_ack_pending: 1000 }`,
  ])
  return { ports, pids: () => pidsOf(nats, []), brokers: [], stop: () => nats.stop() }
}

function pidsOf({ servers }: NatsServers, brokers: readonly ClusterBroker[]) {
  const all = [...servers, ...brokers].map((each) => [each.name, each.pid()] as const)
  return Object.fromEntries(all)
}

async function rateOf({ ports: [from, to] }: Cluster, flow: readonly string[]): Promise<number> {
  const shape = ['--shape', 'pair', '--publishers', '10', '--subscribers', '10', '--window', '50']
  const where = ['--port', String(to), '--publish-port', String(from)]
  for (let attempt = 1; ; attempt++)
    try {
      const figures = await load('flow', ...where, ...shape, ...flow, '--seconds', values.seconds)
      if (figures.lost > 0) process.stderr.write(`lost ${figures.lost}\n`)
      return figures.rate
    } catch (error) {
      if (attempt === TRIES) throw error
      await sleep(1000)
    }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1]
}

async function compareFlows(): Promise<void> {
  const kinds = { mozzie: () => mozzie(), nats: natsAlone }
  const rates = new Map<string, number[]>()
  for (let round = 0; round < Number(values.repeat); round++)
    for (const [name, start] of Object.entries(kinds)) {
      const cluster = await start()
      for (const [title, flow] of Object.entries(FLOWS)) {
        const key = `${name} ${title}`
        rates.set(key, [...(rates.get(key) ?? []), await rateOf(cluster, flow)])
        process.stderr.write(`${key} ${rates.get(key)!.at(-1)}\n`)
      }
      await cluster.stop()
    }
  print(
    '| 10 publishers at one node → 10 subscribers at another | mozzie | MQTT of nats-server | ratio |',
  )
  print('|---|--:|--:|--:|')
  for (const title of Object.keys(FLOWS)) {
    const [ours, theirs] = [`mozzie ${title}`, `nats ${title}`].map((key) =>
      median(rates.get(key)!),
    )
    print(`| ${title} | ${ours} | ${theirs} | ${(ours / theirs).toFixed(2)} |`)
  }
  const [quick, safe] = Object.keys(FLOWS)
  const share = median(rates.get(`mozzie ${quick}`)!) / median(rates.get(`nats ${safe}`)!)
  print(`| our QoS 0 ÷ its QoS 1 | | | ${share.toFixed(2)} |`)
}

const connectNomad = (port: number): Promise<MqttClient> =>
  connectOnce(`mqtt://127.0.0.1:${port}`, {
    clientId: 'nomad',
    clean: false,
    protocolVersion: 5,
    properties: { sessionExpiryInterval: 1000 },
  })

async function takeovers({ ports, brokers }: Cluster): Promise<void> {
  const times: number[] = []
  let held = await connectNomad(ports[0])
  await held.subscribeAsync('nomad', { qos: 1 })
  for (let move = 1; move <= TAKEOVERS; move++) {
    const before = held
    const hasLeft = new Promise<void>((resolve) => before.once('close', () => resolve()))
    const beganMs = performance.now()
    held = await connectNomad(ports[move % 2])
    times.push(performance.now() - beganMs)
    await hasLeft
    before.end(true)
  }
  const [usual, longest] = [median(times), Math.max(...times)].map((ms) => ms.toFixed(1))
  print(`| takeover at another node, ms (median; longest of ${TAKEOVERS}) | ${usual}; ${longest} |`)
  const home = TAKEOVERS % 2
  const beganMs = performance.now()
  await brokers[home].kill('SIGKILL')
  held.end(true)
  const back = await resumed(ports[1 - home])
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(1)
  print(`| resumed there after kill -9, s (lease ${DEFAULT_LEASE_SECONDS} s) | ${seconds} |`)
  // What it had subscribed to says that it is the same session.
  const message = new Promise<void>((resolve) => back.once('message', () => resolve()))
  await back.publishAsync('nomad', 'x', { qos: 1 })
  await message
  back.end(true)
}

async function resumed(port: number): Promise<MqttClient> {
  for (;;)
    try {
      return await connectNomad(port)
    } catch {
      await sleep(100)
    }
}

const memoryOf = (pids: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, residentKibOf(pid)]))

async function sessions({ ports, pids }: Cluster): Promise<void> {
  const count = Number(values.sessions)
  const size = ['--sessions', values.sessions, '--messages', String(MESSAGES)]
  const before = memoryOf(pids())
  const beganMs = performance.now()
  const made = await load('backlog', '--port', String(ports[0]), ...size)
  const seconds = (performance.now() - beganMs) / 1000
  const after = memoryOf(pids())
  print(`| ${count} sessions with ${MESSAGES} messages each: made in, s | ${seconds.toFixed(1)} |`)
  print(`| messages queued/s | ${made.queued_per_s} |`)
  for (const name of Object.keys(before))
    print(
      `| memory of ${name}, bytes a session | ${Math.round(((after[name] - before[name]) * 1024) / count)} |`,
    )
  const back = await load('resume', '--port', String(ports[1]), '--concurrent', '500', ...size)
  print(`| resumed at another node, messages taken, sessions/s | ${back.resumed_per_s} |`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

if (skipNats !== false) throw new Error(skipNats)
await compareFlows()
print('\n| one cluster of three | |\n|---|--:|')
const cluster = await mozzie('max_queued_messages 0\nmax_connection_rate 0')
await sessions(cluster)
await takeovers(cluster)
await cluster.stop()

/**
 * `npm run cluster:measure -- [flows] [sessions] [takeovers] --sessions N --seconds S --repeat R`; no words: all three. What a
 * cluster costs, beside the MQTT that nats-server has itself, with as many replicas, on the same machine in turn: publishers at
 * one node, subscribers at another. Then sessions with queued messages: made, resumed at another node, and all of them expired in
 * the same second, with the memory and CPU time of every process; and takeovers. Prints tables.
 */
import { execFile } from 'node:child_process'
import { parseArgs, promisify } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import { cpuSecondsOf, residentKibOf } from '../../bench/load/process-stats.ts'
import { freePort } from '../support/free-port.ts'
import { connectOnce } from '../support/connect-once.ts'
import { startBrokers, type ClusterBroker } from './brokers.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
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
/** Until sessions end that are resumed: at the slowest, so long is needed for them. */
const EXPIRY_MS_LEAST = 30_000
const EXPIRY_MS_EACH = 8
/** A session takes the longer to resume, the more messages wait in all queues. */
const LOAD_MS_MAX = 1_200_000
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
    timeout: LOAD_MS_MAX,
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

type Pids = Readonly<Record<string, number>>

const byName = (pids: Pids, figure: (pid: number) => number): Record<string, number> =>
  Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, figure(pid)]))

/** Runs one phase; prints its seconds, and the CPU time that each process spent on a session. */
async function phase(title: string, pids: Pids, work: () => Promise<unknown>): Promise<void> {
  const before = byName(pids, cpuSecondsOf)
  const beganMs = performance.now()
  await work()
  const seconds = (performance.now() - beganMs) / 1000
  const count = Number(values.sessions)
  const cpu = Object.entries(byName(pids, cpuSecondsOf)).map(
    ([name, after]) => `${name} ${Math.round(((after - before[name]) * 1e6) / count)}`,
  )
  print(`| ${title} | ${seconds.toFixed(1)} | ${Math.round(count / seconds)} | ${cpu.join(', ')} |`)
}

async function sessions({ ports, pids }: Cluster): Promise<void> {
  const count = Number(values.sessions)
  const size = ['--sessions', values.sessions, '--messages', String(MESSAGES)]
  const before = byName(pids(), residentKibOf)
  print(`\n| ${count} sessions, ${MESSAGES} messages each | s | sessions/s | CPU µs a session |`)
  print('|---|--:|--:|---|')
  await phase('made, messages queued', pids(), () =>
    load('backlog', '--port', String(ports[0]), ...size),
  )
  const after = byName(pids(), residentKibOf)
  const expiresAtMs = Date.now() + EXPIRY_MS_LEAST + count * EXPIRY_MS_EACH
  await phase('resumed at another node, messages taken', pids(), () =>
    load(
      'resume',
      '--port',
      String(ports[1]),
      '--concurrent',
      '500',
      ...size,
      '--expires-at',
      String(expiresAtMs),
    ),
  )
  const late = Date.now() - expiresAtMs
  if (late > 0) throw new Error(`resuming took ${late} ms more than sessions last`)
  await sleep(-late)
  await phase('expired, all in the same second', pids(), () => allGone(ports))
  print(`\n| memory | MiB before | with ${count} sessions | bytes a session | in the end |`)
  print('|---|--:|--:|--:|--:|')
  const mib = (kib: number): number => Math.round(kib / 1024)
  for (const [name, kib] of Object.entries(byName(pids(), residentKibOf))) {
    const each = Math.round(((after[name] - before[name]) * 1024) / count)
    print(`| ${name} | ${mib(before[name])} | ${mib(after[name])} | ${each} | ${mib(kib)} |`)
  }
}

/** Resolves when no node knows a session any more. */
async function allGone(ports: readonly number[]): Promise<void> {
  const clients = await Promise.all(
    ports.map((port) => connectOnce(`mqtt://127.0.0.1:${port}`, { clean: true })),
  )
  await Promise.all(
    clients.map(
      (client) =>
        new Promise<void>((resolve) => {
          client.on('message', (_, value) => {
            if (value.toString() === '0') resolve()
          })
          void client.subscribeAsync('$SYS/broker/clients/disconnected')
        }),
    ),
  )
  await Promise.all(clients.map((client) => client.endAsync(true)))
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

const PARTS: Readonly<Record<string, (cluster: Cluster) => Promise<void>>> = {
  sessions,
  takeovers: async (cluster) => {
    print('\n| takeovers | |\n|---|--:|')
    await takeovers(cluster)
  },
}

if (skipNats !== false) throw new Error(skipNats)
const wants = (part: string): boolean => positionals.length === 0 || positionals.includes(part)
if (wants('flows')) await compareFlows()
for (const [part, measure] of Object.entries(PARTS)) {
  if (!wants(part)) continue
  const cluster = await mozzie('max_queued_messages 0\nmax_connection_rate 0\nsys_interval 1')
  await measure(cluster)
  await cluster.stop()
}

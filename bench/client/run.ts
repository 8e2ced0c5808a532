/**
 * Our client library beside MQTT.js: the same broker, the same messages, in turns. `npm run bench:client` prints the table
 * and writes it into `docs/client.md`.
 *
 *     receive   feeder ──▶ broker ──▶ 10 × [library]     the feeder keeps WINDOW messages under way
 *     publish   [library] ──▶ broker
 *
 * The goal is asked of CPU time: unlike the rate it does not depend on whether the machine's other cores keep up.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { publishTemplate } from '../load/frames.ts'
import { append, flush, newLoad, nextPacketId, openLink, sleep, until } from '../load/link.ts'
import { complete, freePort, killAll, startServer, type RunningTarget } from '../processes.ts'
import { median } from '../report.ts'
import { LIBRARIES, RECEIVERS, type LibraryName } from './libraries.ts'

const PAGES = ['docs/client.md', 'docs/zh/client.md']
const START = '<!-- figures: written by npm run bench:client -->'
const END = '<!-- end of figures -->'

const WARM_UP_MS = 700
const MEASURE_MS = 2_000
const ROUNDS = 3
const WINDOW = 2_000
const BURST = 500

const FLOWS = [
  { role: 'receive', qos: 0, title: 'received, QoS 0', goal: 5 },
  { role: 'receive', qos: 1, title: 'received, QoS 1', goal: 5 },
  { role: 'publish', qos: 0, title: 'published, QoS 0', goal: 0 },
  { role: 'publish', qos: 1, title: 'published, QoS 1', goal: 0 },
] as const
type Flow = (typeof FLOWS)[number]

const lastCore = cpus().length - 1

/** The measured library has the last core to itself; broker and feeder share the others. */
async function pin(pid: number, cores: string): Promise<void> {
  if (lastCore > 0) await complete('taskset', ['-a', '-p', '-c', cores, String(pid)], 5000)
}

async function startSide(name: LibraryName, flow: Flow, port: number) {
  const file = fileURLToPath(new URL('./side.js', import.meta.url))
  const child = fork(file, [name, flow.role, String(flow.qos), String(port)])
  await pin(child.pid!, String(lastCore))
  let count = 0
  let cpuMicros = 0
  const ready = new Promise<void>((done, failed) => {
    child.on('message', (message) => {
      if (message === 'ready') done()
      else [count, cpuMicros] = message as [number, number]
    })
    child.once('exit', () => failed(new Error(`${name} ended`)))
  })
  await ready
  return { child, count: () => count, cpuMicros: () => cpuMicros }
}

async function stopSide(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.send('end')
  const timer = setTimeout(() => child.kill('SIGKILL'), 3000)
  await gone
  clearTimeout(timer)
}

/** Publishes as fast as `taken` follows; returns what stops it. */
async function startFeeder(port: number, qos: number, taken: () => number): Promise<() => void> {
  const load = newLoad(port, 5)
  const link = openLink(load, `feeder-${process.pid}`)
  await until(load, () => load.connected === 1, 5000, 'connecting the feeder')
  const { bytes, packetIdAt } = publishTemplate({
    version: 5,
    topic: 'bench/client',
    qos,
    retain: false,
    payloadBytes: 64,
    publisherId: 1,
  })
  const batch = Buffer.concat(Array<Buffer>(BURST).fill(bytes))
  let running = true
  const turn = (): void => {
    if (!running) return
    // The reports come in steps, and the broker acknowledges at QoS 1: both bound what is under way.
    if (!link.writing && link.sent - taken() / RECEIVERS < WINDOW && link.inflight < BURST * 4) {
      const at = link.outLength + packetIdAt
      append(link, batch)
      link.sent += BURST
      if (qos > 0) {
        link.inflight += BURST
        for (let i = 0; i < BURST; i++)
          link.out.writeUInt16BE(nextPacketId(link), at + i * bytes.length)
      }
      flush(link)
    }
    setImmediate(turn)
  }
  turn()
  return () => {
    running = false
    link.closing = true
    link.socket.destroy()
  }
}

interface Measured {
  /** Messages a second. */
  readonly rate: number
  /** CPU time of a message in the measured process. */
  readonly micros: number
}

/** One library in one flow. */
async function measure(name: LibraryName, flow: Flow, broker: RunningTarget): Promise<Measured> {
  const { child, count, cpuMicros } = await startSide(name, flow, broker.port)
  const isReceiving = flow.role === 'receive'
  const stop = isReceiving ? await startFeeder(broker.port, flow.qos, count) : () => undefined
  await sleep(WARM_UP_MS)
  const before = count()
  const cpuBefore = cpuMicros()
  const start = performance.now()
  await sleep(MEASURE_MS)
  const done = count() - before
  const rate = (done / (performance.now() - start)) * 1000
  const micros = (cpuMicros() - cpuBefore) / done
  stop()
  await stopSide(child)
  return { rate, micros }
}

function formatted(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function fill(page: string, text: string): void {
  const old = readFileSync(page, 'utf8')
  const start = old.indexOf(START)
  const end = old.indexOf(END)
  if (start < 0 || end < start) throw new Error(`${page} has no place for figures`)
  writeFileSync(page, `${old.slice(0, start + START.length)}\n\n${text}\n\n${old.slice(end)}`)
}

async function main(scratch: string): Promise<void> {
  const port = await freePort()
  const conf = join(scratch, 'mozzie.conf')
  const queue = 'max_queued_messages 100000\nmax_inflight_messages 1000\n'
  writeFileSync(conf, `listener ${port} 127.0.0.1\nallow_anonymous true\n${queue}`)
  const broker = await startServer(
    [resolve('bin/mozzie'), '-c', conf],
    port,
    join(scratch, 'broker.log'),
  )
  const others = lastCore > 0 ? `0-${lastCore - 1}` : '0'
  await pin(broker.pid, others)
  await pin(process.pid, others)
  const lines = [
    '| 64 bytes | mozzie/client, messages/s | MQTT.js | ratio | mozzie/client, CPU µs/message | MQTT.js | ratio | goal |',
    '|---|--:|--:|--:|--:|--:|--:|---|',
  ]
  for (const flow of FLOWS) {
    const rates = new Map<LibraryName, Measured[]>(LIBRARIES.map((name) => [name, []]))
    for (let round = 0; round < ROUNDS; round++)
      for (const name of LIBRARIES) rates.get(name)!.push(await measure(name, flow, broker))
    const [own, other] = LIBRARIES.map((name) => ({
      rate: median(rates.get(name)!.map(({ rate }) => rate)),
      micros: median(rates.get(name)!.map(({ micros }) => micros)),
    }))
    const ratio = own.rate / other.rate
    const cpuRatio = other.micros / own.micros
    const goal = flow.goal === 0 ? '' : `≥ ${flow.goal}× ${cpuRatio >= flow.goal ? '✓' : '✗'}`
    lines.push(
      `| ${flow.title} | ${formatted(own.rate)} | ${formatted(other.rate)} | ${ratio.toFixed(1)}× | ${own.micros.toFixed(2)} | ${other.micros.toFixed(2)} | ${cpuRatio.toFixed(1)}× | ${goal} |`,
    )
    process.stderr.write(`${lines.at(-1)}\n`)
  }
  await broker.stop()
  const text = lines.join('\n')
  process.stdout.write(`${text}\n`)
  if (process.argv.includes('--keep')) for (const page of PAGES) fill(page, text)
}

const scratch = mkdtempSync(join(tmpdir(), 'mozzie-bench-client-'))
try {
  await main(scratch)
} finally {
  killAll()
  rmSync(scratch, { recursive: true, force: true })
}

/**
 * Everything of the example, each a process of its own as it would be in the field:
 *
 *     broker ◀── TLS ── service ── PostgreSQL          the page talks to the service alone
 *        ▲
 *        └───── TLS ── simulator: every AP its own connection
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startBroker, writeBrokerFiles, type BrokerFiles } from './broker.ts'
import type { Options } from './options.ts'
import type { ServiceProcessOptions, ServiceReport } from './service/main.ts'
import type { SimulatorOptions, SimulatorOrder, SimulatorReport } from './simulator/main.ts'

/** What a process has used so far. */
export interface Usage {
  readonly cpuMs: number
  readonly rssBytes: number
}

export interface World {
  /** Of the page. */
  readonly address: string
  readonly database: string
  simulator(): Promise<SimulatorReport>
  service(): Promise<ServiceReport>
  /** null: this system does not say. What brokers before a kill used counts. */
  broker(): Usage | null
  dropSome(share: number, downMs: number): void
  /** `kill -9`, and a new one; resolves when that takes connections. */
  killBroker(): Promise<void>
  /** The same with the service; what it knew is in the database, if that is kept. */
  killService(): Promise<void>
  /** Resolves with the name of a process that has ended unasked. */
  readonly broken: Promise<string>
  stop(): Promise<void>
}

export async function startWorld(options: Options): Promise<World> {
  const directory = placeOf(options.directory)
  const files = writeBrokerFiles(directory, await freePort(), options.fleet)
  const running = new Map<string, ChildProcess>()
  let broke: (name: string) => void
  const broken = new Promise<string>((resolve) => (broke = resolve))
  const keep = (name: string, child: ChildProcess): ChildProcess => {
    running.set(name, child)
    child.once('exit', () => {
      if (running.get(name) === child) broke(name)
    })
    return child
  }
  const end = async (name: string, signal: NodeJS.Signals): Promise<void> => {
    const child = running.get(name)
    running.delete(name)
    if (child !== undefined) await ended(child, signal)
  }
  const stop = async (): Promise<void> => {
    for (const name of ['simulator', 'service', 'broker']) await end(name, 'SIGTERM')
    if (options.directory === null) rmSync(directory, { recursive: true, force: true })
  }
  const serve = (): Promise<ServiceReport> =>
    reportOf(keep('service', forked('service', serviceOptions(options, files))))
  try {
    let broker = keep('broker', await startBroker(files))
    let before = 0
    const { database, ...first } = await serve()
    let { address } = first
    const simulator = keep('simulator', forked('simulator', simulatorOptions(options, files)))
    await reportOf(simulator)
    return {
      broken,
      get address() {
        return address
      },
      database,
      simulator: () => ask(simulator, 'report'),
      service: () => ask(running.get('service') as ChildProcess, 'report'),
      broker() {
        const usage = usageOf(broker)
        return usage && { ...usage, cpuMs: usage.cpuMs + before }
      },
      dropSome: (drop, downMs) => void simulator.send({ drop, downMs } satisfies SimulatorOrder),
      async killBroker() {
        before += usageOf(broker)?.cpuMs ?? 0
        await end('broker', 'SIGKILL')
        broker = keep('broker', await startBroker(files))
      },
      async killService() {
        await end('service', 'SIGKILL')
        address = (await serve()).address
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function placeOf(directory: string | null): string {
  if (directory === null) return mkdtempSync(join(tmpdir(), 'mozzie-price-tags-'))
  mkdirSync(directory, { recursive: true })
  return directory
}

function serviceOptions(options: Options, files: BrokerFiles): ServiceProcessOptions {
  const { speed } = options.shelf
  return {
    url: files.url,
    caFile: files.caFile,
    passwordFile: files.passwordFile,
    fleet: options.fleet,
    content: options.content,
    // A sleeping tag and a slow radio have their time before anything is said again.
    retryMs: Math.max(3000, (2 * options.shelf.checkInMs) / speed),
    deadlineMs: Math.max(30_000, 600_000 / speed),
    port: options.port,
    directory: options.directory === null ? null : join(options.directory, 'database'),
  }
}

function simulatorOptions({ fleet, shelf }: Options, files: BrokerFiles): SimulatorOptions {
  const { url, caFile, passwordFile } = files
  return { url, caFile, passwordFile, fleet, shelf }
}

function forked(name: string, options: object): ChildProcess {
  const file = fileURLToPath(new URL(`./${name}/main.js`, import.meta.url))
  return fork(file, [JSON.stringify(options)])
}

async function ask<T>(child: ChildProcess, order: SimulatorOrder): Promise<T> {
  const answer = reportOf<T>(child)
  child.send(order)
  return answer
}

function reportOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const failed = (): void => reject(new Error(`${child.spawnargs[1]} ended`))
    child.once('exit', failed)
    child.once('message', (message) => {
      child.off('exit', failed)
      resolve(message as T)
    })
  })
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}

/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10

function usageOf({ pid }: ChildProcess): Usage | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [, kB] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? ['', '0']
    const ticks = Number(fields[11]) + Number(fields[12])
    return { cpuMs: ticks * TICK_MS, rssBytes: Number(kB) * 1024 }
  } catch {
    return null
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Broker processes that are one cluster: each keeps its port when it is started again. */
import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endWithUs, freeze, orKill } from '../support/children.ts'
import { freePort } from '../support/free-port.ts'
import { processMsMax } from '../support/patience.ts'
import type { Space } from './spaces.ts'

export interface ClusterBroker {
  readonly name: string
  readonly host: string
  readonly port: number
  /** Of the dashboard and the admin API; 0: none. */
  readonly httpPort: number
  /** Everything that it said, over all its lives. */
  log(): string
  isRunning(): boolean
  /** Resolves when it serves clients. `more`: of its environment. */
  start(more?: NodeJS.ProcessEnv): Promise<void>
  /** Resolves when it has ended, to its exit code; null: by a signal, or it was not running. */
  kill(signal: NodeJS.Signals): Promise<number | null>
  pid(): number
  freeze(isFrozen: boolean): void
}

export interface BrokersOptions {
  readonly urls: readonly string[]
  readonly cluster: string
  readonly count: number
  readonly replicas: number
  readonly leaseSeconds: number
  /** Further lines of configuration, NODE is the node's name; absent: queues without bound. */
  readonly lines?: string
  readonly hasPages?: boolean
  /** One that has lost its lease may end by itself; absent: that fails the test, whose clients would wait for ever. */
  readonly mayFall?: boolean
  /** Each in one of them. */
  readonly spaces?: readonly Space[]
}

export interface ClusterBrokers {
  readonly brokers: readonly ClusterBroker[]
  stop(): Promise<void>
}

const BOUNDLESS = 'sys_interval 1\nmax_queued_messages 0'

const RUNNING = /version \S+ running/

/** Who may use the pages, where there are some. */
export const ADMIN = { name: 'admin', password: 'admin' } as const

function pagesAt(port: number, folder: string): string[] {
  return [
    `password_file ${join(folder, 'passwords')}`,
    `listener ${port} 127.0.0.1`,
    'protocol http_api',
    `http_admin_user ${ADMIN.name}`,
  ]
}

function makePasswords(folder: string): void {
  const args = ['-c', '-b', join(folder, 'passwords'), ADMIN.name, ADMIN.password]
  const { status, stderr } = spawnSync(process.execPath, ['bin/mozzie_passwd', ...args])
  if (status !== 0) throw new Error(`mozzie_passwd: ${stderr.toString()}`)
}

export async function startBrokers(options: BrokersOptions): Promise<ClusterBrokers> {
  const folder = mkdtempSync(join(tmpdir(), 'mozzie-cluster-'))
  if (options.hasPages === true) makePasswords(folder)
  const brokers: ClusterBroker[] = []
  for (let index = 0; index < options.count; index++)
    brokers.push(await brokerAt(folder, index, options))
  const stop = async (): Promise<void> => {
    await Promise.all(brokers.map((broker) => broker.kill('SIGKILL')))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await Promise.all(brokers.map((broker) => broker.start()))
  } catch (error) {
    await stop()
    throw error
  }
  return { brokers, stop }
}

async function brokerAt(
  folder: string,
  index: number,
  options: BrokersOptions,
): Promise<ClusterBroker> {
  const { urls, cluster, replicas, leaseSeconds, lines = BOUNDLESS, hasPages = false } = options
  const name = `b${index}`
  const space = options.spaces?.[index] ?? null
  const host = space?.clientHost ?? '127.0.0.1'
  const port = await freePort()
  const httpPort = hasPages ? await freePort() : 0
  const file = join(folder, `${name}.conf`)
  const config = [
    // Privileges stay: another user could not read the sources of a checkout below /root.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    `listener ${port} ${host}`,
    'allow_anonymous true',
    ...(hasPages ? pagesAt(httpPort, folder) : []),
    'log_dest stderr',
    `cluster_url ${urls.join(',')}`,
    `cluster_name ${cluster}`,
    `cluster_node_id ${name}`,
    `cluster_replicas ${replicas}`,
    'cluster_partitions 3',
    `cluster_lease_seconds ${leaseSeconds}`,
    'cluster_monitor_port 0',
    lines.replaceAll('NODE', name),
  ]
  writeFileSync(file, `${config.join('\n')}\n`)
  let child: ChildProcess | null = null
  let log = ''
  let isToEnd = false
  return {
    name,
    host,
    port,
    httpPort,
    log: () => log,
    isRunning: () => child !== null && !hasEnded(child),
    async start(more) {
      isToEnd = false
      const program = [process.execPath, join(process.cwd(), 'bin', 'mozzie'), '-c', file]
      const [first, ...args] = [...(space?.enter ?? []), ...program]
      const env = { ...process.env, ...more }
      const started = endWithUs(spawn(first, args, { stdio: ['ignore', 'ignore', 'pipe'], env }))
      child = started
      let own = ''
      started.once('exit', (code) => {
        if (child === started && !isToEnd && options.mayFall !== true)
          assert.fail(`${name} has ended by itself, with status ${code}:\n${own.slice(-2000)}`)
      })
      started.stderr.setEncoding('utf8').on('data', (text: string) => {
        own += text
        log += text
      })
      const run = async (): Promise<void> => {
        for (const endMs = performance.now() + processMsMax; !RUNNING.test(own); await sleep(20))
          if (hasEnded(started) || performance.now() > endMs)
            throw new Error(`${name} did not start:\n${own}`)
      }
      await orKill(started, run())
    },
    async kill(signal) {
      const running = child
      if (running === null || hasEnded(running)) return null
      isToEnd = true
      const ended = once(running, 'exit')
      running.kill('SIGCONT')
      running.kill(signal)
      await ended
      return running.exitCode
    },
    pid: () => child?.pid ?? 0,
    freeze: (isFrozen) => {
      if (child === null) return
      if (isFrozen) freeze(child)
      else child.kill('SIGCONT')
    },
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

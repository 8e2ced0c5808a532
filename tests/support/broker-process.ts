import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endWithUs, orKill } from './children.ts'
import { freePort } from './free-port.ts'
import { processMsMax } from './patience.ts'

/** A broker process of its own, on a port of its own. */
export interface BrokerProcess {
  readonly port: number
  readonly pid: number
  readonly log: () => string
  readonly signal: (name: NodeJS.Signals) => void
  /** SIGTERM, and SIGKILL for one that does not go; resolves to the exit code. */
  readonly stop: () => Promise<number | null>
}

export type Target = 'mozzie' | 'mosquitto'

/** Which broker runs: `mosquitto` checks these tests against a peer. */
export const target: Target =
  process.env.MOZZIE_TEST_TARGET === 'mosquitto' ? 'mosquitto' : 'mozzie'

/** `thread_count` of every broker that a test starts, where its own configuration allows it. */
const threadCount = Number(process.env.MOZZIE_TEST_THREADS ?? 1)
const singleThreaded = /^(cluster_url|thread_count)/m

/** Every broker as three nodes of a cluster; see `broker-cluster.ts`. */
const clusterMode = process.env.MOZZIE_TEST_CLUSTER ?? ''
const clusterless =
  /^(persistence true|connection |dynamic_security|thread_count|log_type|log_dest)/m

/** All listeners are open, and the store is read. */
const running = /version \S+ running/
/** Nothing of the kind is to be expected. */
const silent = /^log_(type|dest|format) /m

async function isAccepting(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

function command(which: Target, configFile: string): [string, string[]] {
  if (which === 'mosquitto') return ['/usr/sbin/mosquitto', ['-c', configFile]]
  return [process.execPath, [join(process.cwd(), 'bin', 'mozzie'), '-c', configFile]]
}

/**
 * Starts a broker on a loopback port, anonymous clients allowed, with more lines of mosquitto.conf; the
 * working directory is the repository's root. Resolves when it accepts connections.
 */
export async function startBroker(
  config = '',
  which = target,
  env: NodeJS.ProcessEnv = process.env,
): Promise<BrokerProcess> {
  if (clusterMode !== '' && which === 'mozzie' && !clusterless.test(config)) {
    const { startAsCluster } = await import('./broker-cluster.ts')
    return startAsCluster(config, clusterMode)
  }
  const port = await freePort()
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-test-'))
  const configFile = join(directory, 'mosquitto.conf')
  // Privileges stay: another user could not read the sources of a checkout below /root.
  const user = process.getuid?.() === 0 ? 'user root\n' : ''
  const listener = `${user}listener ${port} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\n`
  const isThreaded = threadCount > 1 && which === 'mozzie' && !singleThreaded.test(config)
  const threads = isThreaded ? `thread_count ${threadCount}\n` : ''
  writeFileSync(configFile, `${threads}${listener}${config}\n`)
  const [file, args] = command(which, configFile)
  const child = endWithUs(spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], env }))
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (log += chunk))
  const isUp = async () => (await isAccepting(port)) && (running.test(log) || silent.test(config))
  const start = async (): Promise<void> => {
    for (const deadline = performance.now() + processMsMax; !(await isUp()); await sleep(20)) {
      assert.ok(!hasEnded(child), `the broker did not start:\n${log}`)
      assert.ok(performance.now() < deadline, `the broker does not accept:\n${log}`)
    }
  }
  await orKill(child, start())
  const stop = async () => {
    const code = await stopProcess(child)
    rmSync(directory, { recursive: true, force: true })
    return code
  }
  const signal = (name: NodeJS.Signals) => void child.kill(name)
  return { port, pid: child.pid!, log: () => log, signal, stop }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

async function stopProcess(child: ChildProcess): Promise<number | null> {
  if (hasEnded(child)) return child.exitCode
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), processMsMax)
  await exited
  clearTimeout(timer)
  return child.exitCode
}

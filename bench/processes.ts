/** Starts brokers and load clients, and ends whatever was started. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'

export interface RunningTarget {
  readonly pid: number
  readonly port: number
  /** From its start to its first answer. */
  readonly acceptMs: number
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
}

export interface Completed {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const START_LIMIT_MS = 10_000
const STOP_LIMIT_MS = 5000
const ANSWER_POLL_MS = 5
const LOG_LINES_SHOWN = 5
const live = new Set<ChildProcess>()

/** Kills whatever this process started and is still running. */
export function killAll(): void {
  for (const child of live) child.kill('SIGKILL')
}

function track(child: ChildProcess): void {
  live.add(child)
  child.once('exit', () => live.delete(child))
}

/**
 * Runs a command to its end; a command that cannot start or overruns `limitMs` has a code other
 * than 0.
 */
export function complete(
  command: string,
  args: readonly string[],
  limitMs: number,
): Promise<Completed> {
  return new Promise((resolve) => {
    const options = { timeout: limitMs, killSignal: 'SIGKILL' as const, maxBuffer: 1 << 24 }
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      resolve({ code, stdout, stderr: stderr || (error?.message ?? '') })
    })
    track(child)
  })
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/**
 * Starts a server with room for many connections and waits until its port answers.
 * @throws with the last lines of its log when it ends or stays silent
 */
export async function startServer(
  command: readonly string[],
  port: number,
  logPath: string,
): Promise<RunningTarget> {
  const raise = 'ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$@"'
  const log = openSync(logPath, 'a')
  const startedMs = performance.now()
  const child = spawn('sh', ['-c', raise, 'sh', ...command], { stdio: ['ignore', log, log] })
  track(child)
  const deadline = Date.now() + START_LIMIT_MS
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      const said = readFileSync(logPath, 'utf8')
        .trim()
        .split('\n')
        .slice(-LOG_LINES_SHOWN)
        .join('\n')
      throw new Error(`${command[0]} does not answer on port ${port}: ${said}`)
    }
    await new Promise((resolve) => {
      setTimeout(resolve, ANSWER_POLL_MS)
    })
  }
  const acceptMs = performance.now() - startedMs
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { pid: child.pid!, port, acceptMs, stop: () => stop(child), kill }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
  await ended
  clearTimeout(timer)
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { processMsMax, waitMsMax } from '../support/patience.ts'
import { endWithUs } from '../support/children.ts'

/** `mozzie` is ours, `debian` the one of the package mosquitto-clients. */
export type Maker = 'mozzie' | 'debian'
export type ToolName = 'pub' | 'sub' | 'rr'

export const makers: readonly Maker[] = existsSync('/usr/bin/mosquitto_sub')
  ? ['mozzie', 'debian']
  : ['mozzie']

export const debianMissing = existsSync('/usr/bin/mosquitto_sub')
  ? false
  : 'mosquitto-clients is not installed'

/** For sub and rr, which are expected to end before: what hangs ends by itself, and says so. */
export const AT_LAST = ['-W', String(waitMsMax / 1000)] as const

const ATTEMPTS_MAX = 40

/** Runs a tool that gives up after a second. One that a busy machine did not get as far as CONNACK by then, which is 255, says nothing of that. */
export async function runToGiveUp(
  maker: Maker,
  tool: ToolName,
  args: readonly string[],
): Promise<Outcome> {
  const run = () => runTool(maker, tool, [...args, '-W', '1'])
  let outcome = await run()
  for (let more = 1; more < ATTEMPTS_MAX && outcome.code === 255; more++) outcome = await run()
  return outcome
}

function commandOf(maker: Maker, tool: ToolName): string[] {
  if (maker === 'debian') return [`/usr/bin/mosquitto_${tool}`]
  return [process.execPath, join(process.cwd(), 'bin', `mozzie_${tool}`)]
}

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunningTool {
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  readonly stdin: NodeJS.WritableStream
  readonly kill: (signal: NodeJS.Signals) => void
  /** Resolves when the process has ended. */
  readonly outcome: Promise<Outcome>
  /** Resolves when standard output holds `text`. */
  readonly printed: (text: string) => Promise<void>
}

/** Starts a tool with no options file of this account, in latin1 so that every byte is a character. */
export function startTool(
  maker: Maker,
  tool: ToolName,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): RunningTool {
  const [file, ...words] = commandOf(maker, tool)
  const child = endWithUs(
    spawn(file, [...words, ...args], {
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', TZ: 'UTC', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: processMsMax,
      killSignal: 'SIGKILL',
    }),
  )
  let stdout = ''
  let stderr = ''
  const waiting = new Set<() => void>()
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    stdout += text
    for (const wake of waiting) wake()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin.on('error', () => {})
  const outcome = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    stdout,
    stderr,
  }))
  const printed = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!stdout.includes(text)) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
      outcome.then(() => reject(new Error(`'${text}' was never printed: ${stdout}${stderr}`)))
    })
  const { stdin } = child
  const kill = (signal: NodeJS.Signals) => void child.kill(signal)
  const pid = child.pid ?? 0
  return { pid, stdout: () => stdout, stderr: () => stderr, stdin, kill, outcome, printed }
}

/** Runs a tool to its end. */
export async function runTool(
  maker: Maker,
  tool: ToolName,
  args: readonly string[],
  input: string | Uint8Array = '',
): Promise<Outcome> {
  const running = startTool(maker, tool, args)
  running.stdin.end(input)
  return running.outcome
}

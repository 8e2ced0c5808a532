/** Goes into the background. */
import { spawn } from 'node:child_process'

const daemonFlags = new Set(['-d', '--daemon'])

/** What the process in the background tells the one that started it. */
interface Report {
  /** null: it listens. */
  readonly problem: string | null
}

/**
 * Starts this program again in the background, in a session of its own and without a terminal.
 *
 * @param words The command line behind the program's name.
 * @returns the exit code, once the one in the background listens or has ended.
 */
export function becomeDaemon(words: readonly string[]): Promise<number> {
  const args = [
    ...process.execArgv,
    process.argv[1],
    ...words.filter((word) => !daemonFlags.has(word)),
  ]
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  return new Promise((resolve) => {
    child.on('message', (report: Report) => {
      if (report.problem !== null) return process.stderr.write(`${report.problem}\n`)
      child.disconnect()
      child.unref()
      return resolve(0)
    })
    child.on('error', ({ message }) => {
      process.stderr.write(`Error: unable to run in the background: ${message}.\n`)
      resolve(1)
    })
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

/** In the background: tells who started this process that it listens (null), or why it will not. */
export function reportDaemon(problem: string | null): void {
  const report: Report = { problem }
  process.send?.(report)
}

/** Signals, and what each asks for. */
import { LogType } from '../base/log.ts'
import { escapeControls } from './log-line.ts'
import { nodeClock } from './node-ports.ts'
import type { Server } from './running-server.ts'
import { subscriptionTreeLines } from './subscription-tree.ts'

/** A terminal and a parent process may both pass on one Ctrl-C. */
const REPEAT_MS = 1000

/** Calls `stop` on SIGINT or SIGTERM; another one a while later ends the process at once. */
export function answerStop(stop: () => void): void {
  let stoppedAtMs = Infinity
  const stopOnce = (): void => {
    const now = nodeClock.monotonicMs()
    if (now > stoppedAtMs + REPEAT_MS) process.exit(1)
    if (stoppedAtMs !== Infinity) return
    stoppedAtMs = now
    stop()
  }
  process.on('SIGINT', stopOnce)
  process.on('SIGTERM', stopOnce)
}

/**
 * Answers the other signals that mosquitto answers, the same way. SIGPIPE is ignored: Node does that itself. SIGRTMIN
 * ends the process: Node has no name for it, see `logStart`.
 */
export function answerSignals(server: Server, reload: () => void): void {
  process.on('SIGHUP', reload)
  process.on('SIGUSR1', () => {
    const text =
      server.persistence === null
        ? 'Nothing to save: sessions and messages are in memory.'
        : 'Nothing to save: every change is on the disk already.'
    server.log.write(LogType.information, text)
  })
  process.on('SIGUSR2', () => {
    const lines = subscriptionTreeLines(server.broker.subscriptionTree())
    process.stdout.write(lines.map((line) => `${escapeControls(line)}\n`).join(''))
  })
}

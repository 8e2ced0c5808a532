/** Signals, and what each asks for. */
import { LogType } from '../base/log.ts'
import { escapeControls } from '../base/escape-controls.ts'
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

const OTHERS = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const
type Other = (typeof OTHERS)[number]

/**
 * From now on no other signal that mosquitto answers ends the process, or opens a debugger. Returns what answers them the same way,
 * those first that came meanwhile: a start may take long, and whoever rotates logs does not know of it. SIGPIPE is ignored: Node does
 * that itself, and has standard output and error say that nobody reads them, which ends nothing either. SIGRTMIN ends the process:
 * Node has no name for it, see `logStart`.
 */
export function holdSignals(): (server: Server, reload: () => void) => void {
  const came = new Set<Other>()
  let answers: Readonly<Record<Other, () => void>> | null = null
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  for (const signal of OTHERS)
    process.on(signal, () => (answers === null ? came.add(signal) : answers[signal]()))
  return (server, reload) => {
    answers = answersOf(server, reload)
    for (const signal of came) answers[signal]()
  }
}

function answersOf(server: Server, reload: () => void): Readonly<Record<Other, () => void>> {
  return {
    SIGHUP: reload,
    SIGUSR1() {
      const text =
        server.persistence === null
          ? 'Nothing to save: sessions and messages are in memory.'
          : 'Nothing to save: every change is on the disk already.'
      server.log.write(LogType.information, text)
    },
    SIGUSR2() {
      const lines = subscriptionTreeLines(server.broker.subscriptionTree())
      process.stdout.write(lines.map((line) => `${escapeControls(line)}\n`).join(''))
    },
  }
}

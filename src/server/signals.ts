import { LogType } from '../base/log.ts'
import { escapeControls } from './log-line.ts'
import { nodeClock } from './node-ports.ts'
import type { Server } from './server.ts'
import { subscriptionTreeLines } from './subscription-tree.ts'

/** SIGRTMIN: 34 with glibc, 35 with musl; each leaves the numbers below it to itself. */
const realTimeSignals = [34, 35]

interface SignalHandle {
  onsignal: () => void
  start(signal: number): number
  unref(): void
}

interface ProcessWithBinding {
  noDeprecation?: boolean
  binding(name: 'signal_wrap'): { Signal: new () => SignalHandle }
}

/**
 * Answers SIGRTMIN, which Node has no name for; unanswered it would end the process. Where Node does not let
 * us, SIGHUP reopens the log files too.
 */
function onRealTimeSignal(answer: () => void): void {
  if (process.platform !== 'linux') return
  const node = process as unknown as ProcessWithBinding
  const { noDeprecation } = node
  try {
    node.noDeprecation = true
    const { Signal } = node.binding('signal_wrap')
    for (const signal of realTimeSignals) {
      const handle = new Signal()
      handle.unref()
      handle.onsignal = answer
      handle.start(signal)
    }
  } catch {
    // This Node has no such binding.
  } finally {
    node.noDeprecation = noDeprecation
  }
}

/** A terminal and a parent process may both pass on one Ctrl-C. */
const repeatMs = 1000

/** Calls `stop` on SIGINT or SIGTERM; another one a while later ends the process at once. */
export function answerStop(stop: () => void): void {
  let stoppedAtMs = Infinity
  const stopOnce = (): void => {
    const now = nodeClock.monotonicMs()
    if (now > stoppedAtMs + repeatMs) process.exit(1)
    if (stoppedAtMs !== Infinity) return
    stoppedAtMs = now
    stop()
  }
  process.on('SIGINT', stopOnce)
  process.on('SIGTERM', stopOnce)
}

/** Answers the other signals that mosquitto answers, the same way. SIGPIPE is ignored: Node does that itself. */
export function answerSignals(server: Server, reload: () => void): void {
  process.on('SIGHUP', reload)
  onRealTimeSignal(() => {
    server.log.reopenFiles()
    server.log.write(LogType.information, 'Log files reopened.')
  })
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

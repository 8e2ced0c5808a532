/** Tells systemd how it goes (`Type=notify`, `WatchdogSec`). Elsewhere nothing happens. */
import { spawn } from 'node:child_process'

/**
 * Node has no datagram sockets of the unix kind, so that systemd's own program sends the message. The unit
 * needs `NotifyAccess=all`, as that program is a process of its own.
 */
function notify(...assignments: string[]): void {
  if (!process.env.NOTIFY_SOCKET) return
  try {
    const child = spawn('systemd-notify', assignments, { stdio: 'ignore', detached: true })
    child.on('error', () => {})
    child.unref()
  } catch {
    // There is no such program, or no memory for a process more, which Node throws: systemd learns nothing, and its own timeout
    // says so better than we could.
  }
}

let watchdog: NodeJS.Timeout | null = null

/**
 * The broker listens. From now on the watchdog, if there is one, hears from us as long as the event loop turns, and `isAlive`
 * says that all else does.
 */
export function notifyReady(isAlive: () => boolean): void {
  notify('--ready', `MAINPID=${process.pid}`)
  const microseconds = Number(process.env.WATCHDOG_USEC ?? 0)
  if (!(microseconds > 0)) return
  const beat = (): void => {
    if (isAlive()) notify('WATCHDOG=1')
  }
  watchdog = setInterval(beat, microseconds / 2000).unref()
}

export function notifyStopping(): void {
  if (watchdog !== null) clearInterval(watchdog)
  notify('STOPPING=1')
}

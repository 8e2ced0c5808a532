/** What happens by time alone: keep alive, will delay, session expiry. */
import { endByServer, endSession, sendWill } from './sessions.ts'
import type { State } from './state.ts'

interface Deadline {
  readonly atMs: number
  readonly run: () => void
}

function deadlines(state: State): Deadline[] {
  const all: Deadline[] = []
  for (const session of state.sessions) {
    if (session.waitingWill !== null)
      all.push({ atMs: session.waitingWill.dueAtMs, run: () => sendWill(state, session) })
    if (session.connection === null)
      all.push({ atMs: session.endsAtMs, run: () => endSession(state, session) })
  }
  for (const connection of state.connections)
    if (connection.phase === 'open' && connection.keepAliveMs > 0)
      all.push({
        atMs: connection.lastPacketMs + connection.keepAliveMs,
        run: () => endByServer(state, connection, [0x8d]),
      })
  return all
}

/** When something is due next; Infinity: nothing is. */
export function nextDeadlineMs(state: State): number {
  return Math.min(...deadlines(state).map(({ atMs }) => atMs))
}

/** Lets time pass, one deadline after the other. */
export function passTime(state: State, untilMs: number): void {
  for (;;) {
    const [next] = deadlines(state).sort((a, b) => a.atMs - b.atMs)
    if (next === undefined || next.atMs > untilMs) break
    state.nowMs = Math.max(state.nowMs, next.atMs)
    next.run()
  }
  state.nowMs = Math.max(state.nowMs, untilMs)
}

/** Is something due so close to this moment that a clock as exact as the server's could say either? */
export function isCloseCall(state: State, atMs: number): boolean {
  const expiries = [...state.copies.map(({ message }) => message), ...state.retained]
  const all = [...deadlines(state).map((each) => each.atMs), ...expiries.map((m) => m.expiresAtMs)]
  return all.some((dueMs) => Math.abs(dueMs - atMs) <= state.profile.clockMs)
}

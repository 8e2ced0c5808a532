/** After every step, when all is quiet: is anything missing? */
import { findAmongTaken } from './rearrange.ts'
import { isTooLarge } from './sizes.ts'
import type { Candidate, Connection, Copy, State } from './state.ts'

/** What a connection that is still there was not sent; null: all is there. */
export function judgeConnection(state: State, connection: Connection, isClosed: boolean) {
  if (connection.mustClose && !isClosed) return 'is still open'
  if (!connection.mustClose && connection.phase !== 'closed' && isClosed) return 'was closed'
  const owed = connection.replies.filter(({ optional }) => optional !== true)
  // Of a connection that ends the last words count, no more.
  const { saysWhy } = state.profile
  const due = isClosed ? owed.filter(({ cmd }) => saysWhy && cmd === 'disconnect') : owed
  connection.replies = []
  if (due.length > 0)
    return `owed: ${due.map(({ cmd, id }) => (id > 0 ? `${cmd} ${id}` : cmd)).join(', ')}`
  return connection.phase === 'open' ? judgeResending(state, connection) : null
}

/** Everything in flight is sent again at once, as far as the window allows. */
function judgeResending(state: State, connection: Connection): string | null {
  const { session } = connection
  if (session === null) return null
  const unsent = session.inflight.filter((each) => !each.released && each.sentOn !== connection)
  const waiting = unsent.filter(({ optional }) => !optional)
  const isFull = session.inflight.length - unsent.length >= windowOf(state, connection)
  if (waiting.length === 0 || isFull) return null
  return `not sent again: ${waiting.map(({ message }) => message.payload).join(', ')}`
}

function windowOf({ profile }: State, { receiveMaximum }: Connection): number {
  return Math.min(profile.windowMax, receiveMaximum)
}

/** Could the server send it this way now? */
function canSend(state: State, { session, qos }: Candidate): boolean {
  const { connection } = session
  if (connection === null) return false
  const inflight = session.inflight.filter((each) => !each.optional || each.sentOn === connection)
  return qos === 0 || inflight.length < windowOf(state, connection)
}

/** Copies that should be gone by now; and the end of those that nobody will see. */
export function judgeCopies(state: State): string | null {
  const kept: Copy[] = []
  for (const copy of state.copies) {
    const { message } = copy
    const before = copy.candidates
    copy.candidates = before.filter(
      ({ session, qos }) =>
        state.sessions.includes(session) && (qos > 0 || session.connection !== null),
    )
    if (copy.candidates.length < before.length) copy.optional = true
    const isOver = message.expiresAtMs <= state.nowMs
    if (isOver && mayBeSentLate(copy)) copy.optional = true
    else if (isOver) {
      state.expired.push(copy)
      continue
    }
    if (copy.candidates.length === 0) continue
    // Its turn may have come, and gone for its length.
    copy.optional ||= mayHaveBeenTooLarge(copy)
    if (mayWait(state, copy)) kept.push(copy)
    else if (copy.optional) state.ghosts.push(copy)
    else {
      const other = findAmongTaken(
        state,
        copy,
        (each) => each.optional || mayHaveBeenTooLarge(each) || mayWait(state, each),
      )
      if (other === null) return describe(copy)
      if (mayWait(state, other)) kept.push(other)
      else state.ghosts.push(other)
    }
  }
  state.copies = kept
  return null
}

function mayWait(state: State, { candidates }: Copy): boolean {
  return !candidates.every((way) => canSend(state, way))
}

function describe({ candidates, message }: Copy): string {
  return `${candidates.map(nameOf).join(' or ')}: not sent: ${message.payload || '(empty)'} on ${message.topic}`
}

/** What may have been sent before a crash has to go again [MQTT-4.3.3-7]. */
export function mayBeSentLate({ candidates, dupAllowed }: Copy): boolean {
  return dupAllowed && candidates.some(({ qos }) => qos === 2)
}

function mayHaveBeenTooLarge({ message, candidates }: Copy): boolean {
  return candidates.some(
    (way) => way.session.connection !== null && isTooLarge(way.session.connection, message, way),
  )
}

function nameOf({ session, filter, qos }: Candidate): string {
  return `${session.clientId} (${filter}, QoS ${qos})`
}

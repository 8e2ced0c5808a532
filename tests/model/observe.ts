/** What the server said, held against what it may and must say. A text is a fault; null is none. */
import { mayBeSentLate } from './judge.ts'
import { rearrange } from './rearrange.ts'
import {
  type Candidate,
  type Connection,
  type Copy,
  type Inflight,
  type Message,
  type Session,
  type State,
} from './state.ts'
import { isTooLarge } from './sizes.ts'
import type { Seen } from './wire.ts'

type Problem = string | null

/** One packet that came on a connection. */
export function observe(state: State, connection: Connection, seen: Seen): Problem {
  if (seen.bytes > connection.maximumPacketSize)
    return `a packet of ${seen.bytes} bytes, maximum ${connection.maximumPacketSize}`
  if (seen.cmd === 'publish') return observePublish(state, connection, seen)
  return observeReply(state, connection, seen)
}

function observeReply(state: State, connection: Connection, seen: Seen): Problem {
  const index = connection.replies.findIndex(
    (reply) => reply.cmd === seen.cmd && (reply.anyOrder !== true || reply.id === seen.id),
  )
  if (index < 0) return 'nothing of the kind is due'
  const [reply] = connection.replies.splice(index, 1)
  if (reply.id !== seen.id) return `due is the identifier ${reply.id}`
  if (reply.codes.length > 0 && !reply.codes.includes(seen.code))
    return `reason code ${hex(seen.code)}, allowed ${reply.codes.map(hex).join(', ')}`
  if (reply.granted !== undefined) {
    const right =
      reply.granted.length === seen.codes.length &&
      reply.granted.every((codes, place) => codes.includes(seen.codes[place]))
    if (!right) return `codes ${seen.codes.join()}, allowed ${JSON.stringify(reply.granted)}`
  }
  if (seen.cmd !== 'connack') return null
  if (reply.sessionPresent !== seen.sessionPresent)
    return `session present is ${seen.sessionPresent}`
  return observeConnack(state, connection, seen)
}

function observeConnack({ profile }: State, { version, phase }: Connection, seen: Seen): Problem {
  if (version === 4 || seen.code !== 0 || phase !== 'open') return null
  if (seen.receiveMaximum !== profile.receiveMaximum) return 'the Receive Maximum is another'
  if (seen.aliasMaximum !== profile.aliasMaximum) return 'the Topic Alias Maximum is another'
  return null
}

const hex = (code: number): string => `0x${code.toString(16)}`

function observePublish(state: State, connection: Connection, raw: Seen): Problem {
  const { session } = connection
  if (session === null || connection.replies.some(({ cmd }) => cmd === 'connack'))
    return 'a PUBLISH before CONNACK'
  const topic = topicOf(connection, raw)
  if (topic === null) return `the topic alias ${raw.alias} is not valid`
  const seen = { ...raw, topic }
  const inflight = session.inflight.find(({ packetId }) => packetId === seen.id)
  const isReused = inflight?.optional === true && !seen.dup
  if (isReused) session.inflight = session.inflight.filter((each) => each !== inflight)
  if (seen.qos > 0 && inflight !== undefined && !isReused)
    return observeAgain(state, connection, session, inflight, seen)
  return observeFirst(state, connection, session, seen)
}

/** Section 3.3.2.3.4. */
function topicOf(connection: Connection, { alias, topic }: Seen): string | null {
  if (alias === 0) return topic === '' ? null : topic
  if (alias > connection.aliasMaximum) return null
  const known = connection.aliasesOut.find((each) => each.alias === alias)
  if (topic === '') return known?.topic ?? null
  connection.aliasesOut = connection.aliasesOut.filter((each) => each !== known)
  connection.aliasesOut.push({ alias, topic })
  return topic
}

/** [MQTT-4.4.0-1]: on a new connection only, with DUP and the same identifier, in the original order. */
function observeAgain(
  state: State,
  connection: Connection,
  session: Session,
  inflight: Inflight,
  seen: Seen,
): Problem {
  if (inflight.released) return 'a PUBLISH after its PUBREC'
  if (inflight.sentOn === connection) return 'the identifier is in use'
  if (!seen.dup) return 'sent again without DUP'
  const wrong = difference(state, connection, inflight.message, inflight.way, seen)
  if (wrong !== null && !tellApart(state, connection, session, inflight, seen))
    return `sent again with another ${wrong}`
  for (const earlier of session.inflight.slice(0, session.inflight.indexOf(inflight)))
    if (!earlier.released && !earlier.optional && earlier.sentOn !== connection)
      if (!isTooLarge(connection, earlier.message, earlier.way))
        return `out of order: ${earlier.message.payload} was sent before it`
  inflight.sentOn = connection
  inflight.isUnsure = false
  return overWindow(connection, session)
}

/**
 * Two copies of one message look alike to a 3.x client, so which of them has which identifier may only show now
 * that a 5.0 client gets them again.
 */
function tellApart(
  state: State,
  connection: Connection,
  session: Session,
  inflight: Inflight,
  seen: Seen,
): boolean {
  const { message } = inflight
  const isIt = (other: Message, way: Candidate): boolean =>
    other === message && fits(state, connection, session, message, way, seen)
  const twin = [...session.inflight, ...session.done].find((each) => isIt(each.message, each.way))
  if (twin !== undefined) {
    ;[twin.way, inflight.way] = [inflight.way, twin.way]
    ;[twin.optional, inflight.optional] = [inflight.optional, twin.optional]
    return true
  }
  for (const copy of [...state.copies, ...state.ghosts]) {
    const at = copy.candidates.findIndex((way) => isIt(copy.message, way))
    if (at < 0) continue
    const way = copy.candidates[at]
    copy.candidates[at] = inflight.way
    inflight.way = way
    return true
  }
  return false
}

function observeFirst(state: State, connection: Connection, session: Session, seen: Seen): Problem {
  const found =
    find(state, connection, session, seen) ??
    rearrange(state, ({ message, candidates }) =>
      candidates.find((way) => fits(state, connection, session, message, way, seen)),
    )
  if (found === null) return `not owed${closest(state, connection, session, seen)}`
  const { copy, way } = found
  if (seen.dup && !copy.dupAllowed) return 'DUP on what was never sent before'
  const { message } = copy
  state.taken.push({ copy, way, version: connection.version })
  const isLate = message.expiresAtMs <= state.comparedMs
  if (isLate && !(seen.dup && mayBeSentLate(copy))) return 'sent though its expiry has passed'
  state.copies = state.copies.filter((each) => each !== copy)
  const earlier = overtaken(state, connection, session, copy, way)
  if (earlier !== null) return `out of order: ${earlier} comes before it`
  if (seen.qos === 0) return null
  session.inflight.push({
    packetId: seen.id,
    message,
    way,
    released: false,
    sentOn: connection,
    isOrdered: isOrdered(copy),
    optional: false,
    isUnsure: false,
  })
  return overWindow(connection, session)
}

/**
 * The copy this is, of those that look like it: one that must be sent, the oldest, with least choice of where. One that may be
 * missing where those that must be sent are of later messages, whose turn has not come.
 */
function find(
  state: State,
  connection: Connection,
  session: Session,
  seen: Seen,
): { copy: Copy; way: Candidate } | null {
  const sorted = [...state.copies].sort(
    (a, b) =>
      Number(a.optional) - Number(b.optional) ||
      a.message.serial - b.message.serial ||
      a.candidates.length - b.candidates.length,
  )
  let found: { copy: Copy; way: Candidate } | null = null
  for (const copy of sorted) {
    const way = copy.candidates.find((each) =>
      fits(state, connection, session, copy.message, each, seen),
    )
    if (way === undefined) continue
    if (overtaken(state, connection, session, copy, way) === null) return { copy, way }
    found ??= { copy, way }
  }
  return found
}

function fits(
  state: State,
  connection: Connection,
  session: Session,
  message: Message,
  way: Candidate,
  seen: Seen,
): boolean {
  return way.session === session && difference(state, connection, message, way, seen) === null
}

/** For the report: what is nearly it. */
function closest(state: State, connection: Connection, session: Session, seen: Seen): string {
  for (const { message, candidates } of state.copies)
    for (const way of candidates)
      if (way.session === session && message.payload === seen.payload)
        return `; wrong is its ${difference(state, connection, message, way, seen)}`
  return ''
}

/** The first field in which a PUBLISH is not what the copy must look like. */
function difference(
  state: State,
  connection: Connection,
  message: Message,
  way: Candidate,
  seen: Seen,
): string | null {
  if (seen.topic !== message.topic) return `topic (${message.topic})`
  if (seen.payload !== message.payload) return 'payload'
  if (seen.qos !== way.qos) return `QoS (${way.qos})`
  if (seen.retain !== way.retain) return `retain flag (${way.retain})`
  if (connection.version === 4) return null
  const ids = way.subscriptionId === 0 ? '' : String(way.subscriptionId)
  if (seen.subscriptionIds.join() !== ids) return `subscription identifier (${ids})`
  if (seen.forwarded !== message.forwarded) return `properties (${message.forwarded})`
  return isExpiryRight(state, message, seen.expirySeconds) ? null : 'message expiry'
}

/** What was left when it was sent [MQTT-3.3.2-6]. */
function isExpiryRight(state: State, { expiresAtMs }: Message, seconds: number): boolean {
  if (expiresAtMs === Infinity) return seconds === -1
  const { nowMs, comparedMs } = state
  const { clockMs } = state.profile
  const least = Math.max(0, Math.floor((expiresAtMs - nowMs - clockMs) / 1000))
  const most = Math.max(1, Math.ceil((expiresAtMs - comparedMs + clockMs) / 1000))
  return seconds >= least && seconds <= most
}

const isOrdered = ({ candidates, isUnordered }: Copy): boolean =>
  candidates.length === 1 && !isUnordered

/** Of one publisher, topic and QoS nothing older may still wait [MQTT-4.6.0-6]: what does. */
function overtaken(
  state: State,
  connection: Connection,
  session: Session,
  copy: Copy,
  way: Candidate,
): string | null {
  if (!isOrdered(copy)) return null
  const { message } = copy
  const isBefore = (other: Message, otherWay: Candidate): boolean =>
    other.serial < message.serial &&
    other.publisher === message.publisher &&
    other.topic === message.topic &&
    otherWay.qos === way.qos &&
    other.expiresAtMs > state.nowMs + state.profile.clockMs &&
    !isTooLarge(connection, other, otherWay)
  for (const other of state.copies) {
    const [only] = other.candidates
    if (other.optional || !isOrdered(other)) continue
    if (only.session === session && isBefore(other.message, only)) return other.message.payload
  }
  for (const other of session.inflight)
    if (other.isOrdered && !other.released && !other.optional && other.sentOn !== connection)
      if (isBefore(other.message, other.way)) return other.message.payload
  return null
}

/** [MQTT-3.3.4-9] */
function overWindow(connection: Connection, session: Session): Problem {
  const count = session.inflight.filter(({ sentOn }) => sentOn === connection).length
  if (count <= connection.receiveMaximum) return null
  return `${count} messages unacknowledged, Receive Maximum ${connection.receiveMaximum}`
}

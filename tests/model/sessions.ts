/** How connections and sessions begin and end: 3.1, 3.14, 4.1, and the life of a will (3.1.2.5, 3.1.3.2). */
import { dropCopies, publish } from './publishing.ts'
import { isTooLarge } from './sizes.ts'
import type { Sent } from './sent.ts'
import { owe, type Connection, type Message, type Session, type State, type Will } from './state.ts'
import type { PacketStep, WillStep } from './steps.ts'

type Connect = Extract<PacketStep, { do: 'connect' }>
type Disconnect = Extract<Sent, { do: 'disconnect' }>

const NEVER = 0xffffffff

export function onConnect(
  state: State,
  connection: Connection,
  packet: Connect,
  willPayload: string,
): void {
  if (connection.phase === 'open') return endByServer(state, connection, [0x82])
  connection.version = packet.version
  if (packet.id === '' && packet.version === 4 && !packet.clean) {
    connection.replies.push({ cmd: 'connack', id: 0, codes: [2], sessionPresent: false })
    connection.phase = 'closed'
    connection.mustClose = true
    return
  }
  const clientId = packet.id === '' ? `assigned ${connection.name}` : packet.id
  const before = find(state, clientId)
  if (before?.connection) takeOver(state, before, before.connection, packet.clean)
  const left = find(state, clientId)
  if (left !== undefined && packet.clean) endSession(state, left)
  const resumed = find(state, clientId)
  const session = resumed ?? newSession(state, clientId, packet)
  accept(state, connection, session, packet, willPayload)
  connection.replies.push({
    cmd: 'connack',
    id: 0,
    codes: [0],
    sessionPresent: resumed !== undefined,
  })
  for (const inflight of session.inflight)
    if (inflight.released)
      connection.replies.push({ cmd: 'pubrel', id: inflight.packetId, codes: [0], anyOrder: true })
}

function find(state: State, clientId: string): Session | undefined {
  return state.sessions.find((session) => session.clientId === clientId)
}

function newSession(state: State, clientId: string, { version }: Connect): Session {
  const session: Session = {
    clientId,
    version,
    expiryMs: 0,
    connection: null,
    endsAtMs: Infinity,
    subscriptions: [],
    inflight: [],
    done: [],
    held: [],
    waitingWill: null,
    isUnsure: false,
  }
  state.sessions.push(session)
  return session
}

function accept(
  state: State,
  connection: Connection,
  session: Session,
  packet: Connect,
  willPayload: string,
): void {
  const is5 = packet.version === 5
  connection.phase = 'open'
  connection.session = session
  connection.receiveMaximum = (is5 && packet.receiveMaximum) || 65535
  connection.maximumPacketSize = (is5 && packet.maximumPacketSize) || Infinity
  connection.aliasMaximum = (is5 && packet.aliasMaximum) || 0
  connection.keepAliveMs = (packet.keepAliveSeconds ?? 0) * 1500
  connection.lastPacketMs = state.nowMs
  connection.will = packet.will ? willOf(session, packet.will, willPayload, is5) : null
  session.version = packet.version
  session.connection = connection
  session.endsAtMs = Infinity
  judgeInflight(state, connection, session)
  session.isUnsure = false
  // Back before the delay was over: it is not sent [MQTT-3.1.3-9].
  session.waitingWill = null
  session.expiryMs = is5 ? expiryMs(packet.expirySeconds ?? 0) : packet.clean ? 0 : Infinity
}

function judgeInflight(state: State, connection: Connection, session: Session): void {
  for (const inflight of session.inflight) {
    const { message, way } = inflight
    // Too long for this client: as if it had been sent [MQTT-3.1.2-25].
    if (!inflight.released && isTooLarge(connection, message, way)) inflight.optional = true
    // What was sent before a restart a server may not know; what it takes for queued has expired then.
    if (inflight.isUnsure && message.expiresAtMs <= state.nowMs) inflight.optional = true
  }
}

function expiryMs(seconds: number): number {
  return seconds === NEVER ? Infinity : seconds * 1000
}

function willOf(session: Session, step: WillStep, payload: string, is5: boolean): Will {
  const message = {
    serial: 0,
    topic: step.topic,
    payload,
    qos: step.qos,
    retain: step.retain,
    publisher: session.clientId,
    forwarded: '',
    expiresAtMs: Infinity,
    isWill: true,
  }
  const delayMs = is5 ? (step.delaySeconds ?? 0) * 1000 : 0
  return { message, delayMs, expirySeconds: (is5 && step.expirySeconds) || 0 }
}

/** [MQTT-3.1.4-3]; the will is sent, unless a delay gives the client the time it has just used to come back. */
function takeOver(state: State, session: Session, old: Connection, isClean: boolean): void {
  const isDropped = (old.will?.delayMs ?? 0) > 0 || !state.profile.willAtTakeover
  if (!isClean && session.expiryMs > 0 && isDropped) old.will = null
  endByServer(state, old, [0x8e])
}

/** The server ends a connection, telling a 5.0 client one of `codes`. */
export function endByServer(state: State, connection: Connection, codes: readonly number[]): void {
  if (connection.phase === 'closed') return
  if (connection.version === 5 && connection.phase === 'open')
    owe(connection, 'disconnect', 0, codes)
  connection.mustClose = true
  endConnection(state, connection)
}

/** The connection is gone, whoever ended it: the session ends or waits, so does the will [MQTT-3.1.2-8]. */
export function endConnection(state: State, connection: Connection): void {
  const { session, will, phase } = connection
  connection.phase = 'closed'
  connection.will = null
  if (phase !== 'open' || session === null || session.connection !== connection) return
  session.connection = null
  session.endsAtMs = state.nowMs + session.expiryMs
  // QoS 0 is for those who are there.
  for (const copy of state.copies)
    for (const way of copy.candidates)
      if (way.session === session && (way.qos === 0 || isTooLarge(connection, copy.message, way)))
        copy.optional = true
  if (will !== null) session.waitingWill = { will, dueAtMs: state.nowMs + will.delayMs }
  if (session.expiryMs === 0) endSession(state, session)
  else if (will?.delayMs === 0) sendWill(state, session)
}

export function sendWill(state: State, session: Session): void {
  const waiting = session.waitingWill
  if (waiting === null) return
  session.waitingWill = null
  publishWill(state, waiting.will)
}

function publishWill(state: State, { message, expirySeconds }: Will): void {
  const expiresAtMs = expirySeconds > 0 ? state.nowMs + expirySeconds * 1000 : Infinity
  publish(state, { ...message, serial: ++state.lastSerial, expiresAtMs })
}

export function endSession(state: State, session: Session): void {
  state.sessions = state.sessions.filter((each) => each !== session)
  state.justEnded.push(session)
  dropCopies(state, session)
  sendWill(state, session)
}

export function onDisconnect(state: State, connection: Connection, packet: Disconnect): void {
  const session = connection.session as Session
  if (packet.expirySeconds !== undefined && connection.version === 5) {
    // [MQTT-3.14.2-2]
    if (session.expiryMs === 0 && packet.expirySeconds > 0)
      return endByServer(state, connection, [0x82])
    session.expiryMs = expiryMs(packet.expirySeconds)
  }
  if ((packet.reason ?? 0) === 0 || connection.version === 4) connection.will = null
  connection.mustClose = true
  endConnection(state, connection)
}

/** The broker is gone and back. `how` crash: it could not even say goodbye. */
export function restart(state: State, how: 'stop' | 'crash'): void {
  const open = state.connections.filter(({ phase }) => phase !== 'closed')
  if (how === 'stop') sendLastWills(state, open)
  for (const connection of open) {
    if (how === 'stop') endByServer(state, connection, [0x8b])
    else {
      // What a crash leaves unsaid stays so; "in the case of a server failure" it may (3.1.2.5).
      connection.will = null
      endConnection(state, connection)
    }
    connection.mustClose = true
  }
  state.copies.push(...state.expired)
  state.expired = []
  for (const copy of state.copies) copy.dupAllowed = true
  for (const session of state.sessions) {
    session.isUnsure = true
    for (const inflight of session.inflight) inflight.isUnsure = true
  }
}

/** While there is still someone to read them, or not: the order in which connections end is the server's. */
function sendLastWills(state: State, open: readonly Connection[]): void {
  const retained: Message[] = []
  for (const connection of open) {
    const { will, session } = connection
    if (will === null || session === null) continue
    const isDue = will.delayMs === 0 || session.expiryMs === 0 || !state.profile.survives
    if (!isDue) continue
    connection.will = null
    sayLast(state, will, retained)
  }
  // Any of them may have been the last of its topic.
  state.retained = [...new Set([...state.retained, ...retained])]
  if (state.profile.survives) return
  for (const { waitingWill } of state.sessions)
    if (waitingWill !== null) sayLast(state, waitingWill.will, [])
}

/** `retained`: to be added to when the will is. */
function sayLast(state: State, will: Will, retained: Message[]): void {
  const before = state.copies.length
  publishWill(state, will)
  const { topic, retain } = will.message
  if (retain) retained.push(...state.retained.filter((each) => each.topic === topic))
  for (const copy of state.copies.slice(before))
    if (copy.candidates.some(({ qos }) => qos === 0)) copy.optional = true
}

/** Nothing was kept of what was before the restart. */
export function forgetAll(state: State): void {
  state.sessions = []
  state.retained = []
  state.copies = []
  state.expired = []
}

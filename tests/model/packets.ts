/** What a server does with each packet of a client; connecting and disconnecting are in `sessions.ts`. */
import { publish, replayRetained } from './publishing.ts'
import type { Sent } from './sent.ts'
import { endByServer, onConnect, onDisconnect } from './sessions.ts'
import { owe, type Connection, type Message, type Session, type State } from './state.ts'
import type { FilterStep } from './steps.ts'

type Of<D extends Sent['do']> = Extract<Sent, { do: D }>

/** `payload`: of the will, when the packet is a CONNECT. */
export function clientSends(
  state: State,
  connection: Connection,
  packet: Sent,
  payload: string,
): void {
  if (connection.phase === 'closed') return
  connection.lastPacketMs = state.nowMs
  if (packet.do === 'connect') return onConnect(state, connection, packet, payload)
  const { session } = connection
  if (connection.phase === 'new' || session === null) return endByServer(state, connection, [])
  if (packet.do === 'disconnect') onDisconnect(state, connection, packet)
  else if (packet.do === 'subscribe') onSubscribe(state, connection, session, packet)
  else if (packet.do === 'unsubscribe') onUnsubscribe(state, connection, session, packet)
  else if (packet.do === 'publish') onPublish(state, connection, session, packet)
  else if (packet.do === 'ack') onAck(state, connection, session, packet)
  else owe(connection, 'pingresp', 0, [])
}

function onSubscribe(
  state: State,
  connection: Connection,
  session: Session,
  packet: Of<'subscribe'>,
): void {
  const granted = packet.filters.map(({ qos }) => [qos])
  connection.replies.push({ cmd: 'suback', id: packet.id, codes: [], granted })
  for (const asked of packet.filters)
    subscribeOne(state, connection, session, asked, packet.subscriptionId)
}

function subscribeOne(
  state: State,
  connection: Connection,
  session: Session,
  asked: FilterStep,
  subscriptionId: number,
): void {
  const is5 = connection.version === 5
  const subscription = {
    filter: asked.filter,
    group: asked.filter.startsWith('$share/') ? asked.filter.split('/')[1] : '',
    qos: asked.qos,
    noLocal: is5 && asked.noLocal === true,
    retainAsPublished: is5 && asked.retainAsPublished === true,
    subscriptionId: is5 ? subscriptionId : 0,
  }
  const index = session.subscriptions.findIndex(({ filter }) => filter === asked.filter)
  if (index < 0) session.subscriptions.push(subscription)
  else session.subscriptions[index] = subscription
  const handling = is5 ? (asked.retainHandling ?? 0) : 0
  if (subscription.group !== '' || handling === 2 || (handling === 1 && index >= 0)) return
  replayRetained(state, session, subscription)
}

function onUnsubscribe(
  state: State,
  connection: Connection,
  session: Session,
  packet: Of<'unsubscribe'>,
): void {
  const granted = packet.filters.map((filter) => {
    const known = session.subscriptions.some((each) => each.filter === filter)
    session.subscriptions = session.subscriptions.filter((each) => each.filter !== filter)
    // What waits for it may still be sent [MQTT-3.10.4-2, -3].
    for (const copy of state.copies)
      if (copy.candidates.some((way) => way.session === session && way.filter === filter))
        copy.optional = true
    return [known ? 0 : 0x11]
  })
  const codes = connection.version === 5 ? granted : []
  connection.replies.push({ cmd: 'unsuback', id: packet.id, codes: [], granted: codes })
}

function onPublish(
  state: State,
  connection: Connection,
  session: Session,
  packet: Of<'publish'>,
): void {
  const { alias } = packet
  let { topic } = packet
  if (alias >= 0 && (alias === 0 || alias > state.profile.aliasMaximum))
    return endByServer(state, connection, [0x94])
  if (topic === '') {
    const known = connection.aliasesIn.find((each) => each.alias === alias)
    // No code is named for an alias that was never set; these two fit.
    if (known === undefined) return endByServer(state, connection, [0x82, 0x94])
    topic = known.topic
  } else if (alias > 0) {
    connection.aliasesIn = connection.aliasesIn.filter((each) => each.alias !== alias)
    connection.aliasesIn.push({ alias, topic })
  }
  const message = messageOf(state, session, packet, topic)
  if (packet.qos === 0) return void publish(state, message)
  if (packet.qos === 1) {
    // In portions it may come to the message when those who wanted it have gone.
    const codes = publish(state, message) && !state.inPortions ? [0] : [0, 0x10]
    return owe(connection, 'puback', packet.id, codes)
  }
  receiveQos2(state, connection, session, packet.id, message)
}

function messageOf(state: State, session: Session, packet: Of<'publish'>, topic: string): Message {
  const { expirySeconds } = packet
  return {
    serial: ++state.lastSerial,
    topic,
    payload: packet.payload,
    qos: packet.qos,
    retain: packet.retain,
    publisher: session.clientId,
    forwarded: packet.forwarded,
    expiresAtMs: expirySeconds < 0 ? Infinity : state.nowMs + expirySeconds * 1000,
    isWill: false,
  }
}

/** Section 4.3.3; the message goes on its way at PUBREL, as in docs/decisions/0006. */
function receiveQos2(
  state: State,
  connection: Connection,
  session: Session,
  id: number,
  message: Message,
): void {
  const isHeld = session.held.some((each) => each.id === id)
  if (!connection.unfinished.includes(id)) {
    // What is sent again is answered: that makes room.
    const isOver = !isHeld && connection.unfinished.length >= state.profile.receiveMaximum
    if (connection.version === 5 && isOver) return endByServer(state, connection, [0x93])
    connection.unfinished.push(id)
  }
  if (!isHeld) session.held.push({ id, message })
  owe(connection, 'pubrec', id, [0, 0x10])
}

function onAck(state: State, connection: Connection, session: Session, packet: Of<'ack'>): void {
  const { cmd, id, reason } = packet
  if (cmd === 'pubrel') return onPubrel(state, connection, session, id)
  const inflight = session.inflight.find(({ packetId }) => packetId === id)
  if (inflight === undefined) {
    const answers = cmd === 'pubrec' && reason < 0x80
    if (answers) owe(connection, 'pubrel', id, connection.version === 5 ? [0x92] : [0])
    return
  }
  const { qos } = inflight.way
  const expected = qos === 1 ? ['puback'] : inflight.released ? ['pubcomp', 'pubrec'] : ['pubrec']
  // What was taken cannot be refused any more.
  const takesBack = inflight.released && cmd === 'pubrec' && reason >= 0x80
  if (takesBack || !expected.includes(cmd)) return endByServer(state, connection, [0x82])
  if (cmd === 'pubrec' && reason < 0x80) {
    inflight.released = true
    return owe(connection, 'pubrel', id, [0])
  }
  session.inflight = session.inflight.filter((each) => each !== inflight)
  session.done.push(inflight)
}

function onPubrel(state: State, connection: Connection, session: Session, id: number): void {
  connection.unfinished = connection.unfinished.filter((each) => each !== id)
  const held = session.held.find((each) => each.id === id)
  session.held = session.held.filter((each) => each !== held)
  if (held === undefined) return owe(connection, 'pubcomp', id, [0, 0x92])
  // Its place in the order of messages is that of its PUBREL.
  publish(state, { ...held.message, serial: ++state.lastSerial })
  owe(connection, 'pubcomp', id, [0])
}

/** Messages to the server: taken, sent as far as its window allows, sent again after a lost connection. */
import { PacketType, type Properties, type Qos } from '../codec/packets.ts'
import {
  appendPublish,
  encodeForwardableProperties,
  publishSize,
  type PublishParts,
} from '../codec/publish.ts'
import { Reason, reasonText } from '../codec/reason-codes.ts'
import { EncodeError, checkBytes, checkNumber } from '../codec/encode-error.ts'
import { checkProperties, checkTopic } from '../codec/message-check.ts'
import { writeUtf8 } from '../codec/utf8.ts'
import { MqttError, PublishRefusedError, asMqttError, endedError } from './errors.ts'
import { resume } from './flow.ts'
import type { Core, Outgoing, Probe, PublishResult } from './model.ts'
import { toBytes } from './options.ts'
import { probe, proven } from './probing.ts'
import { nextPacketId, sendAck } from './send.ts'
import { sendUnsent } from './subscribing.ts'

export interface PublishOptions {
  /** Absent: 0. */
  qos?: Qos
  retain?: boolean
  /** MQTT 5.0: content type, response topic, correlation data, expiry, a topic alias of your own, … */
  properties?: Properties
  /** Gives up waiting. A message that was sent already may still arrive. */
  signal?: AbortSignal
}

const NO_BYTES = new Uint8Array(0)
const NO_PROPERTIES: Properties = Object.freeze({})
const DONE: PublishResult = Object.freeze({ reason: 0, properties: NO_PROPERTIES })
/** At QoS 0 there is nothing to wait for while the network takes what it is given: one promise for all. */
const DONE_ALREADY = Promise.resolve(DONE)

const TOPICS_KEPT_MAX = 4096
/** What a message weighs in memory beside its bytes. */
const OUTGOING_BYTES = 200

function topicBytesOf(core: Core, topic: string): Uint8Array {
  const known = core.topicBytes.get(topic)
  if (known !== undefined) return known
  const bytes = new Uint8Array(checkTopic(topic))
  writeUtf8(topic, bytes, 0)
  if (core.topicBytes.size >= TOPICS_KEPT_MAX) core.topicBytes.clear()
  core.topicBytes.set(topic, bytes)
  return bytes
}

function refused(reason: number, why: string): PublishRefusedError {
  return new PublishRefusedError('REFUSED', `${reasonText(reason)}: ${why}`, { reason })
}

/** Why the server would close the connection for this message; null: it would not (MQTT 5.0, 3.2.2.3). */
function limitProblem(core: Core, message: Outgoing): PublishRefusedError | null {
  const { maximumQos, retainAvailable, packetBytesMax, topicAliasMaximum } = core.limits
  const { qos, retain, properties, payload } = message
  if (qos > maximumQos)
    return refused(Reason.qosNotSupported, `the server takes at most QoS ${maximumQos}`)
  if (retain && !retainAvailable)
    return refused(Reason.retainNotSupported, 'the server keeps no retained messages')
  if ((properties.topicAlias ?? 0) > topicAliasMaximum)
    return refused(Reason.topicAliasInvalid, `the server takes aliases up to ${topicAliasMaximum}`)
  // The exact size is asked for only where it could matter.
  if (payload.length + 131_072 < packetBytesMax) return null
  const size = sizeOf(core, message)
  if (size > packetBytesMax)
    return refused(Reason.packetTooLarge, `${size} bytes, the server takes ${packetBytesMax}`)
  return null
}

const PARTS: PublishParts = {
  topic: NO_BYTES,
  topicStart: 0,
  topicEnd: 0,
  properties: NO_BYTES,
  propertiesStart: 0,
  propertiesEnd: 0,
  payload: NO_BYTES,
  payloadStart: 0,
  payloadEnd: 0,
}

function fillParts(topic: Uint8Array, payload: Uint8Array, properties: Properties): void {
  PARTS.topic = topic
  PARTS.topicEnd = topic.length
  PARTS.payload = payload
  PARTS.payloadEnd = payload.length
  PARTS.properties =
    properties === NO_PROPERTIES ? NO_BYTES : encodeForwardableProperties(properties)
  PARTS.propertiesEnd = PARTS.properties.length
}

function clearParts(): void {
  PARTS.topic = PARTS.payload = PARTS.properties = NO_BYTES
}

function sizeOf(core: Core, { topicBytes, payload, properties, qos }: Outgoing): number {
  fillParts(topicBytes, payload, properties)
  const expiry = properties.messageExpirySeconds ?? -1
  const { version } = core.settings
  const size = publishSize(version, qos << 1, 1, PARTS, expiry, null, 1, false)
  clearParts()
  return size
}

/** The alias to send with `topic`, 0: none; negative: the server knows it, the topic can be left out. */
function aliasFor(core: Core, topic: string, properties: Properties): number {
  const { aliasesOut, limits, settings } = core
  const known = aliasesOut.get(topic)
  if (properties.topicAlias !== undefined) {
    if (known === properties.topicAlias) return -known
    for (const [other, alias] of aliasesOut)
      if (alias === properties.topicAlias) aliasesOut.delete(other)
    aliasesOut.set(topic, properties.topicAlias)
    return properties.topicAlias
  }
  if (known !== undefined) return -known
  const free = aliasesOut.size + 1
  if (free > Math.min(settings.topicAliases, limits.topicAliasMaximum)) return 0
  aliasesOut.set(topic, free)
  return free
}

/** Writes a PUBLISH. Throws EncodeError on more bytes than a packet can have. */
function write(
  core: Core,
  topic: string,
  topicBytes: Uint8Array,
  payload: Uint8Array,
  flags: number,
  packetId: number,
  properties: Properties,
): void {
  const { output, settings } = core
  fillParts(topicBytes, payload, properties)
  const usesAliases = settings.topicAliases > 0 || properties.topicAlias !== undefined
  const alias = usesAliases ? aliasFor(core, topic, properties) : 0
  const expiry = properties.messageExpirySeconds ?? -1
  const { writer } = output
  const id = Math.abs(alias)
  appendPublish(writer, settings.version, flags, packetId, PARTS, expiry, null, id, alias < 0)
  clearParts()
  output.written()
  settings.onPacket?.('out', {
    type: PacketType.publish,
    dup: (flags & 8) !== 0,
    qos: ((flags >> 1) & 3) as Qos,
    retain: (flags & 1) !== 0,
    topic,
    packetId,
    properties,
    payload,
  })
}

function isOpen(core: Core): boolean {
  return core.phase === 'online' && !core.output.isFull
}

/** See `MqttClient.publish`. */
export function publish(
  core: Core,
  topic: string,
  payload: string | Uint8Array,
  options: PublishOptions | undefined,
): Promise<PublishResult> {
  try {
    if (core.closing || core.phase === 'ended') throw endedError()
    const topicBytes = topicBytesOf(core, topic)
    const bytes = toBytes(payload)
    checkBytes('the payload', bytes)
    const simple =
      options === undefined || ((options.qos ?? 0) === 0 && options.properties === undefined)
    if (
      simple &&
      isOpen(core) &&
      core.waiting.length === 0 &&
      core.resend.length === 0 &&
      core.suspicion === 'none'
    ) {
      const small = bytes.length + 131_072 < core.limits.packetBytesMax
      const isPlain = options === undefined || (!options.retain && options.signal === undefined)
      if (small && isPlain) {
        write(core, topic, topicBytes, bytes, 0, 0, NO_PROPERTIES)
        return DONE_ALREADY
      }
    }
    return enqueue(core, topic, topicBytes, bytes, options ?? {})
  } catch (error) {
    return Promise.reject(asMqttError(error, `cannot publish to '${topic}'`))
  }
}

function enqueue(
  core: Core,
  topic: string,
  topicBytes: Uint8Array,
  payload: Uint8Array,
  options: PublishOptions,
): Promise<PublishResult> {
  const { qos = 0, retain = false, properties = NO_PROPERTIES, signal } = options
  const { settings } = core
  signal?.throwIfAborted()
  if (
    core.outgoingMessages >= settings.outgoingMessagesMax ||
    core.outgoingBytes >= settings.outgoingBytesMax
  )
    throw new MqttError(
      'QUEUE_FULL',
      `${core.outgoingMessages} messages wait to be sent or acknowledged: await publish(), or raise outgoingMessagesMax or outgoingBytesMax`,
    )
  // Told now, not when its turn comes.
  checkNumber('qos', qos, 0, 2)
  if (typeof retain !== 'boolean') throw new EncodeError('retain is neither true nor false')
  if (properties !== NO_PROPERTIES) checkProperties(properties, payload)
  return new Promise<PublishResult>((resolved, rejected) => {
    const stop = signal === undefined ? null : follow(core, signal, () => message)
    const resolve = stop === null ? resolved : (result: PublishResult) => (stop(), resolved(result))
    const reject = stop === null ? rejected : (error: Error) => (stop(), rejected(error))
    const message: Outgoing = {
      kind: 'publish',
      topic,
      topicBytes,
      payload,
      qos,
      retain,
      properties,
      packetId: 0,
      released: false,
      epoch: 0,
      cancelled: false,
      resolve,
      reject,
    }
    core.outgoingMessages++
    core.outgoingBytes += weight(message)
    core.waiting.push(message)
    if (core.waiting.length === 1 || isOpen(core)) pump(core)
  })
}

/** Gives the message up when `signal` says so; returns what stops listening, for signals outlive messages. */
function follow(core: Core, signal: AbortSignal, given: () => Outgoing): () => void {
  const abort = (): void => {
    const message = given()
    message.cancelled = true
    message.reject(signal.reason as Error)
    if (message.packetId > 0) return
    forget(core, message)
    core.cancelledMessages++
    if (core.cancelledMessages * 2 > core.waiting.length) dropCancelled(core)
  }
  signal.addEventListener('abort', abort, { once: true })
  return () => signal.removeEventListener('abort', abort)
}

/** Once in as many calls as there are messages, so that a queue of given up ones does not grow. */
function dropCancelled(core: Core): void {
  const kept = [...core.waiting].filter(({ cancelled }) => !cancelled)
  core.waiting.clear()
  for (const message of kept) core.waiting.push(message)
  core.cancelledMessages = 0
}

function weight({ payload, topicBytes }: Outgoing): number {
  return payload.length + topicBytes.length + OUTGOING_BYTES
}

/** Sends what may be sent now: first what an earlier connection left, then what is new, in order [MQTT-4.6.0-1]. */
export function pump(core: Core): void {
  core.pumpWanted = false
  if (core.suspicion !== 'none' && isOpen(core)) {
    if (probe(core)) return
    sendUnsent(core)
  }
  while (isOpen(core)) {
    const isAgain = core.resend.length > 0
    const message = isAgain ? core.resend.peek() : core.waiting.peek()
    if (message === undefined) break
    if (message.qos > 0 && core.inflight >= core.limits.receiveMaximum) break
    if (isAgain) core.resend.shift()
    else core.waiting.shift()
    if (isAgain) sendAgain(core, message)
    else sendFirst(core, message)
  }
}

function forget(core: Core, message: Outgoing): void {
  core.outgoingMessages--
  core.outgoingBytes -= weight(message)
  if (core.outgoingMessages === 0) core.settledAll?.()
}

function sendFirst(core: Core, message: Outgoing): void {
  if (message.cancelled) {
    core.cancelledMessages--
    return
  }
  const problem = limitProblem(core, message)
  if (problem !== null) {
    message.reject(problem)
    return forget(core, message)
  }
  const { topic, topicBytes, payload, qos, retain, properties } = message
  const flags = (qos << 1) | (retain ? 1 : 0)
  try {
    if (qos > 0) message.packetId = nextPacketId(core)
    write(core, topic, topicBytes, payload, flags, message.packetId, properties)
  } catch (error) {
    message.reject(asMqttError(error, `cannot publish to '${topic}'`))
    return forget(core, message)
  }
  if (qos === 0) {
    forget(core, message)
    message.resolve(DONE)
    return
  }
  track(core, message)
}

function track(core: Core, message: Outgoing): void {
  message.epoch = core.epoch
  core.exchanges.set(message.packetId, message)
  core.inflight++
  resume(core)
}

/** A PUBLISH again has its DUP flag set [MQTT-3.3.1-1]; of a released one it is PUBREL. */
function sendAgain(core: Core, message: Outgoing): void {
  const { topic, topicBytes, payload, qos, retain, properties, packetId } = message
  track(core, message)
  if (message.released) return sendAck(core, PacketType.pubrel, packetId, 0)
  const dup = core.sessionKept ? 8 : 0
  const flags = dup | (qos << 1) | (retain ? 1 : 0)
  write(core, topic, topicBytes, payload, flags, packetId, properties)
}

/** The exchange is over: `reason` below 0x80 resolves its promise. */
export function complete(
  core: Core,
  message: Outgoing,
  reason: number,
  properties: Properties,
): void {
  core.exchanges.delete(message.packetId)
  proven(core, message)
  if (message.epoch === core.epoch) core.inflight--
  forget(core, message)
  core.pumpWanted = true
  if (reason < 0x80) message.resolve(reason === 0 ? DONE : { reason, properties })
  else {
    const said = properties.reasonString === undefined ? '' : `: ${properties.reasonString}`
    const text = `publish to '${message.topic}' refused: ${reasonText(reason)}${said}`
    message.reject(new PublishRefusedError('REFUSED', text, { reason, properties }))
  }
}

/**
 * What the last connection left unacknowledged, in the order it was sent [MQTT-4.6.0-1], for {@link pump}. Without a session
 * on the server a released message cannot be finished: it may have been delivered or not.
 */
export function collectResends(core: Core, sessionPresent: boolean): void {
  core.inflight = 0
  core.resend.clear()
  for (const exchange of [...core.exchanges.values()]) {
    if (exchange.kind !== 'publish') continue
    if (sessionPresent || !exchange.released) {
      if (core.suspicion !== 'none') core.probes.push(probeOf(core, exchange))
      else core.resend.push(exchange)
      continue
    }
    core.exchanges.delete(exchange.packetId)
    forget(core, exchange)
    const text = `the server lost the session before '${exchange.topic}' was released: it may or may not be delivered`
    exchange.reject(new MqttError('SESSION_LOST', text))
  }
}

function probeOf(core: Core, message: Outgoing): Probe {
  return {
    what: message,
    send: () => sendAgain(core, message),
    giveUp({ reason, properties }) {
      core.exchanges.delete(message.packetId)
      forget(core, message)
      const text = `the server closed the connection twice for the message to '${message.topic}'`
      message.reject(new PublishRefusedError('REFUSED', text, { reason, properties }))
    },
  }
}

/** The client ends: nobody waits for anything any more. */
export function rejectAll(core: Core, error: Error): void {
  for (const message of core.waiting) message.reject(error)
  core.cancelledMessages = 0
  for (const exchange of core.exchanges.values())
    if (exchange.kind === 'publish') exchange.reject(error)
  core.waiting.clear()
  core.resend.clear()
  core.exchanges.clear()
  core.outgoingMessages = 0
  core.outgoingBytes = 0
}

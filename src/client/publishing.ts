/** Messages to the server: taken, sent as far as its window allows, sent again after a lost connection. */
import { namesOf } from '../base/option-names.ts'
import { PacketType, type Properties, type Qos } from '../codec/packets.ts'
import { reasonText } from '../codec/reason-codes.ts'
import { EncodeError, checkBytes, checkNumber } from '../codec/encode-error.ts'
import { checkProperties } from '../codec/message-check.ts'
import { onAbort } from './abort.ts'
import { checkNames } from './check-names.ts'
import { MqttError, PublishRefusedError, asMqttError, endedError } from './errors.ts'
import { resume } from './flow.ts'
import type { Core, Outgoing, Probe, PublishResult } from './model.ts'
import { toBytes } from './options.ts'
import { probe, proven } from './probing.ts'
import { nextPacketId, sendAck } from './send.ts'
import { sendUnsent } from './subscribing.ts'
import { limitProblem, NO_PROPERTIES, topicBytesOf, writePublish } from './write-publish.ts'

export interface PublishOptions {
  /** Absent: 0. */
  qos?: Qos
  retain?: boolean
  /** MQTT 5.0: content type, response topic, correlation data, expiry, a topic alias of your own, … */
  properties?: Properties
  /** Gives up waiting. A message that was sent already may still arrive. */
  signal?: AbortSignal
}

const NAMES = namesOf<PublishOptions>({ qos: true, retain: true, properties: true, signal: true })
const DONE: PublishResult = Object.freeze({ reason: 0, properties: NO_PROPERTIES })
/** At QoS 0 there is nothing to wait for while the network takes what it is given: one promise for all. */
const DONE_ALREADY = Promise.resolve(DONE)

/** What a message weighs in memory beside its bytes. */
const OUTGOING_BYTES = 200

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
    if (options !== undefined) checkNames('', options, NAMES)
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
        writePublish(core, topic, topicBytes, bytes, 0, 0, NO_PROPERTIES)
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
  return onAbort(signal, abort)
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
    writePublish(core, topic, topicBytes, payload, flags, message.packetId, properties)
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
  writePublish(core, topic, topicBytes, payload, flags, packetId, properties)
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
      const text = `the server closed the connection each time for the message to '${message.topic}'`
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

/** The errors of the client. Each has a stable `code`; those that carry a server's answer have its reason code. */
import { EncodeError } from '../codec/encode-error.ts'
import type { Properties } from '../codec/packets.ts'
import { reasonText } from '../codec/reason-codes.ts'

/**
 * - `CONNECT` the server could not be reached, or did not speak MQTT
 * - `REFUSED` the server said no: to the connection, a publish or a subscription
 * - `CLOSED` the connection ended and will not be made again
 * - `ENDED` the client, or the subscription, was ended by its own program
 * - `QUEUE_FULL` more waits to be sent than the client may keep
 * - `SESSION_LOST` the server forgot the session in the middle of a QoS 2 exchange
 * - `TIMEOUT` no answer in time
 * - `PROTOCOL` the server broke the protocol
 * - `UNSUPPORTED` this protocol version, or this server, has no such thing
 * - `INVALID` an argument that MQTT does not allow
 */
export type ErrorCode =
  | 'CONNECT'
  | 'REFUSED'
  | 'CLOSED'
  | 'ENDED'
  | 'QUEUE_FULL'
  | 'SESSION_LOST'
  | 'TIMEOUT'
  | 'PROTOCOL'
  | 'UNSUPPORTED'
  | 'INVALID'

/** `code` is stable, `message` is not. */
export class MqttError extends Error {
  override name = 'MqttError'
  readonly code: ErrorCode
  /** A reason code of MQTT 5.0 (a return code 1..5 in a CONNACK of 3.x); 0: none was given. */
  readonly reason: number
  /** What the server's packet carried: reason string, server reference, user properties. */
  readonly properties: Properties

  constructor(
    code: ErrorCode,
    message: string,
    { reason = 0, properties = {}, cause }: ErrorDetails = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.reason = reason
    this.properties = properties
  }
}

export interface ErrorDetails {
  reason?: number
  properties?: Properties
  cause?: unknown
}

/** The server answered CONNECT with a refusal. `properties.serverReference` names another server to use. */
export class ConnectionRefusedError extends MqttError {
  override name = 'ConnectionRefusedError'
}

/** The server refused a message, or could not take it and said so beforehand (its limits in CONNACK). */
export class PublishRefusedError extends MqttError {
  override name = 'PublishRefusedError'
}

/** The server refused every filter of a SUBSCRIBE, or a filter of an UNSUBSCRIBE. */
export class SubscribeRefusedError extends MqttError {
  override name = 'SubscribeRefusedError'
  /** One reason code a filter, in their order. */
  readonly codes: readonly number[]

  constructor(message: string, codes: readonly number[], properties: Properties) {
    super('REFUSED', message, { reason: codes.find((code) => code >= 0x80) ?? 0, properties })
    this.codes = codes
  }
}

/** The connection is gone: cut, timed out, or closed by the server, whose reason is in `reason`. */
export class DisconnectedError extends MqttError {
  override name = 'DisconnectedError'
}

const RETURN_CODES = [
  'accepted',
  'unacceptable protocol version',
  'identifier rejected',
  'server unavailable',
  'bad user name or password',
  'not authorized',
]

/** A CONNACK's code in words; in 3.x it is a return code 1..5. */
export function connackText(version: number, code: number): string {
  return version === 5 ? reasonText(code) : (RETURN_CODES[code] ?? `return code ${code}`)
}

/** `words: the reason's name (0xNN)`, with the server's own words behind it if it gave any. */
export function explain(words: string, reason: number, { reasonString }: Properties): string {
  const said = reasonString === undefined ? '' : `: ${reasonString}`
  return `${words}: ${reasonText(reason)} (0x${reason.toString(16).padStart(2, '0')})${said}`
}

/** What the encoder refuses is the caller's mistake; errors that are somebody else's stay as they are. */
export function asMqttError(error: unknown, what: string): Error {
  if (!(error instanceof EncodeError)) return error as Error
  return new MqttError('INVALID', `${what}: ${error.message}`, { cause: error })
}

export function endedError(): MqttError {
  return new MqttError('ENDED', 'the client has ended')
}

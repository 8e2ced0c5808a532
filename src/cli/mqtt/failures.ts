/** What went wrong between us and the broker, in mosquitto's words and exit codes, and what to do about it. */
import { getSystemErrorMap } from 'node:util'
import { escapeControls } from '../../base/escape-controls.ts'
import { ConnectionRefusedError, PublishRefusedError, type MqttError } from '../../client/errors.ts'
import { Reason, reasonText } from '../../codec/reason-codes.ts'
import { SettingError, type Settings } from './settings.ts'

export interface Failure {
  /** First line on standard error; null: nothing is said. */
  readonly text: string | null
  readonly hint: string | null
  readonly exitCode: number
}

/** Exit codes that stand for an error of mosquitto's library. */
export const EXIT_CODES = {
  usage: 1,
  protocol: 2,
  lost: 7,
  unknown: 13,
  timeout: 27,
  /** A signal, or `-W`, before the broker accepted. */
  interrupted: 255,
} as const

/** As C's strerror has them; libuv writes some in words of its own. */
const SYSTEM_TEXTS: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  ENOENT: 'No such file or directory',
  EPIPE: 'Broken pipe',
  ETIMEDOUT: 'Connection timed out',
}

const lookupErrors = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME', 'EAI_FAIL'])

const RETURN_CODE_TEXTS = [
  'Connection Accepted.',
  'Connection Refused: unacceptable protocol version.',
  'Connection Refused: identifier rejected.',
  'Connection Refused: broker unavailable.',
  'Connection Refused: bad user name or password.',
  'Connection Refused: not authorised.',
]

/** The place that was to be connected to, for people. */
export function placeOf(settings: Settings): string {
  if (settings.unixPath !== null) return settings.unixPath
  return `${settings.host ?? 'localhost'}:${portOf(settings)}`
}

/** The port that counts when none is given. */
export function portOf({ port, tls }: Settings): number {
  if (port !== null && port !== 0) return port
  const asksForTls = tls.caFile !== null || tls.caPath !== null || tls.osCerts || tls.psk !== null
  return asksForTls ? 8883 : 1883
}

const TLS_PORT = 8883

/** Port 8883 speaks TLS, whether or not it was asked for. */
export function usesTls({ tls, port, unixPath }: Settings): boolean {
  if (tls.disabled) return false
  const isAsked = tls.caFile !== null || tls.caPath !== null || tls.osCerts || tls.psk !== null
  return isAsked || tls.certFile !== null || (port === TLS_PORT && unixPath === null)
}

/** The innermost error that has a code of the system, of OpenSSL, or of Node. */
function rootOf(error: Error): NodeJS.ErrnoException {
  const { cause } = error
  if (error instanceof AggregateError && error.errors.length > 0) {
    return rootOf(error.errors.at(-1) as Error)
  }
  return cause instanceof Error ? rootOf(cause) : error
}

function systemText({ code = '', errno = 0 }: NodeJS.ErrnoException): string | null {
  if (Object.hasOwn(SYSTEM_TEXTS, code)) return SYSTEM_TEXTS[code]
  const text = getSystemErrorMap().get(errno)?.[1]
  return text === undefined ? null : text.charAt(0).toUpperCase() + text.slice(1)
}

const IS_TLS_CODE =
  /^(ERR_SSL|ERR_TLS|ERR_OSSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_|EPROTO)/

function tlsHint(
  { tls }: Settings,
  { code = '', message }: NodeJS.ErrnoException,
  why: string,
): string {
  if (tls.psk !== null) return `TLS says: ${why}. Are --psk and --psk-identity right?`
  if (/SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|DEPTH_ZERO/.test(code)) {
    return `The broker's certificate is not trusted (${message}): give the file of its authority with --cafile.`
  }
  if (code === 'CERT_HAS_EXPIRED') return "The broker's certificate has expired."
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `${message.replace(/[\s:]+$/, '')}: use a name of the certificate with -h.`
  }
  if (code.endsWith('_CERTIFICATE_REQUIRED'))
    return 'The broker demands a certificate of the client: give it with --cert and --key.'
  return `TLS says: ${why}. Does the broker speak TLS on this port?`
}

/** What was being reached when it failed, if that was not the broker. */
function detourHint({ proxy, srv }: Settings, { message }: Error): string | null {
  const isProxy = proxy !== null && message.includes('proxy')
  return isProxy || (srv && message.includes('SRV')) ? `${message}.` : null
}

function systemHint(settings: Settings, code: string): string {
  const place = placeOf(settings)
  if (code === 'ECONNREFUSED') {
    return `Nothing accepts connections at ${place}: is the broker running, are -h and -p right?`
  }
  const isReset = code === 'ECONNRESET' && usesTls(settings)
  return isReset
    ? `${place} ended the connection: does it speak TLS?`
    : `While connecting to ${place}.`
}

/** The way to the broker ended before it said a word. */
function unreachable(settings: Settings, error: Error): Failure {
  const root: NodeJS.ErrnoException & { reason?: string; hostname?: string } = rootOf(error)
  const { code = '' } = root
  const exitCode = EXIT_CODES.usage
  const detour = detourHint(settings, error)
  if (lookupErrors.has(code)) {
    const { hostname = settings.host ?? 'localhost' } = root
    const flag = hostname === settings.bindAddress ? '-A' : '-h'
    const hint = `The name "${hostname}" has no address: is ${flag} right, does the network work?`
    return { text: 'Unable to connect (Lookup error.).', hint: detour ?? hint, exitCode }
  }
  if (IS_TLS_CODE.test(code)) {
    const hint = tlsHint(settings, root, root.reason ?? root.message)
    return { text: 'Unable to connect (A TLS error occurred.).', hint, exitCode }
  }
  const text = systemText(root)
  if (text !== null) {
    return { text: `Error: ${text}`, hint: detour ?? systemHint(settings, code), exitCode }
  }
  const place = placeOf(settings)
  return { text: `Unable to connect (${error.message}).`, hint: `To ${place}.`, exitCode }
}

function refused(settings: Settings, { reason, properties }: MqttError): Failure {
  const said =
    properties.reasonString === undefined
      ? null
      : `The broker says: ${escapeControls(properties.reasonString)}`
  if (settings.version < 5) {
    const text = RETURN_CODE_TEXTS[reason] ?? 'Connection Refused: unknown reason.'
    return { text: `Connection error: ${text}`, hint: refusalHint(reason), exitCode: reason }
  }
  const isOld = reason === Reason.unsupportedProtocolVersion || reason === 1
  const advice =
    settings.tool === 'rr'
      ? 'Try -V mqttv311.'
      : 'Try connecting to an MQTT v5 broker, or use MQTT v3.x mode.'
  const text = isOld
    ? `${reasonText(Reason.unsupportedProtocolVersion)}. ${advice}`
    : reasonText(reason)
  return { text: `Connection error: ${text}`, hint: said ?? refusalHint(reason), exitCode: reason }
}

function refusalHint(reason: number): string | null {
  const isLogin = [4, 5, Reason.badUserNameOrPassword, Reason.notAuthorized] as readonly number[]
  return isLogin.includes(reason) ? 'Are user name (-u) and password (-P) right?' : null
}

/** Who is silent, or whether anybody is there, is not known: a firewall may drop what asks for a connection. */
function silenceHint(settings: Settings): string {
  const place = placeOf(settings)
  const { proxy } = settings
  return proxy === null
    ? `${place} does not answer: is it an MQTT broker, does a firewall stand in the way?`
    : `No answer of ${place} by way of the proxy ${proxy.host}:${proxy.port}: do both run?`
}

/** Why the connection ended, or never was. */
export function connectionFailure(
  settings: Settings,
  error: MqttError,
  wasOnline: boolean,
): Failure {
  if (error instanceof ConnectionRefusedError) return refused(settings, error)
  if (error.code === 'INVALID') {
    return { text: `Error: ${error.message}.`, hint: null, exitCode: EXIT_CODES.usage }
  }
  if (error.code === 'PROTOCOL') {
    const text = 'Error: A network protocol error occurred when communicating with the broker.'
    return { text, hint: `${error.message}.`, exitCode: EXIT_CODES.protocol }
  }
  if (!wasOnline) {
    if (error.code === 'TIMEOUT') {
      const hint = silenceHint(settings)
      return { text: 'Error: Connection timed out', hint, exitCode: EXIT_CODES.usage }
    }
    if (error.cause == null) {
      const hint = `${placeOf(settings)} closed the connection without a word: is it an MQTT broker, does it want TLS?`
      return { text: 'Error: The connection was lost.', hint, exitCode: EXIT_CODES.lost }
    }
    return unreachable(settings, error)
  }
  const hint = error.reason === 0 ? null : `The broker says: ${reasonText(error.reason)}.`
  return { text: 'Error: The connection was lost.', hint, exitCode: EXIT_CODES.lost }
}

/** Why no connection was even tried, or none came about. */
export function startFailure(settings: Settings, error: Error): Failure {
  if (error instanceof SettingError) {
    return { text: error.message, hint: error.hint, exitCode: EXIT_CODES.usage }
  }
  return connectionFailure(settings, error as MqttError, false)
}

/** Reasons that no acknowledgement carries: the client itself held a message back that the broker would not take. */
const heldBack = new Map<number, readonly [text: string, exitCode: number]>([
  [Reason.qosNotSupported, ['Error: Message QoS not supported on broker, try a lower QoS.', 24]],
  [Reason.packetTooLarge, ['Error: Message payload is too large.', 25]],
  [Reason.retainNotSupported, ['Error: Retained messages are not supported on broker.', 28]],
  [Reason.topicAliasInvalid, ['Error: Topic alias not supported on broker.', 29]],
])

/** Whether the broker took a message and refused it in its acknowledgement. */
export function isBrokersRefusal(error: unknown): boolean {
  return error instanceof PublishRefusedError && !heldBack.has(error.reason)
}

/** Why a message could not be sent, as far as it is known without the broker's answer. */
export function publishFailure(error: Error): Failure {
  const held = error instanceof PublishRefusedError ? heldBack.get(error.reason) : undefined
  if (held !== undefined) {
    const [text, exitCode] = held
    return { text, hint: `The broker's limits say so: ${error.message}.`, exitCode }
  }
  return { text: `Error: ${error.message}.`, hint: null, exitCode: EXIT_CODES.unknown }
}

/** Says it, unless `--quiet`, and returns the exit code. */
export function sayFailure(settings: Settings, { text, hint, exitCode }: Failure): number {
  if (!settings.quiet && text !== null) {
    process.stderr.write(hint === null ? `${text}\n` : `${text}\n${hint}\n`)
  }
  return exitCode
}

/** Can a client reach the broker? Name, port, TLS, WebSocket and CONNECT in turn; the first that fails is the answer. */
import { once } from 'node:events'
import { connect as connectSocket, isIP } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { ConnectionRefusedError, type MqttError } from '../../client/errors.ts'
import { connect, type MqttClient, type NodeConnectOptions } from '../../client/node.ts'
import { addressesOf } from '../../client/node-names.ts'
import { tlsOptions } from '../../client/node-tls.ts'
import type { TlsOptions } from '../../client/tls-options.ts'
import { parseUrl, type Address } from '../../client/url.ts'
import type { Config } from '../../config/config.ts'
import { namesOf } from './certificates.ts'
import type { Tell } from './finding.ts'
import type { Login } from './login.ts'
import { explainRefusal } from './refusal.ts'

const STEP_MS_MAX = 5_000
/** For a CONNACK: what checks passwords may be slow, and the broker busy. */
const CONNACK_MS_MAX = 20_000

/** @param config Of the broker at the URL, where it is known: then a refusal can be explained. */
export async function examineConnection(
  login: Login,
  config: Config | null,
  tell: Tell,
): Promise<void> {
  let address: Address
  try {
    address = parseUrl(login.url)
  } catch (error) {
    return tell('bad', 'urlWrong', { message: (error as Error).message })
  }
  if (address.transport === 'unix') return examineMqtt(login, address, config, tell)
  const addresses = await examineName(address.host, tell)
  const closed: (() => void)[] = []
  for (const each of addresses) {
    const later: Tell = (...finding) => void closed.push(() => tell(...finding))
    if (!(await examinePort(each, address.port, tell, later))) continue
    if (address.tls && !(await examineTls(address, each, login.tls, tell))) return
    return examineMqtt(login, address, config, tell)
  }
  closed.at(0)?.()
}

async function examineName(host: string, tell: Tell): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  try {
    const addresses = await addressesOf(host)
    tell('good', 'nameKnown', { host, addresses: addresses.join(', ') })
    return addresses
  } catch (error) {
    tell('bad', 'nameUnknown', { host, code: codeOf(error) })
    return []
  }
}

/** @param tellFailure Wrong is only what is wrong with all addresses of a name: a client tries them in turn. */
async function examinePort(
  address: string,
  port: number,
  tell: Tell,
  tellFailure: Tell,
): Promise<boolean> {
  const socket = connectSocket({ host: address, port })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(STEP_MS_MAX) })
    tell('good', 'portOpen', { address, port })
    return true
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ECONNREFUSED') tellFailure('bad', 'portClosed', { address, port })
    else if (code === 'ABORT_ERR' || code === 'ETIMEDOUT')
      tellFailure('bad', 'portSilent', { address, port, seconds: STEP_MS_MAX / 1000 })
    else tellFailure('bad', 'portUnreachable', { address, port, code })
    return false
  } finally {
    socket.destroy()
  }
}

/** OpenSSL's words for a certificate that is good, but not signed by anybody known. */
const UNTRUSTED = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])
const OUT_OF_TIME = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])
const NO_TLS = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'EPROTO'])

async function examineTls(
  { host, port }: Address,
  at: string,
  tls: TlsOptions,
  tell: Tell,
): Promise<boolean> {
  const socket = connectTls({ ...tlsOptions(host, tls), host: at, port })
  const values = { host, port }
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(STEP_MS_MAX) })
    const until = untilOf(socket)
    tell('good', 'tlsGood', { ...values, version: socket.getProtocol() ?? 'TLS', until })
    return true
  } catch (error) {
    const code = codeOf(error)
    if (UNTRUSTED.has(code)) tell('bad', 'tlsUntrusted', { ...values, code })
    else if (OUT_OF_TIME.has(code)) tell('bad', 'tlsExpired', { ...values, code })
    else if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
      tell('bad', 'tlsName', { ...values, names: namesOf(certificateOf(error)).join(', ') })
    else if (NO_TLS.has(code) || (code === 'ECONNRESET' && !socket.authorized))
      tell('bad', 'tlsIsPlain', values)
    else tell('bad', 'tlsFailed', { ...values, code })
    return false
  } finally {
    socket.destroy()
  }
}

function certificateOf(error: unknown): { subjectAltName: string | undefined } {
  const { cert } = error as { cert?: { subjectaltname?: string } }
  return { subjectAltName: cert?.subjectaltname }
}

function untilOf(socket: TLSSocket): string {
  const certificate = socket.getPeerCertificate() as { valid_to?: string } | null
  return certificate?.valid_to ?? '?'
}

/** Up to the CONNACK: MQTT 5.0, and 3.1.1 where that is not spoken. */
async function examineMqtt(
  login: Login,
  address: Address,
  config: Config | null,
  tell: Tell,
): Promise<void> {
  for (const version of [5, 4] as const) {
    const options: NodeConnectOptions = {
      version,
      reconnect: false,
      connectTimeoutMs: CONNACK_MS_MAX,
      tls: login.tls,
      ...(login.clientId !== undefined && { clientId: login.clientId }),
      ...(login.username !== undefined && { username: login.username }),
      ...(login.password !== undefined && { password: login.password }),
    }
    try {
      const client = await connect(login.url, options)
      tell('good', 'connected', {
        clientId: client.clientId,
        version: version === 5 ? '5.0' : '3.1.1',
      })
      if (config !== null) await examineBroker(client, address.port, tell)
      await client.end()
      return
    } catch (error) {
      if (version === 5 && speaksOlder(error)) tell('note', 'onlyOlder')
      else return failed(error, login, address, config, tell)
    }
  }
}

const VERSION_MS_MAX = 1_000

/** Is it the broker of this configuration that answers, or has another one the port? One that says nothing is believed. */
async function examineBroker(client: MqttClient, port: number, tell: Tell): Promise<void> {
  const timer = setTimeout(() => void client.end(), VERSION_MS_MAX)
  try {
    const messages = await client.subscribe('$SYS/broker/version')
    for await (const message of messages) {
      const version = message.text()
      if (!version.startsWith('mozzie ')) tell('bad', 'otherBroker', { port, version })
      return
    }
  } catch {
    // It may not be read.
  } finally {
    clearTimeout(timer)
  }
}

const UNSUPPORTED_VERSION = 0x84
const UNACCEPTABLE_VERSION = 1

function speaksOlder(error: unknown): boolean {
  if (!(error instanceof ConnectionRefusedError)) return false
  return error.reason === UNSUPPORTED_VERSION || error.reason === UNACCEPTABLE_VERSION
}

async function failed(
  error: unknown,
  login: Login,
  address: Address,
  config: Config | null,
  tell: Tell,
): Promise<void> {
  const { port, path } = address
  const message = (error as Error).message
  if (error instanceof ConnectionRefusedError)
    return explainRefusal(error, login, address, config, tell)
  const { cause } = error as MqttError
  const code = codeOf(cause ?? error)
  if (address.transport === 'unix') return tell('bad', 'socketWrong', { path, code })
  if (/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE/i.test(code))
    return tell('bad', 'tlsWantsCertificate', { code })
  if (!address.tls && (await speaksTls(address))) return tell('bad', 'plainIsTls', { port })
  if ((error as MqttError).code === 'TIMEOUT')
    return tell('bad', 'noConnack', { port, seconds: CONNACK_MS_MAX / 1000 })
  if (address.transport === 'websocket') return tell('bad', 'webSocketFailed', { message })
  tell('bad', 'notMqtt', { port, message })
}

/** Does a handshake get anywhere there? */
async function speaksTls({ host, port }: Address): Promise<boolean> {
  for (const each of await addressesOf(host)) if (await shakesHands(each, port)) return true
  return false
}

async function shakesHands(host: string, port: number): Promise<boolean> {
  const socket = connectTls({ host, port, rejectUnauthorized: false })
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(STEP_MS_MAX) })
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

function codeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: string }
  return typeof code === 'string' ? code : (message ?? String(error))
}

/** Settings into a connected client, and what is to be known of it afterwards. */
import { resolve } from 'node:path'
import { escapeControls } from '../../base/escape-controls.ts'
import type { MqttClient } from '../../client/client.ts'
import { ConnectionRefusedError } from '../../client/errors.ts'
import {
  createClient,
  scram,
  type Authenticator,
  type NodeConnectOptions,
} from '../../client/node.ts'
import type { TlsOptions } from '../../client/tls-options.ts'
import { PacketType, type Packet } from '../../codec/packets.ts'
import { reasonText } from '../../codec/reason-codes.ts'
import { connectionFailure, portOf, usesTls, type Failure } from './failures.ts'
import { SettingError, type Settings } from './settings.ts'

export interface Session {
  readonly client: MqttClient
  /** Why the connection ended for good, if it was not our wish. */
  failure: Failure | null
}

export interface SessionOptions {
  /** Come back after a lost connection. */
  readonly mayReturn: boolean
  readonly onMessage?: NodeConnectOptions['onMessage']
  /** Takes the lines of `-d`. */
  readonly print?: (line: string) => void
}

const RECONNECT_MS = 1000
const RECEIVE_MAXIMUM_DEFAULT = 20

const ID_LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'

/** MQTT 3.1 has no empty id. */
function randomId(): string {
  const letters = Array.from({ length: 18 }, () => ID_LETTERS[Math.floor(Math.random() * 62)])
  return `mosq-${letters.join('')}`
}

function clientIdOf({ clientId, clientIdPrefix, version }: Settings): string {
  if (clientIdPrefix !== null) return `${clientIdPrefix}${process.pid}`
  if (clientId !== null) return clientId
  return version === 3 ? randomId() : ''
}

async function urlOf(settings: Settings, isTls: boolean): Promise<string> {
  const { unixPath, webSocket } = settings
  if (unixPath !== null) {
    const path = encodeURI(resolve(unixPath)).replace(/[?#]/g, encodeURIComponent)
    return `unix://${path}`
  }
  let host = settings.host ?? 'localhost'
  let port = portOf(settings)
  if (settings.srv) {
    const { lookUpService } = await import('./service-lookup.ts')
    ;({ host, port } = await lookUpService(host, isTls))
  }
  const scheme = `${webSocket ? 'ws' : 'mqtt'}${isTls ? 's' : ''}`
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

function proxyUrl({ proxy }: Settings): string | null {
  if (proxy === null) return null
  const { host, port, username, password } = proxy
  const user = encodeURIComponent(username ?? '')
  const login = username === null ? '' : `${user}:${encodeURIComponent(password ?? '')}@`
  return `socks5h://${login}${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** `-C N`: what is more than N stays with the broker. */
function receiveMaximum({ messageCountMax, properties }: Settings): number {
  const given = properties.connect.receiveMaximum
  if (given !== undefined) return given
  return Math.min(messageCountMax ?? RECEIVE_MAXIMUM_DEFAULT, RECEIVE_MAXIMUM_DEFAULT)
}

function sessionOptions(settings: Settings): NodeConnectOptions {
  const { version, will, properties, username, password, bindAddress } = settings
  const proxy = proxyUrl(settings)
  return {
    version,
    clientId: clientIdOf(settings),
    cleanStart: settings.cleanStart,
    keepAliveSeconds: settings.keepAliveSeconds,
    inflightMax: settings.inflightMax,
    ...(username !== null && { username }),
    ...(settings.scram === null
      ? password !== null && { password }
      : { authenticate: proofOf(settings) }),
    ...(bindAddress !== null && { localAddress: bindAddress }),
    ...(proxy !== null && { proxy }),
    ...(will.topic !== null && {
      will: {
        topic: will.topic,
        payload: will.payload ?? '',
        qos: will.qos,
        retain: will.retain,
        ...(version === 5 && { properties: properties.will }),
      },
    }),
    ...(version === 5 && {
      properties: { ...properties.connect, receiveMaximum: receiveMaximum(settings) },
    }),
  }
}

function proofOf({ username, password, scram: hash }: Settings): Authenticator {
  return scram({
    username: username ?? '',
    password: Buffer.from(password ?? []).toString(),
    hash: hash ?? 'SHA-256',
  })
}

/** A refused PUBLISH is a warning: others may go through. */
function warnOfRefusal({ quiet }: Settings, packet: Packet): void {
  if (packet.type !== PacketType.puback && packet.type !== PacketType.pubrec) return
  if (packet.reason < 0x80 || quiet) return
  const { packetId, reason, properties } = packet
  const words = properties.reasonString
  const said = words === undefined ? '' : ` (${escapeControls(words)})`
  process.stderr.write(`Warning: Publish ${packetId} failed: ${reasonText(reason)}.${said}\n`)
}

async function packetListener(
  settings: Settings,
  clientId: string,
  print: (line: string) => void,
): Promise<NodeConnectOptions['onPacket']> {
  if (settings.debug) {
    const { PacketLines } = await import('./packet-lines.ts')
    const lines = new PacketLines(clientId)
    return (direction, packet) => {
      for (const line of lines.of(direction, packet)) print(line)
      if (direction === 'in') warnOfRefusal(settings, packet)
    }
  }
  // Acknowledgements of 3.x, and QoS 0, have nothing to refuse with; packets are not made into objects for them.
  if (settings.version < 5 || settings.qos === 0) return undefined
  return (direction, packet) => {
    if (direction === 'in') warnOfRefusal(settings, packet)
  }
}

/** `--scram` needs both. */
function checkProof({ scram: hash, username, password }: Settings): void {
  if (hash !== null && (username === null || password === null))
    throw new SettingError('Error: --scram needs a user name and a password.', 'Give -u and -P.')
}

/** Begins to connect. Rejects when the settings cannot be: MqttError `INVALID`, SettingError. */
export async function startSession(settings: Settings, options: SessionOptions): Promise<Session> {
  checkProof(settings)
  if (settings.version < 5 && settings.password !== null && settings.username === null) {
    throw new SettingError(
      'Error: Problem setting username and/or password.',
      'A password without a user name (-u) is possible in MQTT 5.0 only (-V mqttv5).',
    )
  }
  const isTls = usesTls(settings)
  const own = sessionOptions(settings)
  const { isTTY } = process.stdout
  const print =
    options.print ??
    ((line) => void process.stdout.write(`${isTTY ? escapeControls(line) : line}\n`))
  const onPacket = await packetListener(settings, own.clientId ?? '', print)
  const tls = await tlsOf(settings, isTls)
  const client = createClient(await urlOf(settings, isTls), {
    ...own,
    ...(tls !== undefined && { tls }),
    ...(onPacket !== undefined && { onPacket }),
    ...(options.onMessage !== undefined && { onMessage: options.onMessage }),
    reconnect: options.mayReturn ? { minMs: RECONNECT_MS, maxMs: RECONNECT_MS, jitter: 0 } : false,
  })
  return watched(settings, client)
}

/** A version or an engine that there is not is refused without TLS as well, as mosquitto does. */
async function tlsOf(settings: Settings, isTls: boolean): Promise<TlsOptions | undefined> {
  const { engine, version } = settings.tls
  if (!isTls && engine === null && version === null) return undefined
  const { checkForms, tlsOptionsOf } = await import('./tls-files.ts')
  checkForms(settings)
  return isTls ? tlsOptionsOf(settings) : undefined
}

function watched(settings: Settings, client: MqttClient): Session {
  const session: Session = { client, failure: null }
  let wasOnline = false
  client.on('connect', () => {
    wasOnline = true
  })
  client.on('disconnect', ({ error, reconnectInMs }) => {
    if (reconnectInMs === null || settings.quiet || !process.stderr.isTTY) return
    process.stderr.write(`Warning: ${error.message}. Trying to come back.\n`)
  })
  client.on('error', (error) => {
    // Who was thrown out for good reason does not knock every second.
    if (!(error instanceof ConnectionRefusedError)) return
    session.failure = connectionFailure(settings, error, wasOnline)
    void client.end({ force: true })
  })
  client.on('end', (error) => {
    if (error !== null) session.failure ??= connectionFailure(settings, error, wasOnline)
  })
  return session
}

/** Connects. Rejects as {@link startSession} does, and with the reason why there is no connection. */
export async function openSession(settings: Settings, options: SessionOptions): Promise<Session> {
  const session = await startSession(settings, options)
  await session.client.ready
  return session
}

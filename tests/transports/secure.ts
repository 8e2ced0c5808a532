/** What tests of transports share: listeners of one broker, and raw clients over their sockets. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { Version } from '../../src/codec/packets.ts'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../server/run-mozzie.ts'
import { connect, type ConnectOptions, type PacketOf } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import type { Filed, TestCertificates } from '../support/certificates.ts'
import { testMsMax } from '../support/patience.ts'
import { gone } from '../support/sockets.ts'

export const timeout = testMsMax

/** Starts a broker with a listener for each name, whose lines are given. */
export async function startListeners<Name extends string>(
  listeners: Readonly<Record<Name, string>>,
  global = '',
): Promise<{ broker: BrokerProcess; ports: Readonly<Record<Name, number>> }> {
  const ports = {} as Record<Name, number>
  const lines: string[] = [global]
  for (const [name, text] of Object.entries(listeners) as [Name, string][]) {
    ports[name] = await freePort()
    lines.push(`listener ${ports[name]} 127.0.0.1\n${text}`)
  }
  const broker = await startBroker(lines.join('\n'))
  // The first listener accepts before the last one does.
  await until(() => / running\n/.test(broker.log()), broker.log)
  return { broker, ports }
}

export function tlsLines({ server }: TestCertificates): string {
  return `certfile ${server.certificateFile}\nkeyfile ${server.keyFile}`
}

/** A finished handshake with the broker at `port`; `as`: the client's certificate. */
export async function openTls(
  port: number,
  certificates: TestCertificates,
  as: Filed | null = null,
  options: ConnectionOptions = {},
): Promise<TLSSocket> {
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    ca: certificates.authority.certificate,
    ...(as === null ? {} : { cert: as.certificate, key: as.key }),
    ...options,
  })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  return socket
}

export async function openPlain(port: number): Promise<Socket> {
  const socket = connectPlain({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** CONNECT over `socket`, and the CONNACK. */
export async function login(
  socket: Socket,
  version: Version = 5,
  options: ConnectOptions = {},
): Promise<[RawClient, PacketOf['connack']]> {
  const client = RawClient.over(socket, version)
  client.send(connect(version, options))
  return [client, await client.expect('connack')]
}

/** As {@link login}, welcome. */
export async function join(socket: Socket, options: ConnectOptions = {}): Promise<RawClient> {
  const [client, { code }] = await login(socket, 5, options)
  assert.equal(code, 0)
  return client
}

/** The broker ends the connection before it has answered a CONNECT; resolves to the ms it took. */
export async function assertShutOut(opening: Promise<Socket>): Promise<void> {
  let socket: Socket
  try {
    socket = await opening
  } catch {
    return
  }
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  if (!socket.destroyed) {
    socket.write(RawClient.over(socket, 5).bytesOf([connect(5)]))
    await gone(socket)
  }
  assert.equal(Buffer.concat(chunks).length, 0)
}

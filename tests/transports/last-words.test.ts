/** Clients that leave without waiting for an answer: what they said before is heard, whatever they come by. */
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { WebSocket } from 'ws'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import type { Packet } from '../../src/codec/packets.ts'
import { until } from '../server/run-mozzie.ts'
import type { BrokerProcess } from '../support/broker-process.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'
import { connect, publish } from '../support/packets.ts'
import { gone } from '../support/sockets.ts'
import { join, openPlain, openTls, startListeners, timeout, tlsLines } from './secure.ts'

const NAMES = ['tcp', 'auto', 'proxy', 'tls', 'ws', 'wss'] as const
type Name = (typeof NAMES)[number]
type Ports = Readonly<Record<Name, number>>

/** More than a turn has time for. */
const MANY = 20_000
/** At so many that come at once most wait for their turn to come in, and all for the other thread. */
const CLIENTS = 30
const BUSY = 'thread_count 2\nmax_connection_rate 100'

let certificates: TestCertificates
let alone: Ports
let busy: Ports
const brokers: BrokerProcess[] = []

before(async () => {
  certificates = await makeCertificates()
  alone = await start('')
  busy = await start(BUSY)
})
after(async () => {
  for (const broker of brokers) await broker.stop()
  certificates.remove()
})

async function start(global: string): Promise<Ports> {
  const tls = tlsLines(certificates)
  const { broker, ports } = await startListeners<Name>(
    {
      tcp: '',
      auto: 'protocol auto',
      proxy: 'enable_proxy_protocol 1',
      tls,
      ws: 'protocol websockets',
      wss: `protocol websockets\n${tls}`,
    },
    global,
  )
  brokers.push(broker)
  return ports
}

function bytesOf(...packets: Packet[]): Uint8Array {
  const out = new ByteWriter(new Uint8Array(256))
  for (const packet of packets) encodePacket(out, 4, packet)
  return out.bytes.slice(0, out.length)
}

/** Says it all, and goes. */
async function sayAndGo(name: Name, port: number, bytes: Uint8Array): Promise<void> {
  if (name === 'ws' || name === 'wss') return sayInFrames(name, port, bytes)
  const socket = await (name === 'tls' ? openTls(port, certificates) : openPlain(port))
  if (name === 'proxy') socket.write('PROXY TCP4 10.0.0.1 10.0.0.2 4711 1883\r\n')
  socket.end(bytes)
  await gone(socket)
}

async function sayInFrames(scheme: 'ws' | 'wss', port: number, bytes: Uint8Array): Promise<void> {
  const ca = certificates.authority.certificate
  const client = new WebSocket(`${scheme}://127.0.0.1:${port}/`, 'mqtt', { ca })
  await once(client, 'open')
  client.send(bytes)
  client.close()
  await once(client, 'close')
}

/** So many messages come to `topic`, which `say` says. */
async function assertHeard(
  ports: Ports,
  topic: string,
  count: number,
  say: () => Promise<unknown>,
): Promise<void> {
  const hearer = await join(await openPlain(ports.tcp))
  await hearer.subscribe(topic)
  await say()
  const heard = (): number => hearer.inbox.length
  await until(
    () => heard() === count,
    () => `${heard()} of ${count}`,
  )
}

for (const name of NAMES) {
  test(`${name}: all that was published before the end is heard`, { timeout }, async () => {
    const packets = [connect(4), ...Array<Packet>(MANY).fill(publish('many', 'x'))]
    const say = (): Promise<void> => sayAndGo(name, alone[name], bytesOf(...packets))
    await assertHeard(alone, 'many', MANY, say)
  })

  test(`${name}: what is said right behind CONNECT is heard`, { timeout }, async () => {
    const bytes = bytesOf(connect(4), publish('one', 'x'))
    const say = (): Promise<void> => sayAndGo(name, busy[name], bytes)
    await assertHeard(busy, 'one', CLIENTS, () => Promise.all(Array.from({ length: CLIENTS }, say)))
  })
}

/** What a bridge says to a new remote, packet by packet: ours and Debian's mosquitto, side by side with the same lines. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { Framer } from '../../src/codec/framer.ts'
import { PacketType, type Packet, type Version } from '../../src/codec/packets.ts'
import { startBroker, type Target } from '../support/broker-process.ts'
import { ack, connect } from '../support/packets.ts'
import { waitMsMax } from '../support/patience.ts'
import { RawClient } from '../support/raw-client.ts'

const skip = existsSync('/usr/sbin/mosquitto') ? false : 'mosquitto is not installed'

const VERSIONS: readonly (readonly [Version, string])[] = [
  [3, 'mqttv31'],
  [4, 'mqttv311'],
]
const TOPICS = 'topic out/# out 2\ntopic in/# in 1\ntopic "" in 2 x/y z/w\ntopic both/# both 1'
const LINES: readonly string[] = [
  '',
  'cleansession true',
  'notifications false',
  'notifications_local_only true',
  'try_private false',
  'bridge_outgoing_retain false',
  'bridge_attempt_unsubscribe false',
  'notification_topic my/state\nremote_clientid far\nremote_username u\nremote_password p\nkeepalive_interval 33',
]

const PROBE = 'out/probe'

/** Answers every request; hands on what was said, in words. */
class Listener {
  readonly said: string[] = []
  /** Messages cross. */
  isOpen = false
  private wake = (): void => {}
  private readonly version: Version

  constructor(version: Version) {
    this.version = version
  }

  serve(socket: Socket): void {
    const framer = new Framer(100_000)
    socket.on('error', () => {})
    socket.on('data', (chunk) =>
      framer.push(chunk, 0, chunk.length, (first, bytes, _start, bodyStart, end) => {
        const options = { fromClient: true }
        this.take(socket, decodePacket(this.version, first, bytes, bodyStart, end, options))
        return true
      }),
    )
  }

  private take(socket: Socket, packet: Packet): void {
    const answer = answerTo(packet)
    if (answer !== null) {
      const out = new ByteWriter(new Uint8Array(64))
      encodePacket(out, this.version, answer)
      socket.write(out.bytes.slice(0, out.length))
    }
    if (packet.type === PacketType.publish && packet.topic === PROBE) this.isOpen = true
    else this.said.push(wordsOf(packet))
    this.wake()
  }

  async until(word: string): Promise<void> {
    const timer = setTimeout(() => this.wake(), waitMsMax)
    const end = performance.now() + waitMsMax
    while (!this.said.some((line) => line.includes(word))) {
      assert.ok(performance.now() < end, `${word} was never said, but:\n${this.said.join('\n')}`)
      await new Promise<void>((resolve) => (this.wake = resolve))
    }
    clearTimeout(timer)
  }
}

function answerTo(packet: Packet): Packet | null {
  const properties = {}
  if (packet.type === PacketType.connect)
    return { type: PacketType.connack, sessionPresent: false, code: 0, properties }
  if (packet.type === PacketType.subscribe) {
    const codes = packet.filters.map(({ qos }) => qos)
    return { type: PacketType.suback, packetId: packet.packetId, codes, properties }
  }
  if (packet.type === PacketType.unsubscribe)
    return { type: PacketType.unsuback, packetId: packet.packetId, codes: [], properties }
  if (packet.type === PacketType.publish && packet.qos > 0)
    return ack(packet.qos === 1 ? 'puback' : 'pubrec', packet.packetId)
  return packet.type === PacketType.pubrel ? ack('pubcomp', packet.packetId) : null
}

/** All of a packet that the standard does not leave to the sender: identifiers of messages are. */
function wordsOf(packet: Packet): string {
  const isMessage = packet.type === PacketType.publish && !packet.topic.endsWith('/state')
  const shown = isMessage || packet.type === PacketType.pubrel ? { ...packet, packetId: 0 } : packet
  return JSON.stringify(shown, (_key, value: unknown) => {
    const bytes = (value as { type?: unknown; data?: unknown } | null)?.data
    return Array.isArray(bytes) ? Buffer.from(bytes).toString() : value
  })
}

async function whatIsSaid(
  context: TestContext,
  target: Target,
  version: Version,
  lines: string,
): Promise<string[]> {
  const listener = new Listener(version)
  const server = createServer((socket) => listener.serve(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const broker = await startBroker(`connection edge\naddress 127.0.0.1:${port}\n${lines}`, target)
  context.after(() => broker.stop())
  await listener.until('both/#')
  const client = await RawClient.open(broker.port, 4)
  client.send(connect(4))
  await client.expect('connack', { code: 0 })
  // Ours lets messages cross when all of its requests are answered.
  const end = performance.now() + waitMsMax
  while (!listener.isOpen) {
    assert.ok(performance.now() < end, 'no message crosses')
    await client.publish(PROBE, '', { qos: 1 })
    await sleep(20)
  }
  for (const qos of [0, 1, 2] as const) {
    await client.publish('out/a', `at ${qos}`, { qos })
    await listener.until(`at ${qos}`)
  }
  await listener.until(`"type":${PacketType.pubrel}`)
  await client.publish('both/kept', 'kept', { qos: 1, retain: true })
  await client.publish('other', 'not for the remote', { qos: 1 })
  await client.publish('out/end', 'the end', { qos: 1 })
  await listener.until('the end')
  client.destroy()
  return listener.said
}

for (const [version, name] of VERSIONS)
  for (const lines of version === 4 ? LINES : LINES.slice(0, 1))
    test(
      `a bridge says what mosquitto's says, in its order: ${name} ${lines.replaceAll('\n', ', ')}`,
      { skip },
      async (context) => {
        const all = `bridge_protocol_version ${name}\n${TOPICS}\n${lines}`
        const [ours, theirs] = await Promise.all([
          whatIsSaid(context, 'mozzie', version, all),
          whatIsSaid(context, 'mosquitto', version, all),
        ])
        // A remote of 3.1 cannot say whether it has a session: what one may hold at QoS 2 is released.
        const isSweep = (said: string): boolean =>
          version === 3 && said.startsWith(`{"type":${PacketType.pubrel},`)
        assert.deepEqual(
          ours.filter((said) => !isSweep(said)),
          theirs.filter((said) => !isSweep(said)),
        )
      },
    )

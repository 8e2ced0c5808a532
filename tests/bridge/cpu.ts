/**
 * `npm run bridge-cpu`: what 1,000 messages/s at QoS 1 over a bridge cost the broker, against the same messages to a client
 * of its own with a durable session. CPU seconds (user and system) of the broker's process, in turns. Linux only.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startBroker } from '../support/broker-process.ts'
import { cpuMsOf } from '../support/cpu.ts'
import * as make from '../support/packets.ts'
import { PacketType } from '../../src/codec/packets.ts'
import { clientOf, untilUp } from './pair.ts'
import type { RawClient } from '../support/raw-client.ts'

const ROUNDS = 3
const WARM_MS = 4000
const MEASURE_MS = 10_000
const PER_SECOND = 1000
const PORTION_MS = 5
/** Takes what comes, acknowledges all of it, and counts it. */
function consume(client: RawClient): { count: number; end(): void } {
  const counted = { count: 0, end: () => clearInterval(timer) }
  const timer = setInterval(() => {
    const acks = client.inbox.splice(0).flatMap((packet) => {
      if (packet.type !== PacketType.publish) return []
      counted.count++
      return packet.qos === 1 ? [make.ack('puback', packet.packetId)] : []
    })
    if (acks.length > 0) client.send(...acks)
  }, 1)
  return counted
}

/** Publishes at an even rate; the acknowledgements are thrown away. */
function produce(client: RawClient): { end(): void } {
  const startedMs = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    client.inbox.length = 0
    const due = Math.floor(((performance.now() - startedMs) * PER_SECOND) / 1000)
    const packets = []
    for (; sent < due; sent++) {
      const packetId = 1 + (sent % 65_000)
      packets.push(make.publish(`x/${sent % 10}`, 'x'.repeat(100), { qos: 1, packetId }))
    }
    if (packets.length > 0) client.send(...packets)
  }, PORTION_MS)
  return { end: () => clearInterval(timer) }
}

/** Microseconds of CPU for a message, over a bridge or to a client. */
async function measure(isBridged: boolean, lines: string): Promise<number> {
  const remote = await startBroker('', 'mozzie')
  const bridge = `connection b\naddress 127.0.0.1:${remote.port}\nremote_clientid bid\ntopic x/# out 1\n`
  const local = await startBroker(`${lines}${isBridged ? bridge : ''}`, 'mozzie')
  if (isBridged) await untilUp(local, 'bid')
  const subscriber = await clientOf(isBridged ? remote : local, {
    clientId: 'reader',
    properties: { sessionExpirySeconds: 1000 },
  })
  await subscriber.subscribe({ filter: 'x/#', qos: 1 })
  const consumer = consume(subscriber)
  const publisher = await clientOf(local)
  const producer = produce(publisher)
  await sleep(WARM_MS)
  const [cpu, count] = [cpuMsOf(local.pid), consumer.count]
  await sleep(MEASURE_MS)
  const cost = ((cpuMsOf(local.pid) - cpu) * 1000) / (consumer.count - count)
  producer.end()
  consumer.end()
  publisher.destroy()
  subscriber.destroy()
  await local.stop()
  await remote.stop()
  return cost
}

const folder = mkdtempSync(join(tmpdir(), 'mozzie-bridge-cpu-'))
for (const persistence of [false, true]) {
  const lines = persistence
    ? `persistence true\npersistence_location ${folder}/\n`
    : 'persistence false\n'
  const ratios: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const direct = await measure(false, lines)
    const bridged = await measure(true, lines)
    ratios.push(bridged / direct)
    console.log(
      `persistence ${persistence}: a client ${direct.toFixed(0)} µs, a bridge ${bridged.toFixed(0)} µs a message`,
    )
  }
  const median = ratios.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]
  console.log(`persistence ${persistence}: ${median.toFixed(2)} times`)
}
rmSync(folder, { recursive: true })

/** Where attacks by load are fought: a broker of its own, its memory and a bystander under watch. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectSocket, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import type { Packet } from '../../src/codec/packets.ts'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { freePort } from '../support/free-port.ts'
import * as make from '../support/packets.ts'
import { startBystander, type Bystander, type Wait } from './bystander.ts'

/** How often the broker's memory is looked at. */
const LOOK_EVERY_MS = 20

export interface Field {
  readonly broker: BrokerProcess
  /** A listener for WebSocket. */
  readonly webPort: number
  /** An attacker with an accepted CONNECT of MQTT 5.0. */
  enter(options?: make.ConnectOptions): Promise<Attacker>
  /** What was measured so far counts as preparation. */
  begin(): Promise<void>
}

/** What one attack did to the broker. */
export interface Damage {
  /** The bystander's longest wait for a PINGRESP, while nothing happened and during the attack. */
  readonly quiet: Wait
  readonly stall: Wait
  /** Resident memory: after the start, and at its highest. */
  readonly startMb: number
  readonly peakMb: number
}

/** A client that writes what it is told and throws away what it reads. */
export class Attacker {
  readonly socket: Socket
  received = 0
  closed = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', ({ length }) => (this.received += length))
    socket.on('error', () => {})
    socket.on('close', () => (this.closed = true))
  }

  /** Resolves when the system took the bytes, or the connection is gone. */
  async send(...packets: (Packet | Uint8Array)[]): Promise<void> {
    await this.write(bytesOf(packets))
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.closed || this.socket.write(bytes)) return
    const over = new AbortController()
    const { signal } = over
    const events = ['drain', 'close'].map((name) => once(this.socket, name, { signal }))
    await Promise.race(events).catch(() => {})
    // The other one need not be listened for any more.
    over.abort()
  }

  /** Resolves when the broker has handled what was sent: it has answered a PINGREQ, or closed. */
  async settle(): Promise<void> {
    const before = this.received
    await this.send(make.pingreq)
    while (!this.closed && this.received === before) await sleep(5)
  }
}

export function bytesOf(packets: readonly (Packet | Uint8Array)[]): Uint8Array {
  const out = new ByteWriter(new Uint8Array(256))
  for (const packet of packets)
    if (packet instanceof Uint8Array) out.append(packet, 0, packet.length)
    else encodePacket(out, 5, packet)
  return out.bytes.slice(0, out.length)
}

/** `bytes` over and over, up to about `total` bytes. */
export function repeated(bytes: Uint8Array, total: number): Uint8Array {
  const times = Math.max(1, Math.floor(total / bytes.length))
  const all = new Uint8Array(times * bytes.length)
  for (let time = 0; time < times; time++) all.set(bytes, time * bytes.length)
  return all
}

export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
}

/** Runs `attack` on a broker with `config`, and says what it cost. The broker must live and serve on. */
export async function fight(
  config: string,
  attack: (field: Field) => Promise<void>,
): Promise<Damage> {
  const webPort = await freePort()
  const web = `listener ${webPort} 127.0.0.1\nprotocol websockets\n`
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-attack-'))
  const place = `persistence_location ${directory}`
  const broker = await startBroker(`connection_messages false\n${place}\n${config}\n${web}`)
  const bystander = await startBystander(broker)
  const attackers: Attacker[] = []
  const startMb = residentMb(broker.pid)
  const watch = { peakMb: 0, timer: setInterval(() => look(), LOOK_EVERY_MS) }
  const look = (): void => {
    watch.peakMb = Math.max(watch.peakMb, residentMb(broker.pid))
  }
  try {
    await sleep(500)
    const quiet = await bystander.worst()
    await attack({
      broker,
      webPort,
      enter: (options) => enter(broker.port, attackers, options),
      async begin() {
        await bystander.worst()
        watch.peakMb = 0
      },
    })
    look()
    const stall = await bystander.worst()
    assert.ok(Number.isFinite(stall.clockMs), `the bystander was disconnected:\n${broker.log()}`)
    assert.doesNotMatch(broker.log(), /internal error|uncaught|unhandled/i)
    return { quiet, stall, startMb, peakMb: watch.peakMb }
  } finally {
    clearInterval(watch.timer)
    await end(bystander, broker, attackers)
    rmSync(directory, { recursive: true, force: true })
  }
}

async function end(
  bystander: Bystander,
  broker: BrokerProcess,
  attackers: readonly Attacker[],
): Promise<void> {
  await bystander.stop()
  for (const { socket } of attackers) socket.destroy()
  await broker.stop()
}

let serial = 0

async function enter(
  port: number,
  attackers: Attacker[],
  options: make.ConnectOptions = {},
): Promise<Attacker> {
  const socket = connectSocket({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const attacker = new Attacker(socket)
  attackers.push(attacker)
  await attacker.send(make.connect(5, { clientId: `a${++serial}`, ...options }))
  while (!attacker.closed && attacker.received === 0)
    await Promise.race([once(socket, 'data'), once(socket, 'close')])
  return attacker
}

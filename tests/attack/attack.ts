import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { behaviours, type FileOptions, type Proves, type Scene } from '../support/behaviour.ts'
import { ack, publish } from '../support/packets.ts'
import type { RawClient } from '../support/raw-client.ts'
import { gone } from '../support/sockets.ts'
import { cpuMsOf, firstThreadCpuMsOf } from '../support/cpu.ts'
import { leastOf } from '../support/patience.ts'

/** What another client's QoS 1 round trip may take after an attack. */
const ROUND_TRIP_MS_MAX = 100

export type Attack = (name: string, proves: Proves, body: (scene: Scene) => Promise<void>) => void

/**
 * Attacks of one file, against one broker. After each the broker must be up, serve another client as fast
 * as ever, and have met nothing it did not expect.
 */
export function attacks(theme: string, options: FileOptions = {}): Attack {
  const behaviour = behaviours(theme, options)
  return (name, proves, body) =>
    behaviour(name, proves, async (scene) => {
      await body(scene)
      await assertOthersServed(scene)
    })
}

export async function assertOthersServed(
  scene: Pick<Scene, 'broker' | 'topic' | 'connect'>,
): Promise<void> {
  const { broker, topic } = scene
  const other = await scene.connect()
  await other.subscribe({ filter: `${topic}/other`, qos: 1 })
  await assertPrompt(other, `${topic}/other`)
  await other.expectNothing()
  assert.doesNotMatch(broker.log(), /internal error|uncaught|unhandled/i)
}

/** A QoS 1 message of a client to itself: its ms from PUBLISH to both the message and PUBACK. */
export async function roundTripMs(client: RawClient, topic: string): Promise<number> {
  const packetId = client.nextPacketId()
  const start = performance.now()
  client.send(publish(topic, 'echo', { qos: 1, packetId }))
  const { packetId: theirs } = await client.find('publish', { topic, payload: 'echo' })
  await client.find('puback', { packetId })
  const ms = performance.now() - start
  client.send(ack('puback', theirs))
  return ms
}

/** CPU ms of the broker's first thread from PUBLISH to its echo, of `trips` one after the other, shortest first. */
export async function roundTripsCpuMs(
  { pid }: { readonly pid: number },
  client: RawClient,
  topic: string,
  trips: number,
): Promise<number[]> {
  const times: number[] = []
  while (times.length < trips) {
    const start = firstThreadCpuMsOf(pid)
    await roundTripMs(client, topic)
    times.push(firstThreadCpuMsOf(pid) - start)
  }
  return times.sort((left, right) => left - right)
}

/** A client that has subscribed to `topic` at QoS 1 gets its messages back at once. */
export async function assertPrompt(client: RawClient, topic: string): Promise<void> {
  const ms = await leastOf(ROUND_TRIP_MS_MAX, () => roundTripMs(client, topic))
  assert.ok(ms <= ROUND_TRIP_MS_MAX, `a round trip took ${ms} ms`)
}

/** Resident memory of the broker in MB. */
export function residentMb(scene: Scene): number {
  const status = readFileSync(`/proc/${scene.broker.pid}/status`, 'latin1')
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  assert.ok(kilobytes !== undefined)
  return Number(kilobytes) / 1024
}

/**
 * The body may make the broker's memory grow by no more than this. What waits for the collector is no leak: a leak grows
 * again each time.
 */
export async function withinMb(
  scene: Scene,
  growthMb: number,
  body: () => Promise<void>,
): Promise<void> {
  let grownMb = Infinity
  for (let attempt = 0; attempt < 3 && grownMb > growthMb; attempt++) {
    const beforeMb = residentMb(scene)
    await body()
    grownMb = residentMb(scene) - beforeMb
  }
  assert.ok(grownMb <= growthMb, `${grownMb.toFixed(1)} MB more, ${growthMb} allowed`)
}

/** Runs `body` some times; resolves to the least CPU ms the broker spent on one. */
export async function leastCpuMs(
  scene: Scene,
  times: number,
  body: () => Promise<void>,
): Promise<number> {
  let least = Infinity
  for (let time = 0; time < times; time++) {
    const start = cpuMsOf(scene.broker.pid)
    await body()
    least = Math.min(least, cpuMsOf(scene.broker.pid) - start)
  }
  return least
}

/** `count` connections, opened in portions. */
export async function openMany(
  count: number,
  openOne: () => Promise<RawClient>,
): Promise<RawClient[]> {
  const clients: RawClient[] = []
  while (clients.length < count) {
    const portion = Math.min(100, count - clients.length)
    clients.push(...(await Promise.all(Array.from({ length: portion }, openOne))))
  }
  return clients
}

/** Writes `packets` at once and leaves; resolves when the broker has closed too, whatever it answered. */
export async function sayAndLeave(port: number, packets: Uint8Array[]): Promise<void> {
  const socket = connectSocket({ port, host: '127.0.0.1', noDelay: true })
  socket.end(Buffer.concat(packets))
  await gone(socket)
}

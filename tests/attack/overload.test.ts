/** Too much of everything, and what JavaScript is known to trip over. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { test } from 'node:test'
import { expandVariables } from '../../src/config/environment.ts'
import { ALL_OPTIONS } from '../../src/config/option-table.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { createBroker } from '../../src/index.ts'
import { jsonLogLine, logLine } from '../../src/server/log-line.ts'
import type { Scene } from '../support/behaviour.ts'
import * as make from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { attacks, leastCpuMs, openMany, residentMb, roundTripMs, withinMb } from './attack.ts'

// The whole suite must not depend on a prototype that anybody can reach.
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --disable-proto=throw`

const attack = attacks('attacks by load', { config: 'partial_packet_timeout 2' })

/** Round trips of another client that a broker does not hold up while it has much to do for others. */
const TRIPS_MIN = 5

/**
 * Another client is served while `body` runs. Judged by what is done side by side, not by the clock: a broker that does
 * one thing after the other comes to a trip or two.
 */
async function servedDuring(scene: Scene, body: () => Promise<void>): Promise<void> {
  const other = await scene.connect()
  await other.subscribe({ filter: `${scene.topic}/during`, qos: 1 })
  const run = { isOver: false }
  const running = body().finally(() => (run.isOver = true))
  let trips = 0
  for (; !run.isOver; trips++) await roundTripMs(other, `${scene.topic}/during`)
  await running
  assert.ok(trips >= TRIPS_MIN, `${trips} round trips meanwhile`)
}

attack('S69: a storm of connections holds nobody up', { v4: '' }, async (scene) => {
  await servedDuring(scene, async () => {
    const clients = await openMany(1500, () => scene.open())
    for (const client of clients) client.destroy()
  })
})

attack(
  'S70: a subscriber that never reads loses QoS 0 alone, and the others nothing',
  { v4: '' },
  async (scene) => {
    const { connect, topic } = scene
    const stuck = await connect()
    await stuck.subscribe(topic)
    stuck.pause()
    const reader = await connect()
    await reader.subscribe(topic)
    const publisher = await connect()
    const payload = 'x'.repeat(10_000)
    await withinMb(scene, 64, async () => {
      for (let round = 0; round < 40; round++) {
        publisher.send(...Array.from({ length: 50 }, () => make.publish(topic, payload)))
        for (let each = 0; each < 50; each++) await reader.expect('publish')
      }
    })
    await reader.expectNothing()
  },
)

attack(
  'S71: a packet begun and left ends in a DISCONNECT, keep alive or not',
  { v5: '' },
  async ({ connect }) => {
    for (const keepAliveSeconds of [0, 65_535]) {
      const client = await connect({ keepAliveSeconds })
      client.send('32 ff 01 00')
      await client.expectDropped(0x8d)
    }
  },
)

const isLinux = existsSync('/proc/net/tcp')

attack(
  'S71: TCP itself looks for clients that are gone',
  { v4: '' },
  async ({ connect, broker }) => {
    await connect()
    if (!isLinux) return
    const port = broker.port.toString(16).toUpperCase().padStart(4, '0')
    const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n')
    const established = new RegExp(`^ *\\d+: 0100007F:${port} \\S+ 01 \\S+ (\\d\\d):`)
    const timers = lines.flatMap((line) => established.exec(line)?.[1] ?? [])
    assert.ok(timers.length > 0)
    // 02: the keep alive timer runs.
    assert.ok(
      timers.every((timer) => timer === '02'),
      timers.join(' '),
    )
  },
)

attack('S72: bytes of a packet without end are no keep alive', { v4: '' }, async ({ connect }) => {
  const client = await connect({ keepAliveSeconds: 2 })
  client.send('30 7f 00 01 61')
  const timer = setInterval(() => client.send('61'), 500)
  try {
    await client.expectClosed()
  } finally {
    clearInterval(timer)
  }
})

attack('S73: a flood of small packets holds nobody up', { v4: '', v5: '' }, async (scene) => {
  const { version, clientId, broker } = scene
  const unused = await scene.open()
  const hello = unused.bytesOf([make.connect(version, { clientId })])
  // Many turns of the broker's loop, however much of it a turn takes.
  const pings = Buffer.alloc(20_000_000, unused.bytesOf([make.pingreq]))
  // Not a RawClient: decoding its answers would make the other client late, which lives in this process.
  const socket = connectSocket({ port: broker.port, host: '127.0.0.1' })
  let answered = 0
  const whole = new Promise<void>((resolve) => {
    socket.on('data', ({ length }) => {
      answered += length
      if (answered >= pings.length) resolve()
    })
  })
  await servedDuring(scene, async () => {
    socket.write(hello)
    socket.write(pings)
    await whole
  })
  socket.destroy()
})

attack('S74: a large message to many is in memory once', { v4: '' }, async (scene) => {
  const { connect, topic } = scene
  const readers = await openMany(200, () => connect())
  for (const reader of readers) await reader.subscribe({ filter: topic, qos: 1 })
  for (const reader of readers) reader.pause()
  const publisher = await connect()
  await withinMb(scene, 100, async () => {
    await publisher.publish(topic, new Uint8Array(1_000_000), { qos: 1 })
  })
})

attack(
  'S76: names that fall into one bucket cost no more than others',
  { v4: '' },
  async (scene) => {
    const { connect, topic } = scene
    const client = await connect()
    // Texts that are array indexes have their value for a hash: multiples of a power of two collide.
    const names = (factor: number) =>
      Array.from({ length: 32_000 }, (_, index) => `${topic}/${index * factor}`)
    const run = async (factor: number): Promise<void> => {
      const all = names(factor)
      for (let at = 0; at < all.length; at += 1000) {
        const some = all.slice(at, at + 1000)
        client.send(...some.map((name) => make.publish(name, 'x', { retain: true })))
        await client.ping()
      }
      for (let at = 0; at < all.length; at += 1000) {
        const some = all.slice(at, at + 1000)
        client.send(...some.map((name) => make.publish(name, '', { retain: true })))
        await client.ping()
      }
    }
    const ms = await leastCpuMs(scene, 1, () => run(131_072))
    assert.ok(ms <= 2000, `${ms} ms of CPU`)
  },
)

const hostile = ['__proto__', 'constructor', 'constructor/prototype', 'hasOwnProperty', 'toString']

attack(
  'S78: names of the language are plain names',
  { v4: '', v5: '' },
  async ({ connect, version }) => {
    for (const name of hostile) {
      const properties =
        version === 5 ? { userProperties: [[name, name]] as [string, string][] } : {}
      const clientId = name.replaceAll('/', '_')
      const client = await connect({ clientId, username: name, will: { topic: name } })
      await client.subscribe([{ filter: name, qos: 1 }, { filter: `$share/${clientId}/${name}x` }])
      await client.publish(name, name, { qos: 1, retain: true, properties })
      const got = await client.find('publish', { topic: name, payload: name })
      client.send(make.ack('puback', got.packetId))
      if (version === 5) assert.deepEqual(got.properties.userProperties, [[name, name]])
      const late = await connect()
      await late.subscribe(name)
      await late.expect('publish', { topic: name, retain: true })
      await late.publish(name, '', { retain: true })
      await client.disconnect()
    }
  },
)

attack(
  'S80: no byte of another message is in a short one',
  { v4: '' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe({ filter: topic, qos: 1 })
    const large = new Uint8Array(100_000).fill(0x53)
    for (let length = 0; length < 200; length++) {
      const small = new Uint8Array(length).fill(0x61)
      await client.publish(topic, large)
      await client.expect('publish')
      await client.publish(topic, small, { qos: 1, retain: true })
      const { payload } = await client.receive()
      assert.deepEqual(payload, small)
    }
    await client.publish(topic, '', { retain: true })
  },
)

const evil = [
  '${'.repeat(20_000),
  `${'${A:-'.repeat(10_000)}}`,
  ' '.repeat(65_000),
  '+/'.repeat(30_000),
  'a'.repeat(65_000),
  `${'0'.repeat(65_000)}x`,
  '\u001b\u202e'.repeat(20_000),
  '127.0.0.1:'.repeat(6000),
]

/** By the CPU time of this thread's process: what else the machine does is none of it. */
function assertQuick(what: string, run: () => void): void {
  const start = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(start)
  assert.ok(user + system < 250_000, `${what} took ${user + system} µs of CPU`)
}

test('S77: no text makes reading the configuration or writing the log slow', () => {
  const encoder = new TextEncoder()
  for (const { row } of ALL_OPTIONS) {
    for (const text of evil) {
      const bytes = encoder.encode(`${row.name.replace('*', 'x')} ${text}`)
      assertQuick(row.name, () => {
        try {
          parseConfig({ file: 'evil', bytes }, () => [])
        } catch {
          // What it says is tested elsewhere.
        }
      })
    }
  }
  for (const text of evil) {
    assertQuick(text.slice(0, 10), () => {
      logLine(text, { enabled: true, format: null }, 0)
      jsonLogLine(4, text, { event: 'x', client: text }, 0)
      try {
        expandVariables(text, {})
      } catch {
        // A variable that is not set.
      }
    })
  }
})

test('S81: a hook that throws ends the connection it was called for, and no other', async (context) => {
  const broker = createBroker({
    authenticate({ username }) {
      if (username === 'bad') throw new Error('on purpose')
      return true
    },
    authorizePublish(_who, topic) {
      if (topic === 'bad') throw new Error('on purpose')
      return true
    },
  })
  context.after(() => broker.close())
  const { port } = await broker.listen()
  const open = async (options: make.ConnectOptions): Promise<RawClient> => {
    const client = await RawClient.open(port, 5)
    client.send(make.connect(5, { clientId: `${Math.random()}`, ...options }))
    return client
  }
  const other = await open({})
  await other.expect('connack', { code: 0 })
  const refused = await open({ username: 'bad' })
  assert.notEqual((await refused.expect('connack')).code, 0)
  const client = await open({})
  await client.expect('connack', { code: 0 })
  client.send(make.publish('bad', '', { qos: 1 }))
  await client.ping().catch(() => {})
  await other.subscribe({ filter: 'echo', qos: 1 })
  await roundTripMs(other, 'echo')
  for (const each of [other, refused, client]) each.destroy()
})

attack('a broker under all this is not larger for it', { v4: '' }, async (scene) => {
  assert.ok(residentMb(scene) < 400, `${residentMb(scene)} MB`)
})

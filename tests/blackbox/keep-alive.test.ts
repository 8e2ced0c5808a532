import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { behaviours, type Scene } from '../support/behaviour.ts'
import { pingreq, publish } from '../support/packets.ts'
import type { Sendable } from '../support/raw-client.ts'

const behaviour = behaviours('keep alive', { concurrency: 8 })

/** A client says something twice a second until another one, which came after it and is silent, is cut off. */
async function outlivesSilence({ connect }: Scene, said: Sendable): Promise<void> {
  const client = await connect({ keepAliveSeconds: 4 })
  const silent = await connect({ keepAliveSeconds: 4 })
  const timer = setInterval(() => client.send(said), 500)
  try {
    await silent.expectDropped(0x8d)
  } finally {
    clearInterval(timer)
  }
  await client.ping()
}

behaviour(
  'silence for one and a half keep alives ends the connection',
  { v3: '', v4: '[MQTT-3.1.2-24]', v5: '[MQTT-3.1.2-22]' },
  async ({ connect }) => {
    const start = performance.now()
    const client = await connect({ keepAliveSeconds: 2 })
    await client.expectDropped(0x8d)
    const tookMs = performance.now() - start
    assert.ok(tookMs >= 2900, `closed after ${tookMs} ms`)
  },
)

behaviour(
  'the will is published when the keep alive runs out',
  { v3: '', v4: '[MQTT-3.1.2-8] [MQTT-3.1.2-24]', v5: '[MQTT-3.1.2-8] [MQTT-3.1.2-22]' },
  async ({ connect, topic }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    await connect({ keepAliveSeconds: 1, will: { topic, payload: 'gone' } })
    await watcher.expect('publish', { topic, payload: 'gone' })
  },
)

behaviour(
  'PINGREQ keeps the connection',
  { v3: '', v4: '[MQTT-3.1.2-23]', v5: '[MQTT-3.1.2-20]' },
  async (scene) => outlivesSilence(scene, pingreq),
)

behaviour(
  'any packet keeps the connection',
  { v3: '', v4: '[MQTT-3.1.2-24]', v5: '[MQTT-3.1.2-22]' },
  async (scene) => outlivesSilence(scene, publish(scene.topic, 'x')),
)

behaviour(
  'packets to the client do not count as signs of its life',
  { v4: '[MQTT-3.1.2-24]', v5: '[MQTT-3.1.2-22]' },
  async ({ connect, topic }) => {
    const publisher = await connect()
    const client = await connect({ keepAliveSeconds: 1 })
    await client.subscribe(topic)
    for (let count = 0; count < 6; count++) {
      await publisher.publish(topic, 'x')
      await sleep(500)
    }
    while (client.inbox[0]?.type === 3) client.inbox.shift()
    await client.expectDropped(0x8d)
  },
)

behaviour(
  'a keep alive of 0 never ends the connection',
  { v4: '[MQTT-3.1.2-24]', v5: '[MQTT-3.1.2-22]' },
  async ({ connect }) => {
    const client = await connect({ keepAliveSeconds: 0 })
    await sleep(3000)
    await client.ping()
  },
)

behaviour(
  'half a packet, dripped, is no sign of life',
  { v4: '[MQTT-3.1.2-24]', v5: '[MQTT-3.1.2-22]' },
  async ({ connect }) => {
    const client = await connect({ keepAliveSeconds: 1 })
    const bytes = client.bytesOf([publish('drip', 'x'.repeat(50))])
    let sent = 0
    const drip = setInterval(() => client.send(bytes.subarray(sent, ++sent)), 300)
    try {
      await client.expectDropped(0x8d)
    } finally {
      clearInterval(drip)
    }
  },
)

const capped = behaviours('keep alive under max_keepalive', { config: 'max_keepalive 30' })

capped(
  'a keep alive above the limit is replaced by the limit of the broker',
  { v5: '[MQTT-3.1.2-21] [MQTT-3.2.2-21]' },
  async ({ connectFor }) => {
    for (const keepAliveSeconds of [0, 31]) {
      const [, { properties }] = await connectFor({ keepAliveSeconds })
      assert.equal(properties.serverKeepAliveSeconds, 30)
    }
  },
)

capped(
  'a keep alive within the limit stands',
  { v5: '[MQTT-3.2.2-22]' },
  async ({ connectFor }) => {
    const [, { properties }] = await connectFor({ keepAliveSeconds: 30 })
    assert.equal(properties.serverKeepAliveSeconds, undefined)
  },
)

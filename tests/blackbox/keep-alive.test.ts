import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { behaviours } from '../support/behaviour.ts'
import { pingreq, publish } from '../support/packets.ts'

const behaviour = behaviours('keep alive', { concurrency: 8 })

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
  async ({ connect }) => {
    const client = await connect({ keepAliveSeconds: 4 })
    for (let count = 0; count < 3; count++) {
      await sleep(2500)
      client.send(pingreq)
      await client.expect('pingresp')
    }
  },
)

behaviour(
  'any packet keeps the connection',
  { v3: '', v4: '[MQTT-3.1.2-24]', v5: '[MQTT-3.1.2-22]' },
  async ({ connect, topic }) => {
    const client = await connect({ keepAliveSeconds: 4 })
    for (let count = 0; count < 3; count++) {
      await sleep(2500)
      client.send(publish(topic, 'x'))
    }
    await client.ping()
  },
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

import assert from 'node:assert/strict'
import { behaviours } from '../support/behaviour.ts'
import { connect as connectPacket } from '../support/packets.ts'

const behaviour = behaviours('topics of the broker itself')

behaviour(
  'a PUBLISH below $SYS is refused and reaches nobody',
  { v5: '[MQTT-3.4.2-1]' },
  async ({ connect, topic }) => {
    const name = `$SYS/${topic}`
    const subscriber = await connect()
    await subscriber.subscribe(name)
    const publisher = await connect()
    assert.equal(await publisher.publish(name, 'x', { qos: 1 }), 0x87)
    await subscriber.expectNothing()
  },
)

behaviour(
  'a PUBLISH below $SYS is acknowledged and reaches nobody',
  { v3: '', v4: '[MQTT-3.3.5-2]' },
  async ({ connect, topic }) => {
    const name = `$SYS/${topic}`
    const subscriber = await connect()
    await subscriber.subscribe(name)
    const publisher = await connect()
    for (const qos of [0, 1, 2] as const) await publisher.publish(name, 'x', { qos })
    await subscriber.expectNothing()
  },
)

behaviour(
  'a retained PUBLISH below $SYS does not change what the broker tells',
  { v3: '', v4: '', v5: '' },
  async ({ connect }) => {
    const name = '$SYS/broker/version'
    const publisher = await connect()
    await publisher.publish(name, 'forged', { qos: 1, retain: true })
    const subscriber = await connect()
    await subscriber.subscribe(name)
    const { payload } = await subscriber.expect('publish', { topic: name, retain: true })
    assert.notEqual(new TextDecoder().decode(payload), 'forged')
  },
)

/** Where a bridge tells its state, and what only looks like it. */
const BRIDGE_TOPICS: [topic: string, isFree: boolean][] = [
  ['$SYS/broker/connection/NAME/state', true],
  ['$SYS/broker/connection/state', false],
  ['$SYS/broker/connection/NAME/c/state', false],
  ['$SYS/broker/connection/NAME/states', false],
  ['$SYS/broker/connection/NAME', false],
  ['$SYS/broker/NAME/state', false],
]

behaviour(
  'the state of a bridge is told by PUBLISH or will, nothing else of $SYS is',
  { v3: '', v4: '', v5: '' },
  async ({ connect, open, version, topic: name }) => {
    const watcher = await connect()
    for (const [topic] of BRIDGE_TOPICS) await watcher.subscribe(topic.replace('NAME', name))
    for (const [pattern, isFree] of BRIDGE_TOPICS) {
      const topic = pattern.replace('NAME', name)
      await (await connect()).publish(topic, 'by PUBLISH', { qos: 1 })
      if (isFree) await watcher.receive({ topic, payload: 'by PUBLISH' })
      else await watcher.expectNothing()
      const bridge = await open()
      bridge.send(connectPacket(version, { clientId: name, will: { topic, payload: '0', qos: 1 } }))
      const { code } = await bridge.expect('connack')
      assert.equal(code === 0, isFree, topic)
      if (!isFree) assert.equal(code, version === 5 ? 0x87 : 5)
      else await bridge.end()
      if (isFree) await watcher.receive({ topic, payload: '0' })
      else await watcher.expectNothing()
    }
  },
)

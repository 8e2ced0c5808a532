import assert from 'node:assert/strict'
import { behaviours } from '../support/behaviour.ts'

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

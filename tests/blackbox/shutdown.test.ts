import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBroker } from '../support/broker-process.ts'
import { connect } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'

for (const [label, version] of [
  ['v3.1', 3],
  ['v3.1.1', 4],
  ['v5', 5],
] as const) {
  test(`${label}: SIGTERM ends connections, in 5.0 with DISCONNECT 0x8B, and the exit code is 0`, async () => {
    const broker = await startBroker()
    try {
      const client = await RawClient.open(broker.port, version)
      client.send(connect(version, { clientId: 'stays' }))
      await client.expect('connack', { code: 0 })
      const stopped = broker.stop()
      await client.expectDropped(0x8b)
      assert.equal(await stopped, 0)
    } finally {
      await broker.stop()
    }
  })
}

test('SIGTERM publishes the wills of the clients it ends', async () => {
  const broker = await startBroker()
  try {
    const watcher = await RawClient.open(broker.port, 4)
    watcher.send(connect(4, { clientId: 'watcher' }))
    await watcher.expect('connack')
    await watcher.subscribe('wills/#')
    const client = await RawClient.open(broker.port, 4)
    const will = { topic: 'wills/client', payload: 'gone' }
    client.send(connect(4, { clientId: 'client', will }))
    await client.expect('connack')
    const stopped = broker.stop()
    await watcher.expect('publish', { topic: 'wills/client', payload: 'gone' })
    await stopped
  } finally {
    await broker.stop()
  }
})

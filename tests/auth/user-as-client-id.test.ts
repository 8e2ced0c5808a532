/** `use_username_as_clientid`: what its clients are told. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { connect } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { startSecured } from './secured.ts'

const conf = 'listener PORT0 127.0.0.1\nallow_anonymous true\nuse_username_as_clientid true\n'

/** The Assigned Client Identifier that alice gets. */
async function assignedFor(context: TestContext, clientId: string): Promise<string | undefined> {
  const broker = await startSecured(context, conf)
  const client = await RawClient.open(broker.ports[0], 5)
  context.after(() => client.destroy())
  client.send(connect(5, { clientId, username: 'alice' }))
  const { properties } = await client.expect('connack', { code: 0 })
  return properties.assignedClientId
}

test('a client without an id that gets its user name for one is told so [MQTT-3.2.2-16]', async (context) => {
  assert.equal(await assignedFor(context, ''), 'alice')
})

test('a client that has an id of its own is told of none', async (context) => {
  assert.equal(await assignedFor(context, 'mine'), undefined)
})

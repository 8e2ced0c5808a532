import assert from 'node:assert/strict'
import { behaviours, type Scene } from '../support/behaviour.ts'
import { connect } from '../support/packets.ts'

const sockets = behaviours('max_connections', { config: 'max_connections 2' })

sockets(
  'connections beyond max_connections are closed, the others served',
  { v4: '', v5: '' },
  async ({ connect, open }) => {
    const first = await connect()
    const second = await connect()
    await (await open()).expectClosed()
    for (const client of [first, second]) await client.disconnect()
    const again = await connect()
    await again.disconnect()
  },
)

async function reconnectOften({ connect: connected }: Scene): Promise<void> {
  await connected()
  for (let round = 0; round < 20; round++) {
    const client = await connected()
    // Not waited for: what the peer has ended is free before its next connection is judged.
    if (round % 2 === 0) void client.disconnect()
    else client.destroy()
  }
}

sockets(
  'a place is free as soon as its client has left, by DISCONNECT or by a reset',
  { v4: '', v5: '' },
  reconnectOften,
)

const total = behaviours('global_max_connections', { config: 'global_max_connections 2' })

total('a place among all is free as soon as its client has left', { v4: '' }, reconnectOften)

const address = behaviours('max_connections_per_address', {
  config: 'max_connections_per_address 2',
})

address('a place of an address is free as soon as its client has left', { v4: '' }, reconnectOften)

const clients = behaviours('global_max_clients', { config: 'global_max_clients 1' })

clients(
  'a client beyond global_max_clients is refused',
  { v4: '', v5: '[MQTT-3.1.4-2] [MQTT-3.2.2-7]' },
  async ({ connect: connected, open, version, clientId }) => {
    const first = await connected()
    const second = await open()
    second.send(connect(version, { clientId }))
    if (version === 5) await second.expect('connack', { code: 0x89, sessionPresent: false })
    await second.expectClosed()
    await first.disconnect()
  },
)

const expiring = behaviours('persistent_client_expiration', {
  config: 'persistent_client_expiration 1s',
  concurrency: 4,
})

expiring(
  'a session of an absent client ends at the configured age',
  { v4: '', v5: '[MQTT-4.1.0-2]' },
  async ({ connectFor, clientId, version }) => {
    const properties = version === 5 ? { sessionExpirySeconds: 3600 } : {}
    const options = { clientId, cleanStart: false, properties }
    const [first] = await connectFor(options)
    await first.end()
    await new Promise((resolve) => setTimeout(resolve, 3500))
    const [, connack] = await connectFor(options)
    assert.equal(connack.sessionPresent, false)
  },
)

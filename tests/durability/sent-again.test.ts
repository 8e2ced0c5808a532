/** What was sent and not acknowledged when a broker stopped. */
import { test } from 'node:test'
import { createBroker } from '../../src/index.ts'
import { connect as connectPacket } from '../support/packets.ts'
import { testMsMax } from '../support/patience.ts'
import { RawClient } from '../support/raw-client.ts'
import { newPlace } from './durable-broker.ts'

/** More than the window of a client that names no Receive Maximum. */
const COUNT = 1500

test(
  'is sent again with DUP, however large the window of its client [MQTT-3.3.1-1]',
  { timeout: testMsMax },
  async (context) => {
    const persistence = { location: newPlace(context).store, sync: 'never' } as const
    const start = async () => {
      const broker = createBroker({ persistence, log: () => {}, limits: { queuedMax: 0 } })
      context.after(() => broker.close())
      const { port } = await broker.listen({ host: '127.0.0.1', port: 0 })
      const client = await RawClient.open(port, 5)
      context.after(() => client.destroy())
      const properties = { sessionExpirySeconds: 1000, receiveMaximum: 65_535 }
      client.send(connectPacket(5, { clientId: 'c', cleanStart: false, properties }))
      await client.expect('connack', { code: 0 })
      return { broker, client }
    }
    const first = await start()
    await first.client.subscribe({ filter: 't', qos: 1 })
    for (let index = 0; index < COUNT; index++) first.broker.publish('t', `${index}`, { qos: 1 })
    for (let index = 0; index < COUNT; index++) await first.client.expect('publish', { dup: false })
    await first.broker.close()
    const { broker, client } = await start()
    broker.publish('t', 'new', { qos: 1 })
    for (let index = 0; index < COUNT; index++)
      await client.expect('publish', { dup: true, payload: `${index}` })
    await client.expect('publish', { payload: 'new' })
  },
)

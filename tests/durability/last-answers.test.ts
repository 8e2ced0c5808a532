/** Clients that end their side of the connection first: what they asked for is answered, though that waits for the disk. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { test } from 'node:test'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import * as make from '../support/packets.ts'
import { testMsMax } from '../support/patience.ts'
import { clientOf, newPlace, startOn } from './durable-broker.ts'

const MESSAGES = 3

/** CONNACK, and so many PUBACKs. */
const ANSWERS = `20020000${[1, 2, 3].map((id) => `4002000${id}`).join('')}`

for (const threads of [1, 2])
  test(
    `who has ended its side gets its PUBACKs all the same, thread_count ${threads} [MQTT-4.3.2-4]`,
    { timeout: testMsMax },
    async (context) => {
      const broker = await startOn(context, newPlace(context), `thread_count ${threads}`)
      const { client: reader } = await clientOf(broker, 'reader')
      await reader.subscribe({ filter: 'q', qos: 1 })
      const out = new ByteWriter(new Uint8Array(256))
      encodePacket(out, 4, make.connect(4, { clientId: 'writer' }))
      for (let packetId = 1; packetId <= MESSAGES; packetId++)
        encodePacket(out, 4, make.publish('q', 'x', { qos: 1, packetId }))
      const socket = connectSocket({ port: broker.port, host: '127.0.0.1', allowHalfOpen: true })
      context.after(() => socket.destroy())
      const heard: Buffer[] = []
      socket.on('data', (chunk) => heard.push(chunk))
      socket.end(out.bytes.slice(0, out.length))
      await once(socket, 'end')
      assert.equal(Buffer.concat(heard).toString('hex'), ANSWERS)
      for (let count = 0; count < MESSAGES; count++) await reader.expect('publish')
    },
  )

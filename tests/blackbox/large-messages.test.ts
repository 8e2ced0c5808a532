import assert from 'node:assert/strict'
import { behaviours } from '../support/behaviour.ts'
import { publish } from '../support/packets.ts'

const behaviour = behaviours('Large messages', { config: 'max_packet_size 5000000' })

/** Around what is copied together with others, what one read takes, and what a socket takes at once; small ones in between. */
const SIZES = [10, 16_383, 16_384, 70_000, 20, 65_530, 65_536, 1_000_000, 5, 3_000_000, 30, 131_072]

/** Bytes that tell the message and the place in it. */
function payloadOf(number: number): Uint8Array {
  return Uint8Array.from({ length: SIZES[number] }, (_, at) => number + at * 7 + (at >> 8))
}

behaviour(
  'reach those who read and one who does not, whole and in order',
  { v3: '', v4: '[MQTT-4.6.0-6]', v5: '[MQTT-4.6.0-6]' },
  async ({ connect, topic }) => {
    const at0 = await connect()
    await at0.subscribe({ filter: topic, qos: 0 })
    const at1 = await connect()
    await at1.subscribe({ filter: topic, qos: 1 })
    const slow = await connect()
    await slow.subscribe({ filter: topic, qos: 1 })
    slow.pause()
    const publisher = await connect()
    const expectAll = async (client: typeof at0, qos: 0 | 1): Promise<void> => {
      for (const number of SIZES.keys())
        await client.receive({ topic, qos, payload: payloadOf(number) })
    }
    const sent = SIZES.map((_, number) =>
      publish(topic, payloadOf(number), { qos: 1, packetId: number + 1 }),
    )
    publisher.send(...sent)
    await Promise.all([expectAll(at0, 0), expectAll(at1, 1)])
    for (const number of SIZES.keys()) await publisher.expect('puback', { packetId: number + 1 })
    slow.resume()
    await expectAll(slow, 1)
    assert.equal(slow.inbox.length, 0)
  },
)

behaviour(
  'come back to their own author, who goes on sending',
  { v4: '', v5: '' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe({ filter: `${topic}/#`, qos: 0 })
    subscriber.send(
      ...SIZES.map((_, number) => publish(`${topic}/own`, payloadOf(number))),
      publish(`${topic}/end`, 'end'),
    )
    for (const number of SIZES.keys())
      await subscriber.receive({ topic: `${topic}/own`, payload: payloadOf(number) })
    await subscriber.receive({ topic: `${topic}/end`, payload: 'end' })
  },
)

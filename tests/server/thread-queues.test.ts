/** The bound of a queue whose client is connected to another thread than who publishes. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import * as make from '../support/packets.ts'
import { testMsMax } from '../support/patience.ts'
import { RawClient } from '../support/raw-client.ts'

const timeout = testMsMax
const decoder = new TextDecoder()
/** Some of them are not where the writer is. */
const READERS = ['a', 'b', 'c', 'd']

async function start(context: TestContext, config: string): Promise<BrokerProcess> {
  const broker = await startBroker(config)
  context.after(() => broker.stop())
  return broker
}

async function come(
  { port }: BrokerProcess,
  clientId: string,
  receiveMaximum?: number,
): Promise<RawClient> {
  const client = await RawClient.open(port, 5)
  const properties = { sessionExpirySeconds: 3600, ...(receiveMaximum && { receiveMaximum }) }
  client.send(make.connect(5, { clientId, cleanStart: false, properties }))
  await client.expect('connack')
  return client
}

/** One after the other: a bound may be kept a turn late. */
async function publishEach(writer: RawClient, names: readonly string[]): Promise<void> {
  for (const name of names) {
    writer.send(make.publish('q', name, { qos: 1, packetId: 1 }))
    await writer.expect('puback')
  }
}

for (const threads of [1, 2]) {
  test(
    `max_queued_messages: what is in flight takes no room, thread_count ${threads}`,
    { timeout },
    async (context) => {
      const broker = await start(context, `thread_count ${threads}\nmax_queued_messages 10`)
      const readers = await Promise.all(READERS.map((name) => come(broker, name)))
      for (const reader of readers) await reader.subscribe({ filter: 'q', qos: 1 })
      const names = Array.from({ length: 100 }, (_, index) => `${index}`)
      const writer = await come(broker, 'writer')
      writer.send(
        ...names.map((name, index) => make.publish('q', name, { qos: 1, packetId: index + 1 })),
      )
      for (const reader of readers)
        for (const name of names)
          assert.equal(decoder.decode((await reader.expect('publish')).payload), name)
    },
  )

  for (const bound of ['max_queued_messages 3', 'max_queued_bytes 6'])
    test(
      `${bound} is kept, and QoS 0 takes none of it, thread_count ${threads}`,
      { timeout },
      async (context) => {
        const config = `queue_qos0_messages true\nthread_count ${threads}\n${bound}`
        const broker = await start(context, config)
        for (const name of READERS) {
          const reader = await come(broker, name)
          await reader.subscribe({ filter: 'q', qos: 1 })
          await reader.subscribe({ filter: 'heard', qos: 0 })
          await reader.disconnect()
        }
        const writer = await come(broker, 'writer')
        await publishEach(writer, ['a1'])
        writer.send(make.publish('q', 'z1'))
        await publishEach(writer, ['a2'])
        const readers = await Promise.all(READERS.map((name) => come(broker, name, 1)))
        // The first one waits for its acknowledgement while more come than there is room for.
        for (const reader of readers) await reader.expect('publish', { payload: 'a1' })
        await publishEach(writer, ['b1', 'b2', 'b3'])
        writer.send(make.publish('heard', ''))
        for (const reader of readers) await takeAll(reader)
        await publishEach(writer, ['c'])
        for (const reader of readers) await reader.expect('publish', { payload: 'c' })
      },
    )
}

async function takeAll(reader: RawClient): Promise<void> {
  await reader.expect('publish', { topic: 'heard' })
  reader.send(make.ack('puback', 1))
  for (const payload of ['z1', 'a2', 'b1', 'b2']) {
    const { qos, packetId } = await reader.expect('publish', { payload })
    if (qos > 0) reader.send(make.ack('puback', packetId))
  }
}

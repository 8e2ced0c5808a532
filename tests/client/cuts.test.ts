import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Message } from '../../src/client/node.ts'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { tcpBridge, type Bridge } from './bridges.ts'
import { testMsMax } from '../support/patience.ts'

/** Replayed by MOZZIE_CUTS_SEED; the seed decides the waits between cuts, the network the rest. */
const seed = Number(process.env.MOZZIE_CUTS_SEED ?? Date.now() % 1_000_000)
const timeout = testMsMax
const MESSAGES = 2_000

let broker: BrokerProcess
let near: Bridge
let far: Bridge
before(async () => {
  broker = await startBroker('max_queued_messages 0')
  near = await tcpBridge(broker.port)
  far = await tcpBridge(broker.port)
})
after(async () => {
  await near.close()
  await far.close()
  await broker.stop()
})

function randomFrom(start: number): () => number {
  let state = start
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return state / 0x7fff_ffff
  }
}

async function iterate(messages: AsyncIterable<Message>, take: (message: Message) => void) {
  for await (const message of messages) take(message)
}

for (const version of [4, 5] as const) {
  for (const qos of [1, 2] as const) {
    const name = `level ${version}, QoS ${qos}: ${qos === 1 ? 'nothing is lost' : 'everything arrives exactly once'}, in order, however often both connections are cut`
    test(name, { timeout }, async (context) => {
      context.diagnostic(`seed ${seed}`)
      const session = {
        version,
        cleanStart: false,
        sessionExpirySeconds: 600,
        reconnect: { minMs: 5, maxMs: 20 },
      }
      const name = `cuts-${version}-${qos}`
      const reader = await connect(`mqtt://127.0.0.1:${far.port}`, {
        ...session,
        clientId: `${name}-r`,
      })
      const writer = await connect(`mqtt://127.0.0.1:${near.port}`, {
        ...session,
        clientId: `${name}-w`,
      })
      context.after(() => Promise.all([reader.end({ force: true }), writer.end({ force: true })]))
      const got: number[] = []
      const all = new Promise<void>((resolve) => {
        const onMessage = (message: Message) => {
          got.push(Number(message.text()))
          if (got.at(-1) === MESSAGES - 1) resolve()
        }
        // The handler at one level, the iterator at the other.
        if (version === 4) void reader.subscribe(name, { qos, onMessage })
        else void iterate(reader.subscribe(name, { qos }), onMessage)
      })
      await writer.publish(`${name}/warm`, '', { qos: 1 })
      await sleep(50)
      const random = randomFrom(seed)
      const state = { isCutting: true }
      const cuts = (async () => {
        for (let count = 0; state.isCutting && count < 40; count++) {
          await sleep(5 + random() * 30)
          if (random() < 0.5) near.cut()
          else far.cut()
        }
      })()
      const sent: Promise<unknown>[] = []
      for (let i = 0; i < MESSAGES; i++) {
        sent.push(writer.publish(name, String(i), { qos }))
        if (i % 50 === 49) await sleep(10)
      }
      await Promise.all(sent)
      await all
      state.isCutting = false
      await cuts
      assert.ok(near.count() + far.count() > 4, 'some cuts')
      const expected = Array.from({ length: MESSAGES }, (_, index) => index)
      if (qos === 2) assert.deepEqual(got, expected)
      else {
        // First arrivals are in order; what came again is not counted.
        const first = [...new Set(got)]
        assert.deepEqual(first, expected)
      }
    })
  }
}

/** Messages across a bridge, in every direction, version and QoS, to our broker and to Debian's mosquitto. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import type { Qos } from '../../src/codec/packets.ts'
import { startBroker, type Target } from '../support/broker-process.ts'
import { connect } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { clientOf, textOf, untilUp } from './pair.ts'

const peers: readonly Target[] = ['mozzie', 'mosquitto']
const protocols = ['mqttv31', 'mqttv311', 'mqttv50'] as const
const skipOf = (peer: Target) =>
  peer === 'mosquitto' && !existsSync('/usr/sbin/mosquitto') && 'mosquitto is not installed'

/** Two brokers, a bridge from the first to the second with these lines, and a client at each. */
async function bridged(context: TestContext, peer: Target, lines: string) {
  const remote = await startBroker('', peer)
  context.after(() => remote.stop())
  const local = await startBroker(
    `connection b\naddress 127.0.0.1:${remote.port}\nremote_clientid bid\n${lines}\n`,
    'mozzie',
  )
  context.after(() => local.stop())
  await untilUp(local, 'bid')
  return { here: await clientOf(local), there: await clientOf(remote), local, remote }
}

for (const peer of peers)
  for (const protocol of protocols)
    test(
      `each QoS crosses both ways, ${protocol} to ${peer}`,
      { skip: skipOf(peer) },
      async (context) => {
        const lines = `bridge_protocol_version ${protocol}\ntopic # both 2 here/ there/`
        const { here, there } = await bridged(context, peer, lines)
        await here.subscribe({ filter: 'here/in/#', qos: 2 })
        await there.subscribe({ filter: 'there/out/#', qos: 2 })
        for (const qos of [0, 1, 2] as Qos[]) {
          await here.publish('here/out/a', `out ${qos}`, { qos })
          const out = await there.receive({ topic: 'there/out/a' })
          assert.deepEqual([textOf(out), out.qos], [`out ${qos}`, qos])
          await there.publish('there/in/a', `in ${qos}`, { qos })
          const into = await here.receive({ topic: 'here/in/a' })
          assert.deepEqual([textOf(into), into.qos], [`in ${qos}`, qos])
        }
      },
    )

test('a message goes out at the lower of its own QoS and the line’s', async (context) => {
  const { here, there } = await bridged(context, 'mozzie', 'topic low/# out 1')
  await there.subscribe({ filter: 'low/#', qos: 2 })
  await here.publish('low/a', 'x', { qos: 2 })
  await there.receive({ topic: 'low/a', qos: 1 })
})

test('what crossed does not come back', async (context) => {
  const { here, there } = await bridged(context, 'mozzie', 'topic # both 1')
  await here.subscribe({ filter: 'a', qos: 1 })
  await there.subscribe({ filter: '#', qos: 1 })
  await here.publish('a', 'one', { qos: 1 })
  await there.receive({ topic: 'a', payload: 'one' })
  await here.receive({ topic: 'a', payload: 'one' })
  await there.publish('b', 'two', { qos: 1 })
  await there.receive({ topic: 'b', payload: 'two' })
  await here.publish('a', 'last', { qos: 1 })
  await here.receive({ topic: 'a', payload: 'last' })
  await there.receive({ topic: 'a', payload: 'last' })
})

test('overlapping topic lines send a message once', async (context) => {
  const { here, there } = await bridged(context, 'mozzie', 'topic # out 1\ntopic a/# out 2')
  await there.subscribe({ filter: 'a/#', qos: 2 })
  await here.publish('a/b', 'once', { qos: 2 })
  await there.receive({ topic: 'a/b', qos: 2 })
  await here.publish('a/b', 'next', { qos: 2 })
  await there.receive({ topic: 'a/b', payload: 'next' })
})

test('what is retained here is retained there, and not again when it came from there', async (context) => {
  const remote = await startBroker('', 'mozzie')
  context.after(() => remote.stop())
  const there = await clientOf(remote)
  await there.publish('r/there', 'theirs', { qos: 1, retain: true })
  const local = await startBroker(
    `connection b\naddress 127.0.0.1:${remote.port}\nremote_clientid bid\nrestart_timeout 1\ntopic r/# both 1\n`,
    'mozzie',
  )
  context.after(() => local.stop())
  await untilUp(local, 'bid')
  const here = await clientOf(local)
  await here.subscribe({ filter: 'r/there', qos: 1 })
  await here.receive({ topic: 'r/there', payload: 'theirs', retain: true })
  await here.publish('r/here', 'ours', { qos: 1, retain: true })
  await there.subscribe({ filter: 'r/#', qos: 1, retainHandling: 2 })
  await here.publish('r/here', 'ours again', { qos: 1, retain: true })
  await there.receive({ topic: 'r/here', payload: 'ours again' })
  const late = await clientOf(remote)
  await late.subscribe({ filter: 'r/here', qos: 1 })
  await late.receive({ topic: 'r/here', payload: 'ours again', retain: true })
  await there.expectNothing()
})

test('a client cannot take over the session of a bridge', async (context) => {
  const { local, here, there } = await bridged(context, 'mozzie', 'topic # out 1')
  for (const cleanStart of [true, false]) {
    const thief = await RawClient.open(local.port, 5)
    thief.send(connect(5, { clientId: 'local.bid', cleanStart }))
    await thief.expect('connack', { code: 0x85 })
  }
  await there.subscribe({ filter: 'a', qos: 1 })
  await here.publish('a', 'still there', { qos: 1 })
  await there.receive({ payload: 'still there' })
})

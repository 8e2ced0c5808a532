/** Three brokers in a ring, what bridges tell of themselves, and names that do not resolve. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startBroker, type BrokerProcess, type Target } from '../support/broker-process.ts'
import { freePort } from '../support/free-port.ts'
import * as make from '../support/packets.ts'
import { waitMsMax } from '../support/patience.ts'
import type { RawClient } from '../support/raw-client.ts'
import { clientOf, textOf, untilUp } from './pair.ts'

const peers: readonly Target[] = ['mozzie', 'mosquitto']
const skipOf = (peer: Target) =>
  peer === 'mosquitto' && !existsSync('/usr/sbin/mosquitto') && 'mosquitto is not installed'

async function started(context: TestContext, config: string, which: Target = 'mozzie') {
  const broker = await startBroker(config, which)
  context.after(() => broker.stop())
  return broker
}

/** The next message of the bridge's state must be this. */
async function expectState(client: RawClient, state: '0' | '1', retain?: boolean): Promise<void> {
  const message = await client.receive()
  assert.equal(textOf(message), state)
  if (retain !== undefined) assert.equal(message.retain, retain)
}

for (const direction of ['out', 'in'])
  test(`in a ring of three by lines "${direction}" each message comes to each broker once`, async (context) => {
    const ports = await Promise.all([freePort(), freePort(), freePort()])
    const lines = (n: number): string =>
      `listener ${ports[n]} 127.0.0.1\nconnection next\naddress 127.0.0.1:${ports[(n + 1) % 3]}\n` +
      `remote_clientid from${n}\nrestart_timeout 1\nbridge_protocol_version mqttv50\nbridge_max_hops 2\ntopic ring/# ${direction} 1`
    const brokers: BrokerProcess[] = []
    for (const n of [0, 1, 2]) brokers.push(await started(context, lines(n)))
    for (const [n, broker] of brokers.entries()) await untilUp(broker, `from${n}`)
    const clients = await Promise.all(brokers.map((broker) => clientOf(broker)))
    for (const client of clients) await client.subscribe({ filter: 'ring/#', qos: 1 })
    // What comes back a second time comes before the next round.
    for (const round of [1, 2, 3]) {
      for (const [n, client] of clients.entries()) {
        await client.publish('ring/a', `${n} ${round}`, { qos: 1 })
      }
      for (const client of clients) {
        const came: string[] = []
        while (came.length < 3) {
          const message = await client.find('publish')
          client.send(make.ack('puback', message.packetId))
          came.push(textOf(message))
        }
        assert.deepEqual(
          came.sort(),
          [0, 1, 2].map((n) => `${n} ${round}`),
        )
      }
    }
  })

for (const peer of peers) {
  const skip = skipOf(peer)

  test(
    `the state of a bridge, here and at ${peer}: up, stopped, up, killed`,
    { skip },
    async (context) => {
      const remote = await started(context, '', peer)
      const config = `connection b\naddress 127.0.0.1:${remote.port}\nremote_clientid bid\nrestart_timeout 1\ntopic x/# out 1`
      const there = await clientOf(remote)
      const topic = '$SYS/broker/connection/bid/state'
      await there.subscribe({ filter: topic, qos: 1 })
      const first = await started(context, config)
      await expectState(there, '1')
      await first.stop()
      await expectState(there, '0')
      const second = await started(context, config)
      await expectState(there, '1')
      second.signal('SIGKILL')
      await expectState(there, '0')
      const late = await clientOf(remote)
      await late.subscribe({ filter: topic, qos: 1 })
      await expectState(late, '0', true)
    },
  )

  test(`notification_topic, here and at ${peer}`, { skip }, async (context) => {
    const remote = await started(context, '', peer)
    const there = await clientOf(remote)
    await there.subscribe({ filter: 'state/#', qos: 1 })
    const local = await started(
      context,
      `connection b\naddress 127.0.0.1:${remote.port}\nrestart_timeout 1\nnotification_topic state/b\ntopic x/# out 1`,
    )
    await expectState(there, '1')
    const here = await clientOf(local)
    await here.subscribe({ filter: 'state/b', qos: 1 })
    let message = await here.receive()
    if (textOf(message) === '0') message = await here.receive()
    assert.equal(textOf(message), '1')
    await remote.stop()
    await expectState(here, '0')
  })
}

test('notifications_local_only: nothing is said there', async (context) => {
  const remote = await started(context, '')
  const there = await clientOf(remote)
  await there.subscribe([
    { filter: '$SYS/broker/connection/#', qos: 1 },
    { filter: 'x', qos: 1 },
  ])
  const local = await started(
    context,
    `connection b\naddress 127.0.0.1:${remote.port}\nremote_clientid bid\nnotifications_local_only true\nrestart_timeout 1\ntopic x out 1`,
  )
  await untilUp(local, 'bid')
  await (await clientOf(local)).publish('x', 'barrier', { qos: 1 })
  assert.equal(textOf(await there.receive()), 'barrier')
  local.signal('SIGKILL')
  const again = await clientOf(remote)
  await again.subscribe({ filter: '$SYS/broker/connection/#', qos: 1 })
  await again.expectNothing()
})

test('names that do not resolve keep neither the broker nor other bridges from starting', async (context) => {
  const remote = await started(context, '')
  const section = (name: string, address: string): string =>
    `connection ${name}\naddress ${address}\nremote_clientid ${name}\nrestart_timeout 1\ntopic # out 1\n`
  const local = await started(
    context,
    section('one', 'one.invalid:1883') +
      section('two', `two.invalid:1883 127.0.0.1:${await freePort()}`) +
      section('three', `127.0.0.1:${remote.port}`),
  )
  await untilUp(local, 'three')
  const deadline = performance.now() + waitMsMax
  const isSaid = (): boolean => /Bridge one: .*(ENOTFOUND|EAI_AGAIN)/.test(local.log())
  while (!isSaid()) {
    assert.ok(performance.now() < deadline, local.log())
    await sleep(20)
  }
})

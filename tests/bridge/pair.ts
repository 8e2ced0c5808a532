/** What tests of bridges between real brokers share: clients, and waiting until a bridge stands. */
import assert from 'node:assert/strict'
import type { BrokerProcess } from '../support/broker-process.ts'
import { connect, type ConnectOptions, type PacketOf } from '../support/packets.ts'
import { waitMsMax } from '../support/patience.ts'
import { RawClient } from '../support/raw-client.ts'

/** A client of MQTT 5.0 that is let in. */
export async function clientOf(
  { port }: Pick<BrokerProcess, 'port'>,
  options: ConnectOptions = {},
): Promise<RawClient> {
  const client = await RawClient.open(port, 5)
  client.send(connect(5, options))
  await client.expect('connack', { code: 0 })
  return client
}

export const textOf = ({ payload }: Pick<PacketOf['publish'], 'payload'>): string =>
  new TextDecoder().decode(payload)

/** Waits until the bridge whose remote client id is `id` says on our side that it is up. */
export async function untilUp(
  broker: Pick<BrokerProcess, 'port' | 'log'>,
  id: string,
): Promise<void> {
  const watcher = await clientOf(broker)
  await watcher.subscribe({ filter: `$SYS/broker/connection/${id}/state`, qos: 0 })
  const deadline = performance.now() + waitMsMax
  while (textOf(await watcher.find('publish')) !== '1')
    assert.ok(performance.now() < deadline, `the bridge is not up:\n${broker.log()}`)
  await watcher.disconnect()
}

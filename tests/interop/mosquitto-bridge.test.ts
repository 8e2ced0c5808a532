import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { startBroker } from '../support/broker-process.ts'
import { connect } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'

const skip = existsSync('/usr/sbin/mosquitto') ? false : 'mosquitto is not installed'

/** As a bridge has them unless told otherwise: it tries the highest version first, and tells its state. */
for (const version of ['', 'mqttv31', 'mqttv311', 'mqttv50'])
  test(
    `a bridge of mosquitto with its defaults comes in, passes messages both ways and tells its state ${version}`,
    { skip },
    async (context) => {
      const broker = await startBroker()
      context.after(() => broker.stop())
      const watcher = await clientOf(broker.port)
      context.after(() => watcher.destroy())
      await watcher.subscribe([{ filter: '$SYS/broker/connection/#' }, { filter: 'from/#' }])
      const lines = [
        'connection office',
        `address 127.0.0.1:${broker.port}`,
        'topic from/# out 1',
        'topic to/# in 1',
        ...(version === '' ? [] : [`bridge_protocol_version ${version}`]),
      ]
      const peer = await startBroker(lines.join('\n'), 'mosquitto')
      context.after(() => peer.stop())
      const there = await clientOf(peer.port)
      context.after(() => there.destroy())
      const { topic } = await watcher.find('publish', { payload: '1' })
      await there.subscribe('to/#')
      await there.publish('from/there', 'out', { qos: 1 })
      await watcher.find('publish', { topic: 'from/there', payload: 'out' })
      // Its subscriptions stand once what it is sent comes out at the other end.
      await watcher.publish('to/there', 'in', { retain: true })
      await there.find('publish', { topic: 'to/there', payload: 'in' })
      peer.signal('SIGKILL')
      await watcher.find('publish', { topic, payload: '0' })
    },
  )

async function clientOf(port: number): Promise<RawClient> {
  const client = await RawClient.open(port, 4)
  client.send(connect(4))
  await client.expect('connack', { code: 0 })
  return client
}

/** SIGHUP: each option has its effect on a running broker, those included whose reload mosquitto only promises. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect, publish, type ConnectOptions, type PacketOf } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { scratch, startMozzie, until, writeConfig, type Mozzie } from './run-mozzie.ts'
import { freePort } from '../support/free-port.ts'

type Connack = PacketOf['connack']

let port = 0
let directory = ''
let mozzie: Mozzie
let serial = 0
const cleanups: (() => unknown)[] = []
const context = { after: (run: () => unknown) => void cleanups.push(run) }

/** Writes the file anew, with `lines` below the listener, and waits until the broker has read it. */
async function reload(lines: string): Promise<void> {
  const marker = `log_timestamp_format ${++serial}`
  writeConfig(directory, `listener ${port} 127.0.0.1\nallow_anonymous true\n${marker}\n${lines}`)
  mozzie.signal('SIGHUP')
  await until(() => mozzie.stderr().includes(`\n${serial}: Reloaded config.`), mozzie.stderr)
}

before(async () => {
  port = await freePort()
  directory = scratch(context)
  const file = writeConfig(directory, `listener ${port} 127.0.0.1\nallow_anonymous true`)
  mozzie = await startMozzie(context, '-c', file)
})

after(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup()
})

async function attempt(
  options: ConnectOptions = {},
  version: 3 | 4 | 5 = 5,
): Promise<[RawClient, Connack]> {
  const client = await RawClient.open(port, version)
  client.send(connect(version, { clientId: `c${++serial}`, ...options }))
  return [client, await client.expect('connack')]
}

async function connackOf(options?: ConnectOptions): Promise<Connack> {
  const [client, connack] = await attempt(options)
  client.destroy()
  return connack
}

/** An offline session subscribed at `qos` gets `payloads` at `qos`; what it finds when it is back. */
async function queued(qos: 0 | 1, payloads: readonly string[]): Promise<string[]> {
  const clientId = `q${++serial}`
  const options = { clientId, cleanStart: false, properties: { sessionExpirySeconds: 60 } }
  const [first] = await attempt(options)
  await first.subscribe({ filter: clientId, qos: 1 })
  await first.end()
  const [sender] = await attempt()
  for (const payload of payloads) await sender.publish(clientId, payload, { qos })
  await sender.disconnect()
  const [second] = await attempt(options)
  await second.ping()
  const got = second.inbox.map((packet) =>
    'payload' in packet ? String.fromCharCode(...packet.payload) : '',
  )
  await second.disconnect(0, { sessionExpirySeconds: 0 })
  return got
}

/** What a subscriber at QoS 1 gets of messages at `qos`, without acknowledging. */
async function delivered(
  filters: string[],
  topic: string,
  count: number,
  qos: 0 | 1 = 1,
  version: 4 | 5 = 5,
): Promise<number[]> {
  const [client] = await attempt({}, version)
  await client.subscribe(filters.map((filter) => ({ filter, qos: 1 })))
  const [sender] = await attempt()
  for (let sent = 0; sent < count; sent++) await sender.publish(topic, 'x'.repeat(20), { qos })
  await client.ping()
  const got = client.inbox.map((packet) => ('qos' in packet ? packet.qos : -1))
  client.destroy()
  await sender.disconnect()
  return got
}

async function isSecondWelcome(options: (which: string) => ConnectOptions): Promise<boolean> {
  const [first] = await attempt(options('a'))
  const second = await RawClient.open(port, 5)
  try {
    second.send(connect(5, options('b')))
    const { code } = await second.expect('connack')
    await first.ping()
    return code === 0
  } catch {
    return false
  } finally {
    first.destroy()
    second.destroy()
  }
}

interface Row {
  readonly line: string
  probe(): Promise<unknown>
  /** What the probe finds without the line, and with it. */
  readonly usual: unknown
  readonly changed: unknown
}

const five = ['1', '2', '3', '4', '5']
const named = (which: string) => ({ clientId: `${which}${++serial}` })

const rows: readonly Row[] = [
  {
    line: 'max_inflight_messages 5',
    probe: async () => (await connackOf()).properties.receiveMaximum,
    usual: 20,
    changed: 5,
  },
  {
    line: 'max_packet_size 5000',
    probe: async () => (await connackOf()).properties.maximumPacketSize,
    usual: 2_000_000,
    changed: 5000,
  },
  {
    line: 'max_keepalive 30',
    probe: async () =>
      (await connackOf({ keepAliveSeconds: 60 })).properties.serverKeepAliveSeconds,
    usual: undefined,
    changed: 30,
  },
  {
    line: 'retain_available false',
    probe: async () => (await connackOf()).properties.retainAvailable,
    usual: undefined,
    changed: 0,
  },
  {
    line: 'max_qos 1',
    probe: async () => (await connackOf()).properties.maximumQos,
    usual: undefined,
    changed: 1,
  },
  {
    line: 'max_topic_alias 3',
    probe: async () => (await connackOf()).properties.topicAliasMaximum,
    usual: 10,
    changed: 3,
  },
  {
    line: 'persistent_client_expiration 1h',
    probe: async () =>
      (await connackOf({ properties: { sessionExpirySeconds: 7200 } })).properties
        .sessionExpirySeconds,
    usual: undefined,
    changed: 3600,
  },
  {
    line: 'auto_id_prefix made-',
    probe: async () => (await connackOf({ clientId: '' })).properties.assignedClientId?.slice(0, 5),
    usual: 'auto-',
    changed: 'made-',
  },
  {
    line: 'listener_auto_id_prefix here-',
    probe: async () => (await connackOf({ clientId: '' })).properties.assignedClientId?.slice(0, 5),
    usual: 'auto-',
    changed: 'here-',
  },
  {
    line: 'allow_zero_length_clientid false',
    probe: async () => (await connackOf({ clientId: '' })).code,
    usual: 0,
    changed: 0x80,
  },
  {
    line: 'clientid_prefixes good-',
    probe: async () => [(await connackOf()).code, (await connackOf({ clientId: 'good-1' })).code],
    usual: [0, 0],
    changed: [0x87, 0],
  },
  {
    line: 'accept_protocol_versions 3,4',
    probe: async () => (await connackOf()).code,
    usual: 0,
    changed: 0x84,
  },
  {
    line: 'listener_allow_anonymous false',
    probe: async () => (await connackOf()).code,
    usual: 0,
    changed: 0x87,
  },
  {
    line: 'use_username_as_clientid true',
    probe: () => isSecondWelcome((which) => ({ ...named(which), username: 'same' })),
    usual: true,
    changed: false,
  },
  {
    line: 'max_connections_per_address 1',
    probe: () => isSecondWelcome(named),
    usual: true,
    changed: false,
  },
  { line: 'max_connections 1', probe: () => isSecondWelcome(named), usual: true, changed: false },
  {
    line: 'global_max_connections 1',
    probe: () => isSecondWelcome(named),
    usual: true,
    changed: false,
  },
  {
    line: 'global_max_clients 1',
    probe: () => isSecondWelcome(named),
    usual: true,
    changed: false,
  },
  {
    line: 'message_size_limit 10',
    probe: async () => {
      const [client] = await attempt()
      const reason = await client.publish('m', 'x'.repeat(11), { qos: 1 })
      await client.disconnect()
      return reason
    },
    usual: 0x10,
    changed: 0x97,
  },
  {
    line: 'max_queued_messages 3',
    probe: () => queued(1, five),
    usual: five,
    changed: five.slice(0, 3),
  },
  {
    line: 'max_queued_bytes 100',
    probe: async () =>
      (
        await queued(
          1,
          five.map((name) => name.repeat(40)),
        )
      ).length,
    usual: 5,
    changed: 3,
  },
  {
    line: 'max_inflight_bytes 30',
    probe: async () => (await delivered(['i'], 'i', 4)).length,
    usual: 4,
    changed: 2,
  },
  {
    line: 'upgrade_outgoing_qos true',
    probe: () => delivered(['u'], 'u', 1, 0),
    usual: [0],
    changed: [1],
  },
  { line: 'queue_qos0_messages true', probe: () => queued(0, ['x']), usual: [], changed: ['x'] },
  {
    line: 'allow_duplicate_messages false',
    probe: async () => (await delivered(['d/+', 'd/#'], 'd/x', 1, 1, 4)).length,
    usual: 2,
    changed: 1,
  },
  {
    line: 'max_topic_levels 8',
    probe: async () => {
      const [client] = await attempt()
      client.send(publish('1/2/3/4/5/6/7/8/9', ''))
      return client.ping().then(
        () => 'open',
        () => 'closed',
      )
    },
    usual: 'open',
    changed: 'closed',
  },
  {
    line: 'max_message_rate 20',
    probe: async () => {
      let leastMs = Infinity
      for (let round = 0; round < 10 && leastMs > 400; round++) {
        const [client] = await attempt()
        const start = performance.now()
        for (let sent = 0; sent < 30; sent++) client.send(publish('r', ''))
        await client.ping()
        client.destroy()
        leastMs = Math.min(leastMs, performance.now() - start)
      }
      return leastMs > 400 ? 'slow' : 'fast'
    },
    usual: 'fast',
    changed: 'slow',
  },
]

describe('SIGHUP', () => {
  for (const { line, probe, usual, changed } of rows)
    test(`applies "${line}", and takes it back`, async () => {
      assert.deepEqual(await probe(), usual)
      await reload(line)
      const [name] = line.split(' ')
      assert.match(mozzie.stderr(), new RegExp(`Changed ${name}`))
      assert.deepEqual(await probe(), changed)
      await reload('')
      assert.deepEqual(await probe(), usual)
    })

  test('says of what needs a restart that it does', async () => {
    await reload('pid_file /tmp/no-such-file.pid')
    assert.match(mozzie.stderr(), /Warning: pid_file from null to .* needs a restart/)
    await reload('')
  })

  test('changes log_type and connection_messages', async () => {
    await reload('connection_messages false')
    const lengthBefore = mozzie.stderr().length
    await connackOf()
    await reload('log_type warning\nlog_type information')
    await connackOf()
    await reload('')
    assert.doesNotMatch(mozzie.stderr().slice(lengthBefore), /New connection|connected from/)
  })
})

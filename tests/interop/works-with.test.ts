/** What docs/works-with.md says, with each project's own client library, or with the packets that it sends. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { connect as dial, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { IClientOptions, MqttClient } from 'mqtt'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { endWithUs } from '../support/children.ts'
import { connect } from '../support/packets.ts'
import { testMsMax } from '../support/patience.ts'
import { RawClient } from '../support/raw-client.ts'
import { connectOnce } from '../support/connect-once.ts'

const timeout = testMsMax

async function brokerFor(context: TestContext): Promise<BrokerProcess> {
  const broker = await startBroker('max_queued_messages 8192')
  context.after(() => broker.stop())
  return broker
}

async function watch(context: TestContext, port: number, ...filters: string[]): Promise<RawClient> {
  const client = await RawClient.open(port, 4)
  context.after(() => client.destroy())
  client.send(connect(4))
  await client.expect('connack', { code: 0 })
  await client.subscribe(filters.map((filter) => ({ filter, qos: 1 })))
  return client
}

async function openJs(
  context: TestContext,
  port: number,
  options: IClientOptions,
): Promise<MqttClient> {
  const client = await connectOnce(`mqtt://127.0.0.1:${port}`, options)
  context.after(() => client.end(true))
  return client
}

for (const protocolVersion of [4, 5] as const)
  test(
    `Node-RED: its broker node with birth and will messages (MQTT.js, level ${protocolVersion})`,
    { timeout },
    async (context) => {
      const { port } = await brokerFor(context)
      const watcher = await watch(context, port, 'nodered/#')
      const node = await openJs(context, port, {
        clientId: 'nodered_0123456789abcdef',
        keepalive: 60,
        clean: true,
        protocolVersion,
        will: { topic: 'nodered/state', payload: Buffer.from('gone'), qos: 0, retain: false },
      })
      await node.publishAsync('nodered/state', 'here')
      await watcher.find('publish', { topic: 'nodered/state', payload: 'here' })
      node.stream.destroy()
      await watcher.find('publish', { topic: 'nodered/state', payload: 'gone' })
    },
  )

test(
  'zigbee2mqtt: MQTT 5.0, its state as a retained will (MQTT.js)',
  { timeout },
  async (context) => {
    const { port } = await brokerFor(context)
    const watcher = await watch(context, port, 'zigbee2mqtt/bridge/state')
    const bridge = await openJs(context, port, {
      protocolVersion: 5,
      keepalive: 60,
      properties: { maximumPacketSize: 1_048_576 },
      will: {
        topic: 'zigbee2mqtt/bridge/state',
        payload: Buffer.from('{"state":"offline"}'),
        qos: 1,
        retain: true,
      },
    })
    await bridge.subscribeAsync('zigbee2mqtt/#')
    await bridge.publishAsync('zigbee2mqtt/bridge/state', '{"state":"online"}', {
      qos: 1,
      retain: true,
    })
    await watcher.find('publish', { payload: '{"state":"online"}' })
    const asked = new Promise<string>((resolve) =>
      bridge.on('message', (topic) => {
        if (topic === 'zigbee2mqtt/lamp/set') resolve(topic)
      }),
    )
    await watcher.publish('zigbee2mqtt/lamp/set', '{"state":"ON"}', { qos: 1 })
    await asked
    bridge.stream.destroy()
    await watcher.find('publish', { payload: '{"state":"offline"}' })
  },
)

const field = (text: string): Buffer => {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes])
}

function packet(first: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  assert.ok(body.length < 128)
  return Buffer.concat([Buffer.of(first, body.length), body])
}

interface Firmware {
  readonly id: string
  readonly keepAliveSeconds: number
  readonly will: readonly [topic: string, payload: string]
  readonly birth: readonly [topic: string, payload: string]
  readonly commands: readonly string[]
}

/** MQTT 3.1.1, clean session, a retained will at QoS 1, everything else at QoS 0: their firmware knows no other. */
const firmwares: Record<string, Firmware> = {
  Tasmota: {
    id: 'DVES_A1B2C3',
    keepAliveSeconds: 30,
    will: ['tele/plug/LWT', 'Offline'],
    birth: ['tele/plug/LWT', 'Online'],
    commands: ['cmnd/plug/#', 'cmnd/tasmotas/#', 'cmnd/DVES_A1B2C3_fb/#'],
  },
  ESPHome: {
    id: 'garage-a0b1c2d3e4f5',
    keepAliveSeconds: 15,
    will: ['garage/status', 'offline'],
    birth: ['garage/status', 'online'],
    commands: ['garage/switch/door/command'],
  },
}

for (const [name, device] of Object.entries(firmwares))
  test(`${name}: the packets of its firmware`, { timeout }, async (context) => {
    const { port } = await brokerFor(context)
    const watcher = await watch(context, port, device.will[0], 'state/#')
    const socket: Socket = dial({ port, host: '127.0.0.1' })
    context.after(() => socket.destroy())
    const answers = answersOf(socket)
    const head = [field('MQTT'), Buffer.of(4, 0x2e, 0, device.keepAliveSeconds)]
    socket.write(
      packet(0x10, ...head, field(device.id), field(device.will[0]), field(device.will[1])),
    )
    assert.deepEqual(await answers.next(4), Buffer.of(0x20, 2, 0, 0))
    for (const [index, filter] of device.commands.entries()) {
      socket.write(packet(0x82, Buffer.of(0, index + 1), field(filter), Buffer.of(0)))
      assert.deepEqual(await answers.next(5), Buffer.of(0x90, 3, 0, index + 1, 0))
    }
    socket.write(packet(0x31, field(device.birth[0]), Buffer.from(device.birth[1])))
    await watcher.find('publish', { topic: device.birth[0], payload: device.birth[1] })
    const command = device.commands[0].replace('#', 'POWER')
    await watcher.publish(command, 'ON', { qos: 1 })
    const expected = packet(0x30, field(command), Buffer.from('ON'))
    assert.deepEqual(await answers.next(expected.length), expected)
    socket.destroy()
    await watcher.find('publish', { topic: device.will[0], payload: device.will[1] })
  })

/** What comes, as many bytes as are asked for. */
function answersOf(socket: Socket): { next(length: number): Promise<Buffer> } {
  let come = Buffer.alloc(0)
  let wake = (): void => {}
  socket.on('data', (bytes) => {
    come = Buffer.concat([come, bytes])
    wake()
  })
  return {
    async next(length) {
      while (come.length < length) await new Promise<void>((resolve) => (wake = resolve))
      const taken = come.subarray(0, length)
      come = come.subarray(length)
      return Buffer.from(taken)
    },
  }
}

const noMosquitto = existsSync('/usr/sbin/mosquitto') ? false : 'mosquitto is not installed'

test(
  'OpenWB: the bridge of its own mosquitto brings its values out, and settings back',
  { skip: noMosquitto, timeout },
  async (context) => {
    const { port } = await brokerFor(context)
    const watcher = await watch(context, port, 'wallbox/#')
    const box = await startBroker(
      [
        'connection 99-bridge',
        `address 127.0.0.1:${port}`,
        'remote_clientid openwb-bridge',
        'cleansession true',
        'bridge_protocol_version mqttv311',
        'try_private true',
        'notifications true',
        'topic openWB/# out 2 "" wallbox/',
        'topic openWB/set/# in 2 "" wallbox/',
      ].join('\n'),
      'mosquitto',
    )
    context.after(() => box.stop())
    const inside = await watch(context, box.port, 'openWB/set/#')
    await inside.publish('openWB/chargepoint/get/power', '7400', { qos: 1, retain: true })
    await watcher.find('publish', {
      topic: 'wallbox/openWB/chargepoint/get/power',
      payload: '7400',
    })
    await watcher.publish('wallbox/openWB/set/current', '16', { qos: 1, retain: true })
    await inside.find('publish', { topic: 'openWB/set/current', payload: '16' })
  },
)

const noPahoC = existsSync('/usr/bin/paho_c_pub') ? false : 'paho.mqtt.c-examples is not installed'

for (const version of ['311', '5'])
  test(
    `ChirpStack: its client library (Eclipse Paho C, version ${version}), events and commands`,
    { skip: noPahoC, timeout },
    async (context) => {
      const { port } = await brokerFor(context)
      const watcher = await watch(context, port, 'application/#')
      const place = ['-h', '127.0.0.1', '-p', String(port), '-V', version]
      const command = 'eu868/gateway/0016c001f153a14c/command/down'
      const args = ['-t', 'eu868/gateway/+/command/+', '-q', '1', '-i', 'gateway-bridge', '-v']
      const gateway = endWithUs(spawn('paho_c_sub', [...place, ...args]))
      context.after(() => void gateway.kill())
      let heard = ''
      gateway.stdout.on('data', (chunk: Buffer) => (heard += chunk.toString()))
      const up = spawnSync('paho_c_pub', [
        ...place,
        ...['-t', 'application/1/device/0102030405060708/event/up', '-q', '1', '-i', 'chirpstack'],
        ...['-m', '{"fPort":10}'],
      ])
      assert.equal(up.status, 0, up.stderr.toString())
      await watcher.find('publish', { payload: '{"fPort":10}' })
      // Retained until the subscription stands: then it is there, whenever that is.
      await watcher.publish(command, 'down', { qos: 1, retain: true })
      await new Promise<void>((resolve) => {
        const look = (): void => {
          if (heard.includes('down')) resolve()
        }
        gateway.stdout.on('data', look)
        look()
      })
    },
  )

const python = ['python3', '/usr/bin/python3'].find(
  (each) => spawnSync(each, ['-c', 'import paho.mqtt']).status === 0,
)
const noPahoPython = python === undefined ? 'python3-paho-mqtt is not installed' : false

const ASSISTANT = `
import sys, paho.mqtt.client as mqtt
port, version = int(sys.argv[1]), int(sys.argv[2])
client = mqtt.Client("assistant", protocol=version)
client.will_set("homeassistant/status", "offline", retain=True)
def connected(client, *rest):
    client.subscribe([("homeassistant/+/+/config", 0), ("homeassistant/+/+/+/config", 0)])
    client.publish("homeassistant/status", "online", retain=True)
def message(client, userdata, message):
    print(message.topic, message.payload.decode(), flush=True)
    client.disconnect()
client.on_connect, client.on_message = connected, message
client.connect("127.0.0.1", port)
client.loop_forever()
`

for (const [level, version] of [
  ['3.1.1', 4],
  ['5.0', 5],
] as const)
  test(
    `Home Assistant: its client library (Paho for Python, MQTT ${level}), birth message and discovery`,
    { skip: noPahoPython, timeout },
    async (context) => {
      const { port } = await brokerFor(context)
      const watcher = await watch(context, port, 'homeassistant/status')
      const topic = 'homeassistant/sensor/t1/config'
      await watcher.publish(topic, '{"state_topic":"t1"}', { qos: 1, retain: true })
      const args = ['-c', ASSISTANT, String(port), String(version)]
      const assistant = endWithUs(spawn(python ?? '', args))
      let said = ''
      assistant.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
      await watcher.find('publish', { topic: 'homeassistant/status', payload: 'online' })
      await new Promise((resolve) => assistant.once('exit', resolve))
      assert.match(said, /homeassistant\/sensor\/t1\/config \{"state_topic":"t1"\}/)
    },
  )

/** The page about discovery: what devices announce to Home Assistant, and how it is taken away. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import {
  byDevice,
  isOrphaned,
  readAnnouncement,
  type Announcement,
} from '../../web/src/broker/discovery.ts'
import { testMsMax } from '../support/patience.ts'
import { violations } from './axe.ts'
import { login, noBrowser, openBrowser, startStage, visit, type Stage } from './stage.ts'

const read = (topic: string, config: unknown): Announcement | null =>
  readAnnouncement(topic, JSON.stringify(config), 'bridge')

/** As zigbee2mqtt writes it. */
const zigbee = {
  availability: [{ topic: 'zigbee2mqtt/bridge/state' }],
  device: { identifiers: ['zigbee2mqtt_0x01'], name: 'lamp', manufacturer: 'IKEA' },
  command_topic: 'zigbee2mqtt/lamp/set',
  state_topic: 'zigbee2mqtt/lamp',
  unique_id: '0x01_light',
}
/** As Tasmota and ESPHome write it: abbreviated. */
const abbreviated = {
  '~': 'plug/',
  name: 'Power',
  stat_t: '~state',
  cmd_t: '~cmnd',
  avty_t: '~LWT',
  uniq_id: 'p1',
  dev: { ids: 'p1', name: 'Plug' },
}

test('discovery: topics are found under long names and short ones, commands are none', () => {
  const lamp = read('homeassistant/light/0x01/light/config', zigbee)
  assert.deepEqual(lamp?.stateTopics, ['zigbee2mqtt/lamp'])
  assert.deepEqual(lamp.availabilityTopics, ['zigbee2mqtt/bridge/state'])
  assert.equal(lamp.malformation, null)
  const plug = read('homeassistant/switch/p1/config', abbreviated)
  assert.deepEqual(plug?.stateTopics, ['plug/state'])
  assert.deepEqual(plug.availabilityTopics, ['plug/LWT'])
  assert.equal(plug.deviceName, 'Plug')
})

test('discovery: a device that announces its parts at once', () => {
  const device = read('homeassistant/device/d1/config', {
    dev: { ids: 'd1', name: 'Station' },
    o: { name: 'x' },
    cmps: { t: { p: 'sensor', stat_t: 'd1/t' }, h: { p: 'sensor', state_topic: 'd1/h' } },
  })
  assert.deepEqual(device?.stateTopics, ['d1/t', 'd1/h'])
  assert.equal(device.malformation, null)
  const based = read('homeassistant/device/d2/config', {
    '~': 'd2',
    device: { identifiers: ['d2'] },
    origin: { name: 'x' },
    avty_t: '~/LWT',
    components: {
      own: { platform: 'sensor', '~': 'own', state_topic: '~/t' },
      shared: { platform: 'sensor', state_topic: '~/h' },
      taken: { platform: 'sensor' },
    },
  })
  assert.deepEqual(based?.stateTopics, ['own/t', 'd2/h'])
  assert.deepEqual(based.availabilityTopics, ['d2/LWT'])
  for (const missing of ['dev', 'o', 'cmps']) {
    const whole = { dev: { ids: 'd1' }, o: { name: 'x' }, cmps: { t: { p: 'sensor' } } }
    const part = read('homeassistant/device/d1/config', { ...whole, [missing]: undefined })
    assert.equal(part?.malformation, 'noParts', missing)
  }
})

test('discovery: what mqtt_statestream keeps under homeassistant is no announcement', () => {
  assert.equal(readAnnouncement('homeassistant/light/lamp/state', 'on', null), null)
  assert.equal(readAnnouncement('homeassistant/light/lamp/brightness', '255', null), null)
})

test('discovery: as Tasmota, ESPHome and the triggers of zigbee2mqtt write it', () => {
  const tasmota = read('homeassistant/sensor/6E7F_status/config', {
    name: 'Plug status',
    stat_t: 'tele/plug/HASS_STATE',
    avty_t: 'tele/plug/LWT',
    pl_avail: 'Online',
    json_attr_t: 'tele/plug/HASS_STATE',
    val_tpl: "{{value_json['RSSI']}}",
    uniq_id: '6E7F_status',
    dev: { ids: ['6E7F'], name: 'Plug' },
  })
  assert.deepEqual(tasmota?.stateTopics, ['tele/plug/HASS_STATE'])
  const esphome = read('homeassistant/light/node/lamp/config', {
    schema: 'json',
    stat_t: 'node/light/lamp/state',
    cmd_t: 'node/light/lamp/command',
    avty_t: 'node/status',
    uniq_id: 'ESPlightlamp',
    dev: { ids: 'a1b2', name: 'node', mf: 'Espressif', cns: [['mac', 'a1:b2']] },
  })
  assert.deepEqual(esphome?.stateTopics, ['node/light/lamp/state'])
  assert.equal(esphome.device, '["a1b2"]')
  const trigger = read('homeassistant/device_automation/0x01/action_on/config', {
    automation_type: 'trigger',
    type: 'action',
    subtype: 'on',
    payload: 'on',
    topic: 'zigbee2mqtt/remote/action',
    device: { identifiers: ['zigbee2mqtt_0x01'], name: 'remote' },
    origin: { name: 'Zigbee2MQTT' },
  })
  assert.deepEqual(trigger?.stateTopics, ['zigbee2mqtt/remote/action'])
  for (const each of [tasmota, esphome, trigger]) assert.equal(each.malformation, null)
})

test('discovery: what Home Assistant makes nothing of says why', () => {
  const why = (topic: string, payload: string): unknown =>
    readAnnouncement(topic, payload, null)?.malformation
  assert.equal(readAnnouncement('homeassistant/status', 'online', null), null)
  assert.equal(why('homeassistant/sensor/a/b/c/config', '{}'), 'topic')
  assert.equal(why('homeassistant/sensor/a b/config', '{}'), 'topic')
  assert.equal(why('homeassistant/sensor/a/config', '{'), 'noJson')
  assert.equal(why('homeassistant/sensor/a/config', '[1]'), 'noObject')
  assert.equal(why('homeassistant/sensor/a/config', '{"state_topic": "a/#"}'), 'badTopic')
  assert.equal(why('homeassistant/sensor/a/config', '{"state_topic": 7}'), 'badTopic')
  const device = JSON.stringify({ ...zigbee, unique_id: undefined })
  assert.equal(why('homeassistant/light/a/config', device), 'noUniqueId')
})

test('discovery: orphaned is what has no value anywhere, of a client that is not here', () => {
  const lamp = read('homeassistant/light/0x01/light/config', zigbee)
  if (lamp === null) throw new Error('no announcement')
  const none = ['zigbee2mqtt/lamp', 'zigbee2mqtt/bridge/state'].map(
    (topic) => [topic, null] as const,
  )
  const nobody = { values: new Map<string, string | null>(none), connected: new Set<string>() }
  assert.equal(isOrphaned(lamp, nobody), true)
  assert.equal(isOrphaned(lamp, { ...nobody, connected: new Set(['bridge']) }), false)
  const values = new Map([...nobody.values, ['zigbee2mqtt/bridge/state', 'online']])
  assert.equal(isOrphaned(lamp, { ...nobody, values }), false)
  const unasked = new Map([['zigbee2mqtt/lamp', null]])
  assert.equal(isOrphaned(lamp, { ...nobody, values: unasked }), false)
  assert.equal(byDevice([lamp, { ...lamp, topic: 'another' }]).length, 1)
})

describe('the page about discovery', { skip: noBrowser }, () => {
  let browser: Browser
  let stage: Stage

  before(async () => {
    ;[browser, stage] = await Promise.all([openBrowser(), startStage()])
  })
  after(async () => {
    await browser?.close()
    await stage?.close()
  })

  test(
    'shows devices with their values, marks what is wrong, and removes it after a preview',
    { timeout: testMsMax },
    async () => {
      const bridge = await stage.connect('bridge')
      const keep = (topic: string, payload: object | string): Promise<unknown> =>
        bridge.publish(topic, typeof payload === 'string' ? payload : JSON.stringify(payload), {
          qos: 1,
          retain: true,
        })
      await keep('homeassistant/light/0x01/light/config', zigbee)
      await keep('zigbee2mqtt/lamp', '{"state":"ON"}')
      await keep('zigbee2mqtt/bridge/state', 'online')
      await keep('homeassistant/sensor/broken/config', '{"name": "half')
      const gone = await stage.connect('gone')
      const ghost = { ...abbreviated, dev: { ids: 'g', name: 'Ghost' } }
      await gone.publish('homeassistant/switch/g/config', JSON.stringify(ghost), {
        qos: 1,
        retain: true,
      })
      await gone.end()
      const assistant = await stage.connect('assistant')
      const cleared: string[] = []
      await assistant.subscribe('homeassistant/#', {
        onMessage: ({ topic, payload }) => {
          if (payload.length === 0) cleared.push(topic)
        },
      })

      const { page, close } = await visit(browser, `${stage.url}#broker/discovery`)
      await page.getByRole('tab', { name: 'Broker' }).click()
      await login(page)
      await page.getByRole('link', { name: 'Discovery' }).click()
      const lamp = page.getByRole('table', { name: 'lamp' })
      await lamp.getByText('{"state":"ON"}').waitFor()
      await lamp.getByText('online').waitFor()
      assert.equal(await lamp.locator('.is-bad').count(), 0)
      await page.getByRole('table', { name: 'Ghost' }).getByText('orphaned').waitFor()
      await page.getByText('malformed: the payload is not JSON').waitFor()
      assert.deepEqual(await violations(page, 'discovery, en'), [])
      await page.getByRole('button', { name: '切换到中文' }).click()
      await page.getByText('格式错误：载荷不是 JSON').waitFor()
      assert.deepEqual(await violations(page, 'discovery, zh'), [])
      await page.getByRole('button', { name: 'EN: switch to English' }).click()

      await page.getByRole('button', { name: /Remove orphaned and malformed… \(2\)/ }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByText('homeassistant/switch/g/config').waitFor()
      await dialog.getByText('homeassistant/sensor/broken/config').waitFor()
      assert.equal(await dialog.getByText('homeassistant/light/0x01/light/config').count(), 0)
      await dialog.getByRole('button', { name: 'Remove 2' }).click()
      await page.getByText('2 removed.').waitFor()
      await page.getByRole('table', { name: 'Ghost' }).waitFor({ state: 'detached' })
      await lamp.waitFor()
      assert.deepEqual(cleared.sort(), [
        'homeassistant/sensor/broken/config',
        'homeassistant/switch/g/config',
      ])
      await close()
    },
  )
})

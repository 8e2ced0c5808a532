/** A broker to which things have happened: users to manage, a bridge that does not come up, clients that wait, devices announced, somebody refused and somebody banned. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '../../src/client/node.ts'
import { dynamicFile } from '../auth/dynamic/driver.ts'
import { startStage, type Stage } from './stage.ts'

const ROLES = {
  till: ['allow send shop/#', 'allow receive shop/#', 'deny subscribe secret/#'],
  guest: ['allow subscribe public/#'],
}

export async function startBusyStage(): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-busy-'))
  const file = join(directory, 'dynsec.json')
  const scene = {
    roles: ROLES,
    groups: { tills: { roles: ['till'] } },
    users: { 'till-7': ['till'], visitor: ['guest'] },
  }
  writeFileSync(file, await dynamicFile(scene), { mode: 0o600 })
  const stage = await startStage([
    `dynamic_security_file ${file}`,
    'connection warehouse',
    'address 127.0.0.1:1',
    'topic # out 1',
    'restart_timeout 3600',
  ])
  await happen(stage)
  return {
    ...stage,
    get broker() {
      return stage.broker
    },
    async close() {
      await stage.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function happen(stage: Stage): Promise<void> {
  const url = `mqtt://127.0.0.1:${stage.broker.port}`
  const gateway = await stage.connect('gateway-ap-3')
  const display = await stage.connect('display-entrance')
  await display.subscribe('shop/12/climate/#', { qos: 1, onMessage: () => {} })
  await display.subscribe('$share/tills/shop/+/sale', { qos: 1, onMessage: () => {} })
  const away = await connect(url, { clientId: 'till-away', sessionExpirySeconds: 86_400 })
  await away.subscribe('shop/12/price/#', { qos: 1, onMessage: () => {} })
  await away.end()
  for (let at = 0; at < 12; at++)
    await gateway.publish(`shop/12/price/${4711 + at}`, `{"price": ${(3.49 + at).toFixed(2)}}`, {
      qos: 1,
      retain: true,
      properties: { messageExpirySeconds: 3600 },
    })
  const keep = (topic: string, payload: string) =>
    gateway.publish(topic, payload, { qos: 1, retain: true })
  await keep(
    'homeassistant/sensor/entrance/temperature/config',
    '{"name":"Temperature beside the door","unique_id":"e1","state_topic":"shop/12/door","device":{"identifiers":["e1"],"name":"Entrance","manufacturer":"Shop"}}',
  )
  await keep('shop/12/door', '{"temperature": 18.9}')
  await keep('homeassistant/sensor/broken/config', '{"name": "half')
  await keep('homeassistant/sensor/gone/config', '{"name":"Gone","state_topic":"shop/12/gone"}')
  const wrong = {
    clientId: 'wrong-password',
    username: 'till-7',
    password: 'x',
    reconnect: false as const,
  }
  await connect(url, wrong).then(
    (client) => client.end(),
    () => {},
  )
}

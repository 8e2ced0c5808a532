// npm run screenshots: the main screens in both themes, languages and sizes, into docs/images. With --all DIR every state there is, into DIR.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import type { MqttClient } from '../src/client/node.ts'
import { en, type Text } from '../web/src/i18n/en.ts'
import { zh } from '../web/src/i18n/zh.ts'
import {
  login,
  noBrowser,
  openBrowser,
  startStage,
  visit,
  type Stage,
  type View,
} from '../tests/web/stage.ts'
import { allScreens } from './all-screens.ts'

if (noBrowser !== false) throw new Error(noBrowser)
const OUT = join('docs', 'images')
mkdirSync(OUT, { recursive: true })

/** A shop, so that the screens show what people would see. */
function publishShop(client: MqttClient, turn: number): Promise<unknown> {
  const room = ['kitchen', 'cold-room', 'entrance'][turn % 3] ?? ''
  const celsius = { kitchen: 21.4, 'cold-room': 3.8, entrance: 18.9 }[room] ?? 20
  const value = (celsius + Math.sin(turn / 9) * 1.5).toFixed(2)
  const tag = String(4711 + (turn % 24)).padStart(5, '0')
  const rows: [string, string, object][] = [
    [
      `shop/12/climate/${room}`,
      `{"temperature": ${value}, "humidity": ${(48 + Math.cos(turn / 7) * 4).toFixed(1)}, "battery": 9${turn % 10}}`,
      { contentType: 'application/json', userProperties: [['sensor', 'SHT45']] },
    ],
    [
      `shop/12/tag/${tag}/report`,
      `{"tag": "${tag}", "price": ${(1 + ((turn * 37) % 900) / 100).toFixed(2)}, "shown": true, "rssi": -${40 + (turn % 30)}}`,
      {},
    ],
  ]
  return Promise.all([
    ...rows.map(([topic, payload, properties]) =>
      client.publish(topic, payload, { qos: 1, properties }),
    ),
    ...(turn % 8 === 0
      ? [client.publish('shop/12/gateway/ap-3/status', 'online', { retain: true })]
      : []),
  ])
}

/** A price tag of 250 by 122 pixels at one bit: a frame, and a big 9. */
function tagImage(): Uint8Array {
  const [width, height] = [250, 122]
  const stride = Math.ceil(width / 8)
  const bytes = new Uint8Array(stride * height).fill(0xff)
  const dot = (x: number, y: number) => {
    const at = y * stride + (x >> 3)
    bytes[at] = (bytes[at] ?? 0) & ~(0x80 >> (x & 7))
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const frame = Math.min(x, y, width - 1 - x, height - 1 - y) < 3
      const ring = Math.abs(Math.hypot(x - 190, (y - 44) * 1.1) - 26) < 6
      const stem = Math.abs(x - 214) < 7 && Math.abs(y - 74) < 30
      const bars = Math.abs(x - 75) < 55 && Math.abs(y - 95) < 11 && (x * 7) % 11 < 5
      const lines =
        x > 20 &&
        x < 20 + ((y * 13) % 90) + 40 &&
        (y === 24 || y === 25 || y === 40 || y === 41 || y === 56)
      if (frame || ring || stem || bars || lines) dot(x, y)
    }
  }
  return bytes
}

interface Scene {
  readonly name: string
  readonly view: View
  readonly t: Text
}

const WIDE = { width: 1280, height: 800 }
const PHONE = { width: 390, height: 844 }

async function shoot(page: Page, { name, view }: Scene, what: string): Promise<void> {
  await page.mouse.move(640, 2)
  await page.waitForTimeout(250)
  const size = (view.width ?? 0) < 760 ? 'phone' : 'wide'
  await page.screenshot({ path: join(OUT, `${what}-${size}-${name}.png`) })
}

async function connectAndSubscribe(page: Page, t: Text, client: MqttClient): Promise<void> {
  await page.locator('.welcome .button.is-primary').click()
  await page.locator('.dot.is-online').first().waitFor()
  for (const filter of ['shop/+/climate/#', 'shop/+/tag/#', 'shop/+/gateway/#']) {
    await page.getByLabel(t.topicFilter, { exact: true }).first().fill(filter)
    await page.locator('.add-subscription button[type=submit]').click()
    await page.locator('.subscription.is-granted', { hasText: filter }).waitFor()
  }
  for (let turn = 0; turn < 60; turn++) {
    await publishShop(client, turn)
    await page.waitForTimeout(40)
  }
}

async function wideScreens(
  browser: Browser,
  stage: Stage,
  scene: Scene,
  client: MqttClient,
): Promise<void> {
  const { t, view } = scene
  const { page, close } = await visit(browser, stage.url, view)
  await shoot(page, scene, 'welcome')
  await connectAndSubscribe(page, t, client)
  const draft = page.locator('.publish-dock')
  await draft.getByLabel(t.topic, { exact: true }).fill('shop/12/tag/04711/price')
  await draft.locator('[data-payload]').fill('{"price": 3.49, "unit": "kg"}')
  await page.locator('.message-row', { hasText: 'climate' }).last().click()
  await page.locator('.tok-number').first().waitFor()
  await shoot(page, scene, 'table')
  await page.locator('.side-pane [role=tab]').last().click()
  await page.getByRole('button', { name: t.expandAll }).click()
  await page.locator('.tree-row', { hasText: 'climate' }).waitFor()
  for (const path of ['$.temperature', '$.humidity'])
    await page.getByRole('button', { name: t.plot(path) }).click()
  await page.locator('.plot canvas').waitFor()
  await page.waitForTimeout(700)
  await shoot(page, scene, 'chart')
  await client.publish('shop/12/tag/04711/image', tagImage(), { qos: 1 })
  await page.getByRole('tab', { name: t.views.bubbles }).click()
  await page.locator('.bubble', { hasText: 'image' }).last().click()
  await page.getByLabel(t.decodeAs).last().selectOption('bitmap1')
  await page.locator('canvas.is-pixelated').waitFor()
  await shoot(page, scene, 'conversation')
  await page.keyboard.press('n')
  await page.locator('dialog.sheet').waitFor()
  await shoot(page, scene, 'connection')
  await page.keyboard.press('Escape')
  await page.getByRole('tab', { name: t.broker }).click()
  await login(page, t)
  await page.locator('.chart-plot canvas').first().waitFor()
  for (let turn = 60; turn < 130; turn++) {
    await publishShop(client, turn)
    await page.waitForTimeout(60)
  }
  await shoot(page, scene, 'overview')
  await page.locator('.broker-nav a').nth(1).click()
  await page.locator('tbody .row-button').first().click()
  await page.locator('.drawer dl').waitFor()
  await shoot(page, scene, 'clients')
  await close()
}

async function phoneScreens(
  browser: Browser,
  stage: Stage,
  scene: Scene,
  client: MqttClient,
): Promise<void> {
  const { t, view } = scene
  const { page, close } = await visit(browser, stage.url, view)
  await page.locator('.welcome .button.is-primary').click()
  await page.locator('.pane-bar button').first().click()
  await page.getByLabel(t.topicFilter, { exact: true }).first().fill('shop/#')
  await page.locator('.add-subscription button[type=submit]').click()
  await page.locator('.subscription.is-granted').waitFor()
  for (let turn = 0; turn < 30; turn++) await publishShop(client, turn)
  await page.locator('.pane-bar button').nth(1).click()
  await page.locator('.message-row', { hasText: 'report' }).first().waitFor()
  await shoot(page, scene, 'table')
  await page.locator('.message-row', { hasText: 'climate' }).last().click()
  await page.locator('.tok-number').first().waitFor()
  await shoot(page, scene, 'detail')
  await page.getByRole('tab', { name: t.broker }).click()
  await login(page, t)
  await page.locator('.chart-plot canvas').first().waitFor()
  await page.waitForTimeout(2500)
  await shoot(page, scene, 'overview')
  await close()
}

/** Each screen in each theme and each language, but not in each of both. */
const SCENES = [
  ['light', 'en-US', en],
  ['dark', 'zh-CN', zh],
] as const

async function mainScreens(browser: Browser): Promise<void> {
  for (const [theme, locale, t] of SCENES) {
    const stage = await startStage()
    const client = await stage.connect('shop-12-ap-3')
    const name = `${theme}-${locale.slice(0, 2)}`
    await wideScreens(browser, stage, { name, t, view: { locale, theme, ...WIDE } }, client)
    await phoneScreens(browser, stage, { name, t, view: { locale, theme, ...PHONE } }, client)
    await stage.close()
  }
}

const { values } = parseArgs({
  options: { all: { type: 'string' }, only: { type: 'string', default: '' } },
})
const browser = await openBrowser()
if (values.all === undefined) await mainScreens(browser)
else {
  const found = await allScreens(browser, values.all, values.only)
  for (const line of found) console.log(line)
  if (found.length > 0) process.exitCode = 1
}
await browser.close()

// The states of the page that somebody may see, errors and empty ones too, each with the way to it: for axe and for `npm run screenshots -- --all DIR`.
import { offerOf } from '../../examples/price-tags/model/articles.ts'
import { TAG_TYPES } from '../../examples/price-tags/model/tags.ts'
import { bitmapOf, contentTypeOf, draw } from '../../examples/price-tags/render/render.ts'
import { en as english } from '../../web/src/broker/words-en.ts'
import { zh as chinese } from '../../web/src/broker/words-zh.ts'
import { zh } from '../../web/src/i18n/zh.ts'
import { connectHere, openPart, publish, row, subscribe } from './acts.ts'
import { ADMIN, login } from './stage.ts'
import { close, command, pane, type Tour } from './tour.ts'

/** No connection, and why. */
export async function troubles(tour: Tour): Promise<void> {
  const { page, t, see } = tour
  await see('welcome')
  const connectTo = async (fields: Record<string, string>) => {
    await page.getByRole('button', { name: t.otherBroker }).click()
    const dialog = page.getByRole('dialog')
    for (const [label, value] of Object.entries(fields))
      await dialog.getByLabel(label, { exact: true }).fill(value)
  }
  await connectTo({ [t.host]: 'mqtt://broker.example:1883' })
  await see('form-pasted-mqtt')
  await page.keyboard.press('Escape')
  await connectTo({ [t.port]: '1' })
  await page.getByRole('button', { name: t.saveAndConnect }).click()
  await page.locator('.connect-help li').first().waitFor()
  await see('nothing-listens')
  await page.reload()
  await page.locator('.welcome').waitFor()
  await connectTo({ [t.username]: ADMIN.username, [t.password]: 'wrong' })
  await page.getByRole('button', { name: t.saveAndConnect }).click()
  await page.locator('form.connect-help').waitFor()
  await see('login-refused')
}

/** The client at work. */
export async function client(tour: Tour): Promise<void> {
  const { page, t, shop, see } = tour
  await connectHere(page, t)
  await see('nothing-subscribed')
  await pane(tour, 0)
  await page.getByRole('button', { name: t.subscribeOptions }).click()
  await subscribe(page, t, 'shop/#')
  await see('subscriptions')
  await pane(tour, 1)
  await see('nothing-came')
  for (let at = 0; at < 40; at++)
    await shop.publish(
      `shop/12/climate/${['kitchen', 'cold-room', 'entrance'][at % 3]}`,
      `{"temperature": ${(20 + Math.sin(at / 5) * 3).toFixed(2)}, "humidity": ${40 + (at % 9)}, "battery": ${(3 - at / 100).toFixed(2)}}`,
      {
        qos: 1,
        properties: { contentType: 'application/json', userProperties: [['sensor', 'SHT45']] },
      },
    )
  await row(page, 'climate').first().waitFor()
  await see('table')
  for (const view of ['bubbles', 'latest', 'pivot', 'chart'] as const) {
    await page.getByRole('tab', { name: t.views[view], exact: true }).click()
    await page.getByText(t.loading, { exact: true }).waitFor({ state: 'detached' })
    await see(view)
  }
  await page.getByRole('tab', { name: t.views.table, exact: true }).click()
  const search = page.getByLabel(t.searchMessages)
  await search.fill('qos:9')
  await page.locator('.search .problem').waitFor()
  await see('search-impossible')
  await search.fill('nobody says this')
  await see('search-no-hit')
  await search.fill('')
  await row(page, 'kitchen').last().click()
  await page.locator('.detail-pane .tok-number').first().waitFor()
  await see('detail')
  const [type] = TAG_TYPES.slice(3)
  if (type !== undefined)
    await shop.publish('shop/12/tag/4711/image', bitmapOf(draw(offerOf(12, 30), type), type), {
      qos: 1,
      properties: { contentType: contentTypeOf(type) },
    })
  await pane(tour, 1)
  await row(page, 'image').first().click()
  await page.locator('.picture canvas').waitFor()
  await see('price-tag')
  await pane(tour, 3)
  await publish(page, t, 'secret/plan', 'x')
  await see('publish')
  for (const [name, words] of [
    ['properties', t.v5Properties],
    ['repeat', t.timed],
    ['saved', t.saved],
  ] as const) {
    await page.locator('.publish-tools').getByRole('button', { name: words }).click()
    await see(`publish-${name}`)
  }
  await pane(tour, 0)
  await page.locator('.side-pane [role=tab]').last().click()
  await page.locator('.tree-row').first().waitFor()
  await see('topic-tree')
  await dialogs(tour)
}

async function dialogs(tour: Tour): Promise<void> {
  const { page, t, see } = tour
  const commands: [string, string][] = [
    ['settings', t.settings],
    ['form', t.newConnection],
    ['csv', t.csvTitle],
    ['transfer', t.transfer],
    ['schemas', t.schemas],
    ['clear-retained', t.clearRetained],
    ['session', t.sessionDetails],
    ['keys', t.keyboardHelp],
  ]
  for (const [name, words] of commands) {
    await command(tour, words)
    await see(name)
    const folded = await page.locator('dialog[open] summary').all()
    for (const summary of folded) await summary.click()
    if (name === 'form') await page.getByLabel(t.willOn).check()
    if (folded.length > 0) await see(`${name}-unfolded`)
    await close(tour)
  }
  await page.keyboard.press('Control+k')
  await see('palette')
  await page.keyboard.press('Escape')
}

/** What the broker answers when it is asked. */
async function answered({ page, t, shop, see }: Tour): Promise<void> {
  const b = t === zh ? chinese : english
  const ask = () => page.getByRole('button', { name: b.ask, exact: true }).first().click()
  await openPart(page, 'why')
  await page.getByLabel(t.topic, { exact: true }).fill('Secret/plan')
  await ask()
  await page.locator('.verdict').waitFor()
  await see('broker-why-answered')
  await openPart(page, 'access')
  await page.getByLabel(t.topic, { exact: true }).fill('secret/plan')
  await page.locator('form button[type=submit]').click()
  await page.locator('.broker-page').getByText('topic deny secret/#').first().waitFor()
  await see('broker-access-answered')
  await openPart(page, 'subscriptions')
  await page.getByLabel(b.whoReceives).fill('shop/12/x')
  await ask()
  await see('broker-receivers')
  await shop.publish('shop/12/kept', '{"price": 3.49}', { qos: 1, retain: true })
  await openPart(page, 'retained')
  await page.locator('tbody .row-button').first().click()
  await page.locator('.drawer').waitFor()
  await see('broker-retained-open')
}

/** The broker area, and a broker that goes away. */
export async function broker(tour: Tour): Promise<void> {
  const { page, t, wire, see } = tour
  await page.getByRole('tab', { name: t.broker, exact: true }).click()
  const form = page.locator('.login')
  await form.waitFor()
  await see('login')
  await form.locator('input').first().fill(ADMIN.username)
  await form.getByLabel(t.password).fill('wrong')
  await form.locator('button[type=submit]').click()
  await form.locator('[role=alert]').waitFor()
  await see('login-wrong')
  await login(page, t)
  await page.locator('.chart-plot canvas').first().waitFor()
  for (const link of await page.locator('.broker-nav > a').all()) {
    const name = (await link.getAttribute('href'))?.split('/')[1] ?? ''
    await link.click()
    await page.getByText(t.loading, { exact: true }).waitFor({ state: 'detached' })
    await see(`broker-${name}`)
  }
  await answered(tour)
  await openPart(page, 'clients')
  await page.locator('tbody .row-button').first().click()
  await page.locator('.drawer dl').waitFor()
  await see('broker-client')
  await openPart(page, 'overview')
  await page.locator('.page-head b').waitFor()
  await page.locator('.chart-plot canvas').first().waitFor()
  await wire.goAway()
  await page.locator('.reach-banner').first().waitFor()
  await see('broker-gone')
  await wire.comeBack()
}

/** States of the client in the middle of work, with what goes wrong there: on the busy stage. */
import { connectHere, openFile, publish, row, subscribe } from './acts.ts'
import { close, command, pane, type Tour } from './tour.ts'

/** Subscriptions and what comes by them. */
async function watched(tour: Tour): Promise<void> {
  const { page, t, shop, see } = tour
  await connectHere(page, t)
  await pane(tour, 0)
  await subscribe(page, t, 'shop/#')
  await page.locator('.add-subscription input').first().fill('shop/+')
  await page.getByText(t.filterOverlaps('shop/#')).waitFor()
  await see('subscription-overlap')
  await page.getByRole('button', { name: t.labelled(t.options, 'shop/#') }).click()
  await see('subscription-open')
  await page.getByRole('button', { name: t.labelled(t.options, 'shop/#') }).click()
  for (let at = 0; at < 30; at++)
    await shop.publish(
      `shop/12/climate/${['kitchen', 'cold-room', 'entrance'][at % 3]}`,
      `{"temperature": ${(20 + Math.sin(at / 3) * 3).toFixed(2)}, "battery": ${(3 - at / 100).toFixed(2)}}`,
      { qos: 1 },
    )
  await shop.publish(
    'shop/12/raw',
    Uint8Array.from({ length: 100 }, (_, at) => (at * 37) % 256),
  )
  await shop.publish('shop/12/empty', '', { qos: 1 })
  await pane(tour, 1)
  await row(page, 'empty').waitFor()
  await see('table-mixed')
  await row(page, 'raw').click()
  await page.locator('.detail-pane .payload').waitFor()
  await see('detail-hex')
  await pane(tour, 1)
  await row(page, 'kitchen').last().click()
  for (const [name, words] of [
    ['diff', t.diff],
    ['history', t.history],
  ] as const) {
    await page.getByRole('tab', { name: words, exact: true }).click()
    await see(`detail-${name}`)
  }
  await pane(tour, 1)
  await page.getByRole('tab', { name: t.views.chart, exact: true }).click()
  await page.locator('.add-series').getByLabel(t.topicFilter).fill('shop/12/climate/+')
  await page.locator('.add-series input').last().fill('$.temperature')
  await page.keyboard.press('Enter')
  await page.locator('.chart-view .plot canvas').waitFor()
  await see('chart-drawn')
  await page.getByRole('tab', { name: t.views.table, exact: true }).click()
  await page.getByRole('button', { name: t.pause, exact: true }).first().click()
  for (let at = 0; at < 5; at++) await shop.publish('shop/12/later', String(at), { qos: 1 })
  await page.getByText(t.pausedNew('5')).waitFor()
  await see('paused')
  await page.getByText(t.pausedNew('5')).click()
}

/** Publishing, and what is refused. */
async function sent(tour: Tour): Promise<void> {
  const { page, t, see } = tour
  await pane(tour, 3)
  await page.locator('.publish-dock').getByLabel('QoS').selectOption('1')
  await publish(page, t, 'secret/plan', 'x')
  await page.locator('.publish-dock .problem').waitFor()
  await see('publish-refused')
  await pane(tour, 1)
  await page.locator('.message-row .chip.is-bad').waitFor()
  await see('message-refused')
  await pane(tour, 3)
  await command(tour, t.csvTitle)
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel(t.topic).fill('shop/12/tag/{{tag}}')
  await dialog.getByLabel(t.payload).fill('{"price": {{price}}}')
  await dialog.getByLabel('CSV', { exact: true }).fill('tag,price\n0001,12.90\n0002\n+,3.50')
  await dialog.locator('button.is-primary').click()
  await dialog.getByRole('alert').waitFor()
  await see('csv-bad-rows')
  await dialog.getByLabel('CSV', { exact: true }).fill('tag,price\n0001,12.90\n0002,3.50')
  await dialog.locator('.csv-preview').waitFor()
  await see('csv-preview')
  await dialog.locator('button.is-primary').click()
  await page.locator('.job-list li').first().waitFor()
  await see('csv-run')
}

/** Dialogs that have found or refused something. */
async function opened(tour: Tour): Promise<void> {
  const { page, t, see } = tour
  await command(tour, t.clearRetained)
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel(t.topicFilter).fill('shop/12/price/#')
  await dialog.getByRole('button', { name: t.find }).click()
  await dialog.locator('.retained-list li').first().waitFor()
  await see('retained-found')
  await close(tour)
  await command(tour, t.schemas)
  await dialog.getByRole('button', { name: t.newSchema }).click()
  await dialog.locator('summary').first().click()
  await dialog.locator('textarea').fill('message Broken {')
  await dialog.locator('.problem').waitFor()
  await see('schema-open')
  await close(tour)
  await page.getByRole('button', { name: t.connections, exact: true }).first().click()
  await page.locator('dialog[open]').waitFor()
  await see('connections')
  await dialog
    .getByRole('button', { name: new RegExp(`^${t.labelled(t.remove, '').trim()}`) })
    .first()
    .click()
  await page.locator('dialog[open]').last().waitFor()
  await see('confirm')
  await page.keyboard.press('Escape')
  await close(tour)
  const cut = '{"topic":"cut/a"}\n{"topic":"cut/b","qos":7}\n{"topic":"cut'
  await command(tour, t.transfer)
  await openFile(page, 'night.jsonl', cut, () =>
    dialog.getByRole('button', { name: t.import, exact: true }).click(),
  )
  await page.locator('.status-bar.is-file .unread summary').click()
  await see('file-unread-lines')
}

/** The client at work, more of it than in `client`. */
export async function work(tour: Tour): Promise<void> {
  const { page, t, wire, see } = tour
  await watched(tour)
  await sent(tour)
  await opened(tour)
  await page
    .locator('.connection-tab', { hasText: t.thisBroker })
    .getByRole('button')
    .first()
    .click()
  await pane(tour, 1)
  await wire.goAway()
  await page.locator('.status-bar .problem').first().waitFor()
  await see('connection-lost')
  await wire.comeBack()
  await page.getByRole('status').filter({ hasText: t.statuses.online }).waitFor()
  await page.reload()
  await page.locator('.welcome').waitFor()
  await see('welcome-again')
}

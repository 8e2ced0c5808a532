/** What the page remembers when it is asked to, and what it forgets. */
import assert from 'node:assert/strict'
import { connectHere, row, subscribe } from './acts.ts'
import { browserSuite } from './suite.ts'

/** The topics of all messages that the browser keeps. */
const KEPT_TOPICS = `new Promise((resolve) => {
  const request = indexedDB.open('mozzie')
  request.onsuccess = () => {
    const all = request.result.transaction('portions').objectStore('portions').getAll()
    all.onsuccess = () => {
      request.result.close()
      resolve(all.result.flatMap(({ messages }) => messages.map(({ topic }) => topic)).join())
    }
  }
})`

browserSuite('settings', (test) => {
  test('messages and tabs come back after a reload when that is asked for', async ({
    page,
    stage,
    t,
  }) => {
    await page.getByRole('button', { name: t.settings }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(t.reopenTabs).check()
    await dialog.getByLabel(t.keepMessages).check()
    await dialog.getByRole('button', { name: t.close }).click()
    await connectHere(page, t)
    await subscribe(page, t, 'kept/#')
    const peer = await stage.connect('keeper')
    await peer.publish('kept/a', new Uint8Array([0xff, 1, 2]))
    await peer.publish('kept/b', 'removed by hand')
    await row(page, 'kept/b').click()
    await page.getByRole('button', { name: t.deleteMessage }).click()
    await row(page, 'kept/b').waitFor({ state: 'detached' })
    // Written once a second.
    while ((await page.evaluate(KEPT_TOPICS)) !== 'kept/a') await page.waitForTimeout(50)
    await page.reload()
    await page.getByRole('status').filter({ hasText: t.statuses.online }).waitFor()
    await row(page, 'kept/a').click()
    await page.locator('.detail-pane').getByText('ff 01 02').waitFor()
    assert.equal(await row(page, 'kept/b').count(), 0)
    await page.locator('.counters [data-received="0"]').waitFor()
  })

  test('a limit is typed digit by digit, and holds once it is within its bounds', async ({
    page,
    t,
  }) => {
    const open = () => page.getByRole('button', { name: t.settings }).click()
    await open()
    const dialog = page.getByRole('dialog')
    const field = dialog.getByLabel(t.memoryPerConnection, { exact: true })
    const type = async (text: string) => {
      await field.press('Control+a')
      await field.press('Delete')
      await field.pressSequentially(text)
      return field.inputValue()
    }
    assert.equal(await type('64'), '64')
    await field.blur()
    assert.equal(await type('99999'), '99999')
    assert.equal(await field.getAttribute('aria-invalid'), 'true')
    await dialog.getByRole('button', { name: t.close }).first().click()
    await open()
    assert.equal(await field.inputValue(), '64')
  })

  test('nothing is kept unasked', async ({ page, stage, t }) => {
    await connectHere(page, t)
    await subscribe(page, t, 'loose/#')
    const peer = await stage.connect('loose')
    await peer.publish('loose/a', 'x')
    await row(page, 'loose/a').waitFor()
    await page.reload()
    await page.locator('.welcome').waitFor()
    assert.deepEqual(await page.evaluate('indexedDB.databases()'), [])
  })

  test('times since the message above, and the packet identifier', async ({ page, stage, t }) => {
    await connectHere(page, t)
    await subscribe(page, t, 'delta/#')
    await page
      .locator('.subscription', { hasText: 'delta/#' })
      .getByRole('button', { name: /^Options/ })
      .click()
    await page.locator('.subscription-form').getByLabel('QoS').selectOption('1')
    await page.locator('.subscription small', { hasText: 'QoS 1' }).waitFor()
    const peer = await stage.connect('delta')
    for (const text of ['1', '2']) await peer.publish('delta/a', text, { qos: 1 })
    await row(page, 'delta/a').nth(1).waitFor()
    await page.locator('.message-table .is-head').getByRole('button', { name: t.time }).click()
    await row(page, 'delta/a')
      .nth(1)
      .locator('.time', { hasText: /^\+\d+ ms$/ })
      .waitFor()
    await row(page, 'delta/a').nth(1).click()
    await page.locator('.facts', { hasText: /packet ID \d+/ }).waitFor()
    await page.locator('.facts', { hasText: /ms after the previous one/ }).waitFor()
  })

  test('the dock folds to one line and still sends; dialogs begin at their first field', async ({
    page,
    stage,
    t,
  }) => {
    await connectHere(page, t)
    const peer = await stage.connect('folded')
    const got = peer.subscribe('fold/a')[Symbol.asyncIterator]().next()
    await peer.subscribe('fold/ready', { onMessage: () => {} })
    await page.getByRole('button', { name: t.foldDock }).click()
    const dock = page.locator('.publish-dock.is-folded')
    assert.ok(((await dock.boundingBox())?.height ?? 999) < 90)
    await dock.getByLabel(t.topic, { exact: true }).fill('fold/a')
    await dock.getByLabel(t.payload).fill('one line')
    await dock.getByLabel(t.payload).press('Control+Enter')
    assert.equal((await got).value?.text(), 'one line')
    const focused = () =>
      page.evaluate<string>(
        'document.activeElement.getAttribute("aria-label") ?? document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent',
      )
    for (const [command, label] of [
      ['new connection', t.name],
      ['clear retained', t.topicFilter],
      ['csv', t.topic],
      ['settings', t.theme],
      ['export', t.format],
    ] as const) {
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox', { name: t.commandPalette }).fill(command)
      await page.keyboard.press('Enter')
      await page.locator('dialog[open]:not(.palette)').waitFor()
      assert.equal(await focused(), label, command)
      await page.keyboard.press('Escape')
    }
  })

  test('a connection is removed only after our own question', async ({ page, problems, t }) => {
    await connectHere(page, t)
    await page.getByRole('button', { name: `${t.close}: ${t.thisBroker}` }).click()
    await page.getByRole('button', { name: `${t.remove}: ${t.thisBroker}` }).click()
    const dialog = page.getByRole('dialog', { name: t.confirmRemove(t.thisBroker) })
    await dialog.getByRole('button', { name: t.cancel }).click()
    await page.getByRole('button', { name: `${t.remove}: ${t.thisBroker}` }).click()
    await dialog.getByRole('button', { name: t.remove }).click()
    await page.locator('.welcome-list').waitFor({ state: 'detached' })
    assert.deepEqual(problems, [])
  })
})

/** What the broker answered is shown for as long as it is about what stands in the form. */
import assert from 'node:assert/strict'
import { en as english } from '../../web/src/broker/words-en.ts'
import { connectHere, followsField, openPart, publish } from './acts.ts'
import { ADMIN, login } from './stage.ts'
import { browserSuite } from './suite.ts'

/** As many filters are counted as may be. */
async function fillMetrics(url: string): Promise<void> {
  const { username, password } = ADMIN
  const headers = {
    authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
    'content-type': 'application/json',
    'x-csrf-token': 'test',
  }
  for (let at = 0, status = 0; status !== 409; at++) {
    const body = JSON.stringify({ filter: `filled/${at}` })
    const answer = await fetch(`${url}api/v1/topic-metrics`, { method: 'POST', headers, body })
    status = answer.status
    assert.ok(at < 100 && (answer.ok || status === 409), await answer.text())
  }
}

browserSuite('outcomes', (test) => {
  test('what was said of a message does not stand under the next', async ({ page, t }) => {
    await connectHere(page, t)
    const dock = page.locator('.publish-dock')
    await dock.getByLabel('QoS').selectOption('1')
    await publish(page, t, 'secret/plan', 'x')
    const refusal = dock.locator('.publish-foot [role=alert]')
    await refusal.waitFor()
    await dock.getByLabel(t.topic, { exact: true }).fill('free/plan')
    await refusal.waitFor({ state: 'detached' })
    await publish(page, t, 'secret/plan', 'y')
    await refusal.waitFor()
    await dock.locator('[data-payload]').fill('z')
    await refusal.waitFor({ state: 'detached' })
  })

  test('a refusal that comes when the next message is being written names its topic', async ({
    page,
    t,
  }) => {
    await connectHere(page, t)
    const dock = page.locator('.publish-dock')
    await dock.getByLabel('QoS').selectOption('1')
    await dock.getByLabel(t.topic, { exact: true }).fill('secret/late')
    await dock.locator('[data-payload]').fill('x')
    // Sent and changed within one turn: the answer cannot have come between.
    await page.evaluate(`{
      const field = document.querySelector('.publish-dock [data-payload]')
      field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', ctrlKey: true, bubbles: true }))
      const { set } = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value')
      set.call(field, 'next')
      field.dispatchEvent(new Event('input', { bubbles: true }))
    }`)
    await page.locator('.notice.is-problem', { hasText: 'secret/late: ' }).waitFor()
    assert.equal(await dock.locator('.publish-foot [role=alert]').count(), 0)
  })

  test('answers of the broker area are about what was asked', async ({ page, stage, t }) => {
    const b = english
    await page.getByRole('tab', { name: t.broker, exact: true }).click()
    const form = page.locator('.login')
    await form.locator('input').first().fill('boss')
    await form.getByLabel(t.password).fill('wrong')
    await form.locator('button[type=submit]').click()
    await followsField(form.locator('[role=alert]'), form.getByLabel(t.password))
    await login(page, t)
    await openPart(page, 'access')
    await page.getByLabel(t.topic, { exact: true }).fill('secret/plan')
    await page.locator('form button[type=submit]').click()
    await followsField(page.locator('.verdict'), page.getByLabel(t.topic, { exact: true }))
    await openPart(page, 'why')
    await page.getByLabel(t.topic, { exact: true }).fill('secret/plan')
    await page.getByRole('button', { name: b.ask, exact: true }).click()
    await followsField(page.locator('.verdict'), page.getByLabel(t.topic, { exact: true }))
    await openPart(page, 'subscriptions')
    const receivers = page.locator('form', { hasText: b.whoReceives }).first()
    await receivers.getByLabel(b.whoReceives).fill('free/plan')
    await receivers.getByRole('button', { name: b.ask, exact: true }).click()
    await followsField(receivers.locator('[role=status]'), receivers.getByLabel(b.whoReceives))
    await fillMetrics(stage.url)
    const counts = page.locator('.topic-metrics')
    await counts.getByLabel(b.topicMetrics.title).first().fill('one/more')
    await counts.getByRole('button', { name: b.topicMetrics.start, exact: true }).click()
    await followsField(counts.locator('.problem'), counts.getByLabel(b.topicMetrics.title).first())
    const peer = await stage.connect('keeper')
    await peer.publish('kept/a', '1', { qos: 1, retain: true })
    await page.getByRole('tab', { name: t.client, exact: true }).click()
    await connectHere(page, t)
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: t.commandPalette }).fill(t.clearRetained)
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    const filter = dialog.getByLabel(t.topicFilter, { exact: true })
    await filter.fill('kept/#')
    await dialog.getByRole('button', { name: t.find, exact: true }).click()
    await followsField(dialog.locator('.retained-list li'), filter)
  })
})

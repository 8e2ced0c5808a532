/** What the broker answered is shown for as long as it is about what stands in the form. */
import assert from 'node:assert/strict'
import type { Locator } from 'playwright-core'
import { en as english } from '../../web/src/broker/words-en.ts'
import { connectHere, publish } from './acts.ts'
import { login } from './stage.ts'
import { browserSuite } from './suite.ts'

/** Gone once the field holds something else, and there again with what it was asked for. */
async function followsField(answer: Locator, field: Locator): Promise<void> {
  await answer.waitFor()
  const asked = await field.inputValue()
  await field.fill(`${asked}x`)
  await answer.waitFor({ state: 'detached' })
  await field.fill(asked)
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
    const open = (name: string) => page.locator(`.broker-nav > a[href$=${name}]`).click()
    await open('access')
    await page.getByLabel(t.topic, { exact: true }).fill('secret/plan')
    await page.locator('form button[type=submit]').click()
    await followsField(page.locator('.verdict'), page.getByLabel(t.topic, { exact: true }))
    await open('why')
    await page.getByLabel(t.topic, { exact: true }).fill('secret/plan')
    await page.getByRole('button', { name: b.ask, exact: true }).click()
    await followsField(page.locator('.verdict'), page.getByLabel(t.topic, { exact: true }))
    await open('subscriptions')
    const receivers = page.locator('form', { hasText: b.whoReceives }).first()
    await receivers.getByLabel(b.whoReceives).fill('free/plan')
    await receivers.getByRole('button', { name: b.ask, exact: true }).click()
    await followsField(receivers.locator('[role=status]'), receivers.getByLabel(b.whoReceives))
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

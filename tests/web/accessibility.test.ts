/** Every main screen against axe's rules for WCAG 2.2 A and AA, in both themes. */
import assert from 'node:assert/strict'
import { violations } from './axe.ts'
import { ADMIN } from './stage.ts'
import { browserSuite } from './suite.ts'

browserSuite('accessibility', (test) => {
  for (const theme of ['light', 'dark'] as const) {
    test(
      `no violation on any screen of the client (${theme})`,
      async ({ page, stage }) => {
        const found = await violations(page, 'welcome')
        await page.locator('.welcome .button.is-primary').click()
        await page.locator('.dot.is-online').first().waitFor()
        await page.getByLabel('Topic filter', { exact: true }).first().fill('axe/#')
        await page.locator('.add-subscription button[type=submit]').click()
        const peer = await stage.connect(`axe-${theme}`)
        await page.locator('.subscription.is-granted').waitFor()
        await peer.publish('axe/json', '{"n": 1, "s": "x", "b": null}', {
          qos: 1,
          properties: { userProperties: [['a', 'b']] },
        })
        await peer.publish('axe/empty', '', { retain: true })
        await page.locator('.message-row', { hasText: 'axe/json' }).click()
        await page.locator('.detail-pane .tok-number').waitFor()
        found.push(...(await violations(page, 'table and detail')))
        await page.getByRole('button', { name: /^Options: / }).click()
        await page.getByRole('button', { name: 'Properties' }).click()
        found.push(...(await violations(page, 'subscription and properties')))
        await page.getByRole('button', { name: 'Repeat' }).click()
        await page.getByRole('tab', { name: /Topics/ }).click()
        await page.locator('.tree-row').first().waitFor()
        for (const view of ['Conversation', 'Latest per topic', 'Value table', 'Chart']) {
          await page.getByRole('tab', { name: view }).click()
          // Columns come once the paths are known.
          if (view === 'Value table') await page.locator('.pivot-row .column').nth(2).waitFor()
          found.push(...(await violations(page, view)))
        }
        for (const command of [
          'settings',
          'new connection',
          'clear retained',
          'export',
          'csv',
          'schemas',
          'keyboard',
          'broker response',
        ]) {
          await page.keyboard.press('Escape')
          await page.keyboard.press('Control+k')
          await page.getByRole('combobox', { name: 'Commands' }).fill(command)
          if (command === 'csv') found.push(...(await violations(page, 'palette')))
          await page.keyboard.press('Enter')
          await page.locator('dialog[open]:not(.palette)').waitFor()
          for (const summary of await page.locator('dialog summary').all()) await summary.click()
          found.push(...(await violations(page, command)))
          await page.locator('dialog').getByRole('button', { name: 'Close' }).click()
        }
        assert.deepEqual(found, [])
      },
      { theme },
    )

    test(
      `no violation on any page of the broker area (${theme})`,
      async ({ page }) => {
        await page.getByRole('tab', { name: 'Broker' }).click()
        await page.locator('.login').waitFor()
        const found = await violations(page, 'login')
        await page.getByLabel('User').fill(ADMIN.username)
        await page.getByLabel('Password').fill(ADMIN.password)
        await page.getByRole('button', { name: 'Log in' }).click()
        await page.locator('.chart-plot canvas').first().waitFor()
        for (const link of await page.locator('.broker-nav a').all()) {
          await link.click()
          await page.waitForLoadState('networkidle').catch(() => {})
          found.push(...(await violations(page, (await link.textContent()) ?? '')))
        }
        assert.deepEqual(found, [])
      },
      { theme },
    )
  }

  test(
    'on a phone every pane is reached by its button, and nothing is wider than the screen',
    async ({ page }) => {
      await page.locator('.welcome .button.is-primary').click()
      await page.locator('.pane-bar').waitFor()
      const found: string[] = []
      for (const pane of ['Topics', 'Messages', 'Publish']) {
        await page.locator('.pane-bar').getByRole('button', { name: pane }).click()
        found.push(...(await violations(page, `phone ${pane}`)))
        assert.equal(await page.evaluate<number>('document.documentElement.scrollWidth'), 390)
      }
      assert.deepEqual(found, [])
    },
    { width: 390, height: 844 },
  )
})

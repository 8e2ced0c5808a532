/** Every state of the page against axe's rules for WCAG 2.2 A and AA, in both themes. */
import assert from 'node:assert/strict'
import { violations } from './axe.ts'
import { broker, client, troubles } from './screens.ts'
import { visitOverWire } from './stage.ts'
import { browserSuite } from './suite.ts'

const PARTS = { troubles, client, broker }

browserSuite('accessibility', (test) => {
  for (const theme of ['light', 'dark'] as const)
    for (const [name, part] of Object.entries(PARTS))
      test(`no violation in any state: ${name} (${theme})`, async ({
        browser,
        stage,
        t,
        after,
      }) => {
        const { page, wire } = await visitOverWire(browser, stage, after, { theme })
        const shop = await stage.connect(`axe-${name}-${theme}`)
        const found: string[] = []
        let count = 0
        const see = async (state: string): Promise<void> => {
          count++
          found.push(...(await violations(page, state)))
        }
        await part({ page, t, shop, wire, see })
        assert.deepEqual(found, [])
        assert.ok(count > 0)
      })

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

/** Every state of the page against axe's rules for WCAG 2.2 A and AA, in both themes. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { connectHere, openFile, row } from './acts.ts'
import { violations } from './axe.ts'
import { startBusyStage } from './busy-stage.ts'
import { stumbles } from './reading.ts'
import { broker, client, troubles } from './screens.ts'
import { operate } from './screens-operate.ts'
import { work } from './screens-work.ts'
import { visitOverWire } from './stage.ts'
import { browserSuite } from './suite.ts'

/** What a reader of Chinese stumbles over in this state, which is English before and behind it. */
async function inChinese(page: Page, state: string): Promise<string[]> {
  const turn = async (language: string): Promise<void> => {
    await page.evaluate(`document.querySelector('.icon-button.language').click()`)
    await page.locator(`html[lang^=${language}]`).waitFor()
  }
  await turn('zh')
  const found = await stumbles(page)
  await turn('en')
  return found.map((words) => `${state}: ${words}`)
}

const PARTS = { troubles, client, broker }
const BUSY = { work, operate }

browserSuite('accessibility', (test) => {
  const tours = [...Object.entries(PARTS), ...Object.entries(BUSY)] as const
  for (const [name, part] of tours)
    test(`no violation in any state: ${name}`, async ({ browser, stage: fresh, t, after }) => {
      const stage = name in BUSY ? await startBusyStage() : fresh
      if (stage !== fresh) after(stage.close)
      const { page, wire } = await visitOverWire(browser, stage, after)
      const shop = await stage.connect(`axe-${name}`)
      const found: string[] = []
      let count = 0
      // The page follows the system: a tour is enough for both themes.
      const see = async (state: string): Promise<void> => {
        count++
        await page.emulateMedia({ colorScheme: 'dark' })
        found.push(...(await violations(page, `${state} (dark)`)))
        await page.emulateMedia({ colorScheme: 'light' })
        found.push(...(await violations(page, `${state} (light)`, 'colours')))
        found.push(...(await inChinese(page, state)))
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

  test(
    'on a phone a file that is opened where one publishes is seen at once',
    async ({ page, t }) => {
      await connectHere(page, t)
      await page.locator('.pane-bar button').last().click()
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox', { name: t.commandPalette }).fill(t.transfer)
      await page.keyboard.press('Enter')
      await openFile(page, 'night.jsonl', '{"topic":"night/a"}\n', () =>
        page.getByRole('dialog').getByRole('button', { name: t.import, exact: true }).click(),
      )
      await row(page, 'night/a').waitFor()
    },
    { width: 390, height: 844 },
  )
})

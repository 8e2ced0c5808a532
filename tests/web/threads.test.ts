/** The dashboard of a broker with several threads. */
import assert from 'node:assert/strict'
import { en } from '../../web/src/broker/words-en.ts'
import { login } from './stage.ts'
import { browserSuite } from './suite.ts'

browserSuite(
  'the page of a broker with two threads',
  (test) => {
    test('names the thread that serves a client', async ({ page, stage, t }) => {
      await stage.connect('till-4')
      await page.getByRole('tab', { name: t.broker, exact: true }).click()
      await login(page, t)
      await page.locator('.broker-nav a[href$=clients]').click()
      await page.locator('.row-button', { hasText: 'till-4' }).click()
      const fact = page.locator('.drawer dl > div').filter({ hasText: en.facts.thread })
      assert.match(await fact.locator('dd').innerText(), /^[01]$/)
    })
  },
  ['thread_count 2'],
)

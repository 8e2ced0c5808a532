/** The shelf wall in a browser: a price list is pasted, lands, is looked at, and is taken back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { articleOf, csvOf, offerOf } from '../../examples/price-tags/model/articles.ts'
import { post } from '../../examples/price-tags/flash.ts'
import { readOptions, type Options } from '../../examples/price-tags/options.ts'
import { startWorld } from '../../examples/price-tags/world.ts'
import { testMsMax, waitMsMax } from '../support/patience.ts'
import { noBrowser, openBrowser } from '../web/stage.ts'
import { acceptedOnce } from './events.ts'

test(
  'a change is ordered, seen, looked into and rolled back on the page',
  { timeout: testMsMax, skip: noBrowser },
  async (context) => {
    const flags = '--stores 2 --aps 1 --tags 16 --speed 10 --bad 0 --port 0'.split(' ')
    const world = await startWorld(readOptions(flags) as Options)
    context.after(() => world.stop())
    const browser = await openBrowser()
    context.after(() => browser.close())
    const page = await browser.newPage()
    page.setDefaultTimeout(waitMsMax)
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text())
    })
    const csv = csvOf(Array.from({ length: 16 }, (_, at) => articleOf(at + 1)))
    await post(world, '/api/changes?label=opening', csv)
    await page.goto(`${world.address}/?lang=en`)
    await page.waitForSelector('.tag.right img >> nth=15')

    const tag = page.locator('[data-tag="1-1-1"]')
    const before = await tag.locator('img').getAttribute('src')
    await page.fill('#csv', 'sku,name,price\n1,Milk\n')
    await page.click('button[type=submit].main')
    await page.waitForSelector('#message.bad')
    const offers = Array.from({ length: 16 }, (_, at) => offerOf(at + 1, 20))
    await page.fill('#csv', csvOf(offers))
    await page.fill('#label', 'beans')
    // It lasts until the tag's next check-in: of many one is late enough to be seen.
    const wasWrong = page.waitForSelector('.tag.wrong', { state: 'attached' })
    await page.click('button[type=submit].main')
    await wasWrong
    await page.waitForSelector(`[data-tag="1-1-1"].right img:not([src="${before}"])`)

    await tag.click()
    await page.waitForSelector('#life[open] #events li.shown')
    const events = await page.locator('#events li b').allTextContents()
    assert.deepEqual(acceptedOnce(events), ['accepted', 'created', 'sent', 'shown'])
    await page.click('#life button')

    await page.selectOption('#store', '2')
    await page.waitForSelector('[data-tag="2-1-1"].right')
    const row = page.locator('[data-change]', { hasText: 'beans' }).first()
    await row.getByRole('button', { name: 'Roll back' }).click()
    await page.waitForSelector(`[data-tag="2-1-1"] img[src="${before}"]`)
    await page.click('#language')
    assert.equal(await page.locator('h1').textContent(), '电子价签')
    assert.deepEqual(
      problems.filter((problem) => !problem.includes('400')),
      [],
    )
  },
)

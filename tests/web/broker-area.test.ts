/** The broker area: what an operator reads there is true, also when something is wrong. */
import assert from 'node:assert/strict'
import { connect } from '../../src/client/node.ts'
import { en } from '../../web/src/broker/words-en.ts'
import { zh } from '../../web/src/broker/words-zh.ts'
import { openClient } from './acts.ts'
import { violations } from './axe.ts'
import { login, visitOverWire } from './stage.ts'
import { browserSuite } from './suite.ts'

browserSuite('the broker area', (test) => {
  test('a broker that is gone is said, with the age of what is seen; so is its return', async ({
    browser,
    stage,
    after,
  }) => {
    const { page, wire } = await visitOverWire(browser, stage, after)
    await page.getByRole('tab', { name: 'Broker' }).click()
    await login(page)
    await page.locator('.kpis b').first().waitFor()
    await wire.goAway()
    const banner = page.getByRole('alert').filter({
      hasText: /The broker is not responding\. Showing data from \d\d:\d\d:\d\d, \d+ s ago/,
    })
    await banner.waitFor()
    await page.locator('.broker-page.is-stale').waitFor()
    assert.deepEqual(await violations(page, 'a broker that is gone'), [])
    await page.getByRole('link', { name: 'Clients' }).click()
    await page
      .getByRole('alert')
      .filter({
        hasText: /nothing is shown here yet\. It last answered at \d\d:\d\d:\d\d, \d+ s ago/,
      })
      .waitFor()
    assert.doesNotMatch(
      await page.locator('body').innerText(),
      /Failed to fetch|does not come from/,
    )
    await wire.comeBack()
    await page.getByText(en.brokerBack).waitFor()
    assert.equal(await page.locator('.is-stale').count(), 0)
  })

  test('a page that comes from somewhere else says so', async ({ page }) => {
    await page.route('**/api/v1/**', (route) =>
      route.fulfill({ status: 404, contentType: 'text/html', body: '<p>no' }),
    )
    await page.getByRole('tab', { name: 'Broker' }).click()
    await page.getByText(en.noApi).waitFor()
  })

  test('refused connections are a list, and lead to "why?"', async ({ page, stage }) => {
    await assert.rejects(
      connect(`mqtt://127.0.0.1:${stage.broker.port}`, {
        clientId: 'till-9',
        username: 'boss',
        password: 'wrong',
        reconnect: false,
      }),
    )
    await page.getByRole('tab', { name: 'Broker' }).click()
    await login(page)
    const row = page.locator('.refusals tr', { hasText: 'till-9' }).first()
    await row.getByText(/127\.0\.0\.1:\d+/).waitFor()
    await row.getByText('boss', { exact: true }).waitFor()
    await row.getByRole('link', { name: 'till-9' }).click()
    await page.locator('.verdict.is-refused', { hasText: 'The broker refused it' }).waitFor()
  })

  test('deliveries that the rules deny are counted by reason, in words', async ({
    page,
    stage,
  }) => {
    const client = await stage.connect('curious')
    await client.subscribe('#', { onMessage: () => {} })
    const boss = await connect(`mqtt://127.0.0.1:${stage.broker.port}`, {
      username: 'boss',
      password: 'correct horse',
    })
    await boss.publish('secret/plan', 'x', { qos: 1 })
    await boss.end()
    await page.getByRole('tab', { name: 'Broker' }).click()
    await login(page)
    await page.locator('.counts div', { hasText: en.drops.denied }).waitFor()
    await page.getByRole('button', { name: '切换到中文' }).click()
    await page.locator('.counts div', { hasText: zh.drops.denied }).waitFor()
    const words = await page.locator('.counts dt').allInnerTexts()
    assert.deepEqual(
      words.filter((word) => /^[A-Za-z ]+$/.test(word)),
      [],
    )
  })

  test('"why?" on a client names the nearest subscription, in both languages', async ({
    page,
    problems,
    stage,
  }) => {
    const client = await stage.connect('near-miss')
    await client.subscribe('shop/Price', { onMessage: () => {} })
    await page.getByRole('tab', { name: 'Broker' }).click()
    await login(page)
    await page.getByRole('link', { name: 'Clients' }).click()
    await openClient(page, 'near-miss')
    await page.locator('.drawer').getByRole('link', { name: en.why }).click()
    await page.locator('.verdict.is-allowed').waitFor()
    await page.getByLabel('Topic', { exact: true }).fill('shop/price')
    await page.getByRole('button', { name: 'Ask' }).click()
    await page
      .locator('.verdict.is-refused', { hasText: 'only upper and lower case differ' })
      .waitFor()
    await page.locator('.why-chain li.is-bad', { hasText: '"shop/Price"' }).waitFor()
    await page.getByRole('button', { name: '切换到中文' }).click()
    await page.locator('.verdict.is-refused', { hasText: '大小写不同' }).waitFor()
    const answers = await page.locator('.why-chain li').allInnerTexts()
    assert.deepEqual(
      answers.filter((text) => !/\p{Script=Han}/u.test(text)),
      [],
    )
    assert.deepEqual(
      problems.filter((problem) => !/401/.test(problem)),
      [],
    )
  })

  test('the log opens with its last lines', async ({ page, stage }) => {
    const early = await stage.connect('early-for-the-log')
    await early.end()
    await page.getByRole('tab', { name: 'Broker' }).click()
    await login(page)
    await page.getByRole('link', { name: 'Log' }).click()
    const lines = page.locator('.log-line', { hasText: 'early-for-the-log' })
    await lines.first().waitFor()
    const late = await stage.connect('late-for-the-log')
    await page.locator('.log-line', { hasText: 'late-for-the-log' }).first().waitFor()
    await late.end()
    const all = await page.locator('.log-line').allInnerTexts()
    assert.equal(new Set(all).size, all.length, 'no line twice')
  })
})

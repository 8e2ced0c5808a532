/** What an operator looks for: why a topic does not arrive, what waits for a client, since when, who was turned away. */
import assert from 'node:assert/strict'
import { connect } from '../../src/client/node.ts'
import { en as ours } from '../../web/src/broker/words-en.ts'
import { zh as chinese } from '../../web/src/broker/words-zh.ts'
import { openClient, openPart } from './acts.ts'
import { login, OTHER_USER, visit } from './stage.ts'
import { waitMsMax } from '../support/patience.ts'
import { browserSuite } from './suite.ts'

const HOUR_MS = 3_600_000

browserSuite('an operator', (test) => {
  test('"why?" from the palette, for a topic alone; from a receiver, for both', async ({
    page,
    stage,
    t,
  }) => {
    const client = await stage.connect('reads-secrets')
    await client.subscribe('secret/#', { onMessage: () => {} })
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: t.commandPalette }).fill(t.whyTitle)
    await page.keyboard.press('Enter')
    await login(page)
    await page.getByRole('heading', { name: ours.whyTitle }).waitFor()
    await page.getByLabel(t.topic, { exact: true }).fill('Secret/plan')
    await page.getByRole('button', { name: ours.ask }).click()
    await page
      .locator('.verdict.is-refused', { hasText: 'only upper and lower case differ' })
      .waitFor()
    await page.getByRole('link', { name: ours.pages.subscriptions }).click()
    await page.getByLabel(ours.whoReceives).fill('secret/plan')
    await page.getByRole('button', { name: ours.ask }).click()
    await page.getByRole('link', { name: 'reads-secrets' }).click()
    const denies = page.locator('.why-chain li.is-bad', { hasText: 'The access rules deny it' })
    await denies.locator('.evidence', { hasText: /rules:3 "topic deny secret\/#"/ }).waitFor()
  })

  test('a chart of the overview is read at the pointer, and its ticks suit what it measures', async ({
    page,
    stage,
  }) => {
    const client = await stage.connect('talks')
    await page.goto(`${stage.url}#broker/overview`)
    await login(page)
    const card = page.locator('.chart-card', { hasText: ours.charts.bytes })
    await card.locator('canvas').waitFor()
    await card.getByText(/\d KiB/).waitFor({ state: 'detached' })
    assert.equal(await card.locator('time').count(), 0)
    const box = await card.locator('.u-over').boundingBox()
    assert.ok(box !== null)
    // The newest seconds, until one of them is read in which it talked: without a pointer the newest of all is shown.
    const isRead = async () =>
      /KiB/.test(await card.innerText()) && (await card.locator('time').count()) > 0
    const endMs = performance.now() + waitMsMax
    for (let at = 0; !(await isRead()) && performance.now() < endMs; at++) {
      await client.publish('loud', 'x'.repeat(5000), { qos: 1 })
      await page.mouse.move(box.x + box.width - 1 - (at % 20), box.y + 40)
    }
    assert.match(await card.innerText(), /\d KiB/)
    assert.match((await card.locator('time').textContent()) ?? '', /^\d\d:\d\d:\d\d$/)
    await page.mouse.move(0, 0)
    await card.locator('time').waitFor({ state: 'detached' })
  })

  test('a login that is right but no administrator says so', async ({ page, stage, t }) => {
    await page.goto(`${stage.url}#broker/overview`)
    const form = page.locator('.login')
    await form.locator('input').first().fill(OTHER_USER.username)
    await form.getByLabel(t.password).fill(OTHER_USER.password)
    await form.locator('button[type=submit]').click()
    await form.getByRole('alert').getByText(ours.notAdmin(OTHER_USER.username)).waitFor()
    assert.equal(await page.locator('.broker-nav').count(), 0)
  })

  test('what waits for a client that is away is listed, with its size and its time', async ({
    page,
    stage,
  }) => {
    const url = `mqtt://127.0.0.1:${stage.broker.port}`
    const away = await connect(url, { clientId: 'away-7', sessionExpirySeconds: 600 })
    await away.subscribe('for/away', { qos: 1, onMessage: () => {} })
    await away.end()
    const sender = await stage.connect('sender-7')
    await sender.publish('for/away', 'x'.repeat(2048), {
      qos: 1,
      properties: { messageExpirySeconds: 300 },
    })
    await page.goto(`${stage.url}#broker/clients`)
    await login(page)
    await openClient(page, 'away-7')
    const waits = page.locator('.drawer li', { hasText: 'for/away' })
    await waits.filter({ hasText: /QoS 1, 2\.0 KiB, waiting for \d+ s, expires in \d/ }).waitFor()
  })

  test('messages are counted by topic, and by client', async ({ page, stage, t }) => {
    await page.goto(`${stage.url}#broker/subscriptions`)
    await login(page)
    const counts = page.locator('.topic-metrics')
    await counts.getByLabel(ours.topicMetrics.title).first().fill('counted/#')
    await counts.getByRole('button', { name: ours.topicMetrics.start, exact: true }).click()
    const counted = counts.locator('tbody tr', { hasText: 'counted/#' })
    await counted.waitFor()
    const sender = await stage.connect('counted-1')
    const reader = await stage.connect('counted-2')
    let got = 0
    await reader.subscribe('counted/a', { qos: 1, onMessage: () => void got++ })
    for (let at = 0; at < 3; at++) await sender.publish('counted/a', '12345', { qos: 1 })
    await sender.publish('other/a', '12345', { qos: 1 })
    await counted.filter({ hasText: '15 B' }).waitFor()
    assert.equal(await counted.locator('td').nth(1).innerText(), '3')
    await openPart(page, 'clients')
    const facts = async (clientId: string, name: string, value: string) => {
      await page.getByRole('button', { name: new RegExp(clientId) }).click()
      const fact = page.locator('.drawer dl > div', { hasText: name })
      await fact.locator('dd', { hasText: new RegExp(`^${value}$`) }).waitFor()
    }
    await facts('counted-1', ours.facts.publishReceived, '4')
    await facts('counted-2', ours.facts.publishSent, '3')
    assert.equal(got, 3)
    await page.getByRole('button', { name: t.close }).first().click()
  })

  test('"since" goes by the clock of the broker, not of this computer', async ({
    browser,
    stage,
  }) => {
    await stage.connect('just-came')
    const { page, close } = await visit(browser, stage.url)
    try {
      await page.addInitScript((ms) => {
        const { now } = Date
        Date.now = () => now() + ms
      }, 5 * HOUR_MS)
      await page.goto(`${stage.url}#broker/clients`)
      await page.reload()
      await login(page)
      const row = page.locator('tbody tr', { hasText: 'just-came' })
      await row.waitFor()
      assert.match(await row.innerText(), /\d+ (?:s|min)$/)
    } finally {
      await close()
    }
  })

  test('who was refused and what happened to a client stand there in Chinese too', async ({
    page,
    stage,
  }) => {
    const url = `mqtt://127.0.0.1:${stage.broker.port}`
    const wrong = {
      clientId: 'till-3',
      username: 'boss',
      password: 'wrong',
      reconnect: false,
    } as const
    await assert.rejects(connect(url, wrong))
    const gone = await connect(url, {
      clientId: 'gone-3',
      sessionExpirySeconds: 600,
    })
    await gone.end()
    await page.goto(`${stage.url}#broker/overview`)
    await login(page)
    await page.getByRole('button', { name: '切换到中文' }).click()
    await page.locator('.refusals tr', { hasText: 'till-3' }).getByText('未授权').waitFor()
    await page.getByRole('link', { name: chinese.pages.clients, exact: true }).click()
    await openClient(page, 'gone-3')
    await page.locator('.drawer li', { hasText: chinese.eventKinds.connected }).waitFor()
    const left = await page.locator('.drawer li, .drawer dt').allInnerTexts()
    assert.deepEqual(
      left.filter((text) => !/\p{Script=Han}/u.test(text) && text !== 'MQTT'),
      [],
    )
  })
})

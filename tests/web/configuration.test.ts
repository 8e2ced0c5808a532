/** The broker area: configuration, figures of topics and clients, and the palette that leads there. */
import assert from 'node:assert/strict'
import { en } from '../../web/src/broker/words-en.ts'
import { zh } from '../../web/src/broker/words-zh.ts'
import { connectHere } from './acts.ts'
import { login } from './stage.ts'
import { browserSuite } from './suite.ts'

const SYS_OPTIONS = {
  'en-US': 'Seconds between two updates of $SYS; 0: no $SYS.',
  'zh-CN': '两次更新 $SYS 之间的秒数；0：没有 $SYS。',
}

browserSuite('configuration and figures', (test) => {
  for (const locale of ['en-US', 'zh-CN'] as const)
    test(
      `options with their lines, messages by topic, messages of a client (${locale})`,
      async ({ page, problems, stage, t }) => {
        const b = locale === 'zh-CN' ? zh : en
        const peer = await stage.connect(`figures-${locale}`)
        await page.getByRole('tab', { name: t.broker, exact: true }).click()
        const form = page.locator('.login')
        await form.locator('input').first().fill('boss')
        await form.getByLabel(t.password).fill('wrong')
        await form.locator('button[type=submit]').click()
        await form.getByText(b.problem('Wrong user name or password.')).waitFor()
        await login(page, t)
        await page.getByRole('link', { name: b.pages.config }).click()
        const option = page.locator('tbody tr', { hasText: 'sys_interval' })
        await option.filter({ hasText: /mosquitto\.conf:\d+|\.conf:\d+/ }).waitFor()
        const meaning = SYS_OPTIONS[locale]
        await page.locator(`tbody tr[title="${meaning}"]`, { hasText: 'sys_interval' }).waitFor()
        assert.equal(await page.locator('tbody tr', { hasText: 'max_keepalive' }).count(), 0)
        await page.getByLabel(b.config.search).fill('max_keepalive')
        await page.locator('tbody tr', { hasText: b.config.from.default }).waitFor()
        await page.getByLabel(b.config.search).fill('nothing like it')
        await page.getByText(b.config.noHit).waitFor()

        await page.getByRole('link', { name: b.pages.subscriptions }).click()
        const metrics = page.locator('.topic-metrics')
        await metrics.getByLabel(b.topicMetrics.title).first().fill('figures/#')
        await metrics.getByRole('button', { name: b.topicMetrics.start }).click()
        await metrics.locator('tbody tr', { hasText: 'figures/#' }).waitFor()
        for (let at = 0; at < 5; at++) await peer.publish('figures/a', 'x', { qos: 1 })
        await metrics.locator('tbody td:nth-child(2)', { hasText: /^5$/ }).waitFor()
        await metrics.getByRole('button', { name: b.topicMetrics.end('figures/#') }).click()
        await metrics.getByText(b.topicMetrics.none).waitFor()

        await page.getByRole('link', { name: b.pages.clients }).click()
        await page
          .locator('tbody tr', { hasText: `figures-${locale}` })
          .getByRole('button')
          .click()
        await page
          .locator('.drawer dl div', { hasText: b.facts.publishReceived })
          .filter({ hasText: '5' })
          .waitFor()
        for (const href of ['api/v1/docs', 'metrics'])
          await page.locator(`.broker-nav a[href="${href}"]`).waitFor()
        assert.deepEqual(
          problems.filter((problem) => !/401/.test(problem)),
          [],
        )
      },
      { locale },
    )

  test('the palette runs the entry that Enter chose, not the first', async ({ page, t }) => {
    await connectHere(page, t)
    await page.keyboard.press('Control+k')
    const field = page.getByRole('combobox', { name: t.commandPalette })
    await field.fill(t.view)
    const chosen = page.locator('[role=option][aria-selected=true]')
    const options = await page.locator('.palette [role=option]').allInnerTexts()
    assert.ok(options.length >= 5)
    const wanted = options.findIndex((name) => name.includes(t.views.latest))
    assert.ok(wanted > 0)
    for (let at = 0; at < wanted; at++) await page.keyboard.press('ArrowDown')
    await chosen.filter({ hasText: t.views.latest }).waitFor()
    await page.keyboard.press('Enter')
    await page.locator('dialog.palette').waitFor({ state: 'detached' })
    await page.getByRole('tab', { name: t.views.latest, exact: true, selected: true }).waitFor()
    // What is typed after moving chooses anew from the top.
    await page.keyboard.press('Control+k')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await field.fill(t.settings)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: t.settings }).waitFor()
  })
})

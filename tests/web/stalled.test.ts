/** A broker that hangs, or is gone before a part of the page was loaded: nothing looks as if all were well. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after as afterAll } from 'node:test'
import type { Page } from 'playwright-core'
import { en as broker } from '../../web/src/broker/words-en.ts'
import { zh as chinese } from '../../web/src/broker/words-zh.ts'
import { connectHere, connectTo, openPart, publish, subscribe } from './acts.ts'
import { violations } from './axe.ts'
import { login, OTHER_USER, startCuttable, visit, visitOverWire } from './stage.ts'
import { browserSuite } from './suite.ts'

const MINUTE_MS = 60_000

/** Resolves when all parts of the page are there: the last one that is loaded ahead has come. */
const rested = (page: Page) =>
  page.waitForFunction(() =>
    performance.getEntriesByType('resource').some(({ name }) => /broker-area.*js$/.test(name)),
  )

/** Resolves with what the banner says in the moment in which it comes. */
const FIRST_WORDS = `new Promise((resolve) => {
  const seen = new MutationObserver(() => {
    const banner = document.querySelector('.reach-banner.is-gone')
    if (banner === null) return
    seen.disconnect()
    resolve(banner.textContent)
  })
  seen.observe(document.body, { subtree: true, childList: true, characterData: true })
})`

browserSuite('a broker that hangs', (test) => {
  test('is said on the dashboard, and so is that it goes on', async ({ page, stage, t, after }) => {
    after(() => stage.broker.signal('SIGCONT'))
    await page.getByRole('tab', { name: t.broker, exact: true }).click()
    await login(page, t)
    await page.locator('.page-head b').waitFor()
    stage.broker.signal('SIGSTOP')
    const gone = page.locator('.reach-banner.is-gone')
    await gone.getByText(/Showing data from \d\d:\d\d:\d\d/).waitFor()
    await page.locator('.broker-page.is-stale').waitFor()
    stage.broker.signal('SIGCONT')
    await page.locator('.reach-banner.is-back', { hasText: broker.brokerBack }).waitFor()
    await gone.waitFor({ state: 'detached' })
  })

  test('is said on parts too that ask nothing by themselves', async ({ page, stage, t, after }) => {
    after(() => stage.broker.signal('SIGCONT'))
    await page.getByRole('tab', { name: t.broker, exact: true }).click()
    await login(page, t)
    const gone = page.locator('.reach-banner.is-gone')
    const shows: Record<string, string | null> = {
      retained: '.broker-page .empty',
      // Who has asked nothing yet is shown no data, old or new.
      access: null,
      why: null,
      log: '.log-line',
    }
    for (const [part, data] of Object.entries(shows)) {
      await openPart(page, part)
      await page
        .locator(data ?? '.broker-page input')
        .first()
        .waitFor()
      const firstWords = page.evaluate<string>(FIRST_WORDS)
      stage.broker.signal('SIGSTOP')
      const said = await firstWords
      assert.match(said, /, [1-9]\d* s ago/)
      assert.match(said, data === null ? /It last answered at/ : /Showing data from/)
      stage.broker.signal('SIGCONT')
      await gone.waitFor({ state: 'detached' })
    }
  })

  test('is not one that answers everything but one question', async ({ page, t }) => {
    await page.getByRole('tab', { name: t.broker, exact: true }).click()
    await login(page, t)
    await page.locator('.page-head b').waitFor()
    await page.clock.install()
    await page.clock.pauseAt(Date.now() + MINUTE_MS)
    await page.route('**/retained*', () => {})
    const asked = page.waitForRequest('**/retained*')
    await openPart(page, 'retained')
    await asked
    // Asked each three seconds after the last answer: together longer than a broker may be silent.
    for (let count = 0; count < 2; count++) {
      const answer = page.waitForResponse('**/session')
      await page.clock.runFor(3000)
      await answer
    }
    assert.equal(await page.locator('.reach-banner').count(), 0)
  })

  for (const [locale, words, unloaded] of [
    ['en-US', broker, /so nothing is shown here yet\. It last answered at \d\d:\d\d:\d\d/],
    ['zh-CN', chinese, /此处的数据尚未加载。上次应答是 \d\d:\d\d:\d\d/],
  ] as const)
    test(
      `does not make a part that is opened only then look empty, and fills it later (${locale})`,
      async ({ page, stage, t, after }) => {
        after(() => stage.broker.signal('SIGCONT'))
        const peer = await stage.connect('keeps')
        await peer.publish('kept/here', 'x', { qos: 1, retain: true })
        await page.getByRole('tab', { name: t.broker, exact: true }).click()
        await login(page, t)
        await page.locator('.page-head b').waitFor()
        stage.broker.signal('SIGSTOP')
        const gone = page.locator('.reach-banner.is-gone')
        await gone.filter({ hasText: /\d\d:\d\d:\d\d/ }).waitFor()
        assert.doesNotMatch(await gone.innerText(), unloaded)
        for (const part of ['clients', 'log', 'retained']) {
          await openPart(page, part)
          await gone.filter({ hasText: unloaded }).waitFor()
        }
        assert.equal(await page.getByText(words.noRetained).count(), 0)
        stage.broker.signal('SIGCONT')
        await page.locator('tbody tr', { hasText: 'kept/here' }).waitFor()
      },
      { locale },
    )

  test('is said where the dashboard is opened only then', async ({ browser, stage, t, after }) => {
    after(() => stage.broker.signal('SIGCONT'))
    const { page, close } = await visit(browser, stage.url)
    await rested(page)
    stage.broker.signal('SIGSTOP')
    await page.getByRole('tab', { name: t.broker, exact: true }).click()
    await page.locator('.reach-banner.is-gone').waitFor()
    stage.broker.signal('SIGCONT')
    await page.locator('.login').waitFor()
    await close()
  })

  test('confirms nothing, and the client says for how long', async ({ page, stage, t, after }) => {
    after(() => stage.broker.signal('SIGCONT'))
    await connectHere(page, t)
    await page.locator('.publish-dock').getByLabel('QoS').selectOption('1')
    await publish(page, t, 'stalled/a', 'first')
    const foot = page.locator('.publish-foot')
    await foot.getByText(/^ ?Confirmed after/).waitFor()
    stage.broker.signal('SIGSTOP')
    await publish(page, t, 'stalled/a', 'second')
    await foot.getByText(t.notConfirmed).waitFor()
    assert.equal(await foot.getByText(/Confirmed after/).count(), 0)
    const silence = page.locator('.status-bar').getByText(/has not answered for \d+ s/)
    await silence.waitFor()
    assert.deepEqual(await violations(page, 'a broker that hangs'), [])
    stage.broker.signal('SIGCONT')
    await foot.getByText(/^ ?Confirmed after/).waitFor()
    await silence.waitFor({ state: 'detached' })
  })
})

browserSuite('a broker that hangs while nothing is asked of it', (test) => {
  for (const [locale, shown] of [
    ['en-US', 'No answer'],
    ['zh-CN', '没有应答'],
  ] as const)
    test(
      `does not look connected to who looks (${locale})`,
      async ({ page, stage, t, after }) => {
        after(() => stage.broker.signal('SIGCONT'))
        await connectHere(page, t)
        await subscribe(page, t, 'idle/#')
        stage.broker.signal('SIGSTOP')
        const stoppedMs = performance.now()
        const state = page.locator('.status-bar [role=status]')
        await state.filter({ hasText: shown }).waitFor()
        const tookMs = performance.now() - stoppedMs
        // A sixth of what the keep alive takes; seven seconds on a machine that has nothing else to do.
        assert.ok(tookMs < 10_000, `${tookMs} ms`)
        await page.locator('.connection-tab .dot.is-waiting').waitFor()
        await page.locator('.status-bar .problem').waitFor()
        stage.broker.signal('SIGCONT')
        await state.filter({ hasText: t.statuses.online }).waitFor()
        await page.locator('.status-bar .problem').waitFor({ state: 'detached' })
      },
      { locale },
    )
})

browserSuite('a broker whose password changed', (test) => {
  test('asks for the new one above what came before', async ({ page, stage, t, after }) => {
    const proxy = await startCuttable(stage.httpPort)
    after(() => proxy.close())
    await page.goto(proxy.url)
    await connectTo(page, t, {
      [t.username]: OTHER_USER.username,
      [t.password]: OTHER_USER.password,
    })
    await page.getByRole('status').filter({ hasText: t.statuses.online }).waitFor()
    await publish(page, t, 'changed/a', 'before')
    await page.locator('.message-row', { hasText: 'before' }).first().waitFor()
    const setPassword = (password: string) => {
      const args = ['bin/mozzie', 'passwd', '-b', stage.passwords, OTHER_USER.username, password]
      spawnSync(process.execPath, args)
      stage.broker.signal('SIGHUP')
    }
    after(() => setPassword(OTHER_USER.password))
    setPassword('another one')
    const ask = page.locator('.login-strip')
    await ask.getByText(t.loginRefused).waitFor()
    const said = page.locator('.status-bar .problem')
    assert.equal(await said.innerText(), 'Not authorized (0x87)')
    assert.deepEqual(await violations(page, 'a login refused later'), [])
    await page.locator('.message-row', { hasText: 'before' }).first().waitFor()
    await ask.getByLabel(t.password).fill('another one')
    await ask.getByRole('button', { name: t.connect }).click()
    await page.getByRole('status').filter({ hasText: t.statuses.online }).waitFor()
    assert.equal(await ask.count(), 0)
  })
})

const directory = mkdtempSync(join(tmpdir(), 'mozzie-again-'))

browserSuite(
  'a broker that is started again',
  (test) => {
    afterAll(() => rmSync(directory, { recursive: true, force: true }))
    test('knows who was logged in, and the client is back with its subscriptions', async ({
      page,
      stage,
      t,
    }) => {
      await connectHere(page, t)
      await subscribe(page, t, 'again/#')
      await page.getByRole('tab', { name: t.broker, exact: true }).click()
      await login(page, t)
      await page.locator('.page-head b').waitFor()
      await stage.restart()
      await page.locator('.broker-nav a[href$=clients]').click()
      await page.locator('.row-button', { hasText: 'mozzie-' }).waitFor()
      assert.equal(await page.locator('.login').count(), 0)
      await page.getByRole('tab', { name: t.client, exact: true }).click()
      await page.locator('.subscription.is-granted', { hasText: 'again/#' }).waitFor()
      await page.reload()
      await page.getByRole('tab', { name: t.broker, exact: true }).click()
      await page.locator('.broker-nav').waitFor()
    })
  },
  ['persistence true', `persistence_location ${directory}/`],
)

browserSuite('a broker that is gone', (test) => {
  test('leaves the last lines of its log on the screen, and those of its next life come below', async ({
    browser,
    stage,
    t,
    after,
  }) => {
    const { page, wire } = await visitOverWire(browser, stage, after)
    await page.getByRole('tab', { name: t.broker, exact: true }).click()
    await login(page, t)
    const seen = await stage.connect('last-seen')
    await page.locator('.broker-nav a[href$=log]').click()
    const lines = page.locator('.log-line')
    const before = lines.filter({ hasText: 'last-seen' }).first()
    await before.waitFor()
    const count = await lines.count()
    await wire.goAway()
    await page.locator('.reach-banner.is-gone').waitFor()
    await page.getByText(broker.reconnecting).waitFor()
    assert.ok((await lines.count()) >= count)
    await seen.end()
    await stage.connect('first-again')
    await wire.comeBack()
    await lines.filter({ hasText: 'first-again' }).first().waitFor()
    assert.equal(await lines.filter({ hasText: /last-seen.*(?:closed|disconnected)/ }).count(), 1)
    const texts = await lines.filter({ hasText: /last-seen|first-again/ }).allInnerTexts()
    assert.equal(new Set(texts).size, texts.length)
  })

  test('leaves parts that are not loaded yet to be tried again, and what came is still there', async ({
    browser,
    stage,
    t,
    after,
  }) => {
    const { page, wire } = await visitOverWire(browser, stage, after, { isNeverIdle: true })
    await connectHere(page, t)
    await subscribe(page, t, 'gone/#')
    await publish(page, t, 'gone/a', 'still here')
    await page.locator('.message-row', { hasText: 'still here' }).first().waitFor()
    await wire.goAway()
    await page.getByRole('tab', { name: t.views.chart, exact: true }).click()
    await page.getByText(t.partMissing).waitFor()
    assert.deepEqual(await violations(page, 'a missing part'), [])
    await page.getByRole('tab', { name: t.views.table, exact: true }).click()
    await page.locator('.message-row', { hasText: 'still here' }).first().waitFor()
    await page.getByRole('tab', { name: t.broker, exact: true }).click()
    await page.getByText(t.partMissing).waitFor()
    await wire.comeBack()
    await page.locator('.login').waitFor()
  })

  test('is not needed for any part once the page has rested', async ({
    browser,
    stage,
    t,
    after,
  }) => {
    const { page, wire } = await visitOverWire(browser, stage, after)
    await connectHere(page, t)
    await rested(page)
    await wire.goAway()
    for (const view of ['chart', 'pivot', 'table'] as const) {
      await page.getByRole('tab', { name: t.views[view], exact: true }).click()
      await page.getByText(t.loading, { exact: true }).waitFor({ state: 'detached' })
      assert.equal(await page.getByText(t.partMissing).count(), 0)
    }
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: t.commandPalette }).fill(t.transfer)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').getByText(t.exportText).first().waitFor()
  })
})

/** What people do with the page, in a real browser against the real broker. */
import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { readFile } from 'node:fs/promises'
import { en } from '../../web/src/i18n/en.ts'
import { zh } from '../../web/src/i18n/zh.ts'
import { ADMIN, login, visitOverWire } from './stage.ts'
import { browserSuite } from './suite.ts'
import { connectHere, publish, row, subscribe, openClient } from './acts.ts'

browserSuite('the page', (test) => {
  for (const [locale, t] of [
    ['en-US', en],
    ['zh-CN', zh],
  ] as const) {
    test(
      `connects, subscribes, shows and publishes (${locale})`,
      async ({ page, problems, stage }) => {
        assert.equal(
          await page.locator('html').getAttribute('lang'),
          locale === 'zh-CN' ? 'zh-CN' : 'en',
        )
        await connectHere(page, t)
        const peer = await stage.connect(`peer-${locale}`)
        const base = `journey/${locale}`
        await subscribe(page, t, `${base}/#`)
        const properties = {
          contentType: 'application/json',
          responseTopic: `${base}/answer`,
          correlationData: new Uint8Array([1, 2]),
          userProperties: [
            ['shop', 'Köln'],
            ['shop', '上海'],
          ] as [string, string][],
        }
        await peer.publish(`${base}/in`, '{"id":18446744073709551615,"t":127.0}', {
          qos: 1,
          properties,
        })
        await row(page, `${base}/in`).click()
        const detail = page.locator('.detail-pane')
        await detail.getByText('18446744073709551615').waitFor()
        await detail.getByText('127.0', { exact: true }).waitFor()
        for (const text of ['application/json', '0x0102', 'Köln', '上海'])
          await detail.getByText(text, { exact: true }).waitFor()
        // The answer goes to the response topic, with the correlation data.
        const answered = peer.subscribe(`${base}/answer`)[Symbol.asyncIterator]()
        const first = answered.next()
        await peer.subscribe(`${base}/ready`, { onMessage: () => {} })
        await detail.getByRole('button', { name: t.reply }).click()
        await page.locator('[data-payload]').fill('yes')
        await page.locator('[data-payload]').press('Control+Enter')
        const answer = (await first).value
        assert.equal(answer?.text(), 'yes')
        assert.deepEqual(answer?.properties.correlationData, new Uint8Array([1, 2]))
        await page.locator('.publish-foot .is-good').waitFor()
        assert.deepEqual(problems, [])
      },
      { locale },
    )
  }

  test('the first load, up to seeing messages, is at most 260 KB gzipped', async ({
    browser,
    stage,
  }) => {
    const context = await browser.newContext({ locale: 'en-US' })
    const page = await context.newPage()
    // What a page that has nothing to do loads ahead is no part of it.
    await page.addInitScript('requestIdleCallback = () => 0')
    const bodies: Promise<Buffer>[] = []
    context.on('response', (response) => void bodies.push(response.body()))
    await page.goto(stage.url)
    await page.waitForSelector('.welcome')
    await connectHere(page, en)
    await subscribe(page, en, 'load/#')
    const sizes = (await Promise.all(bodies)).map((body) => gzipSync(body).length)
    const total = sizes.reduce((sum, size) => sum + size, 0)
    assert.ok(
      sizes.length >= 4,
      `the page, its script, its style and the worker, not ${sizes.length} files`,
    )
    assert.ok(total <= 260_000, `${total} bytes`)
    await context.close()
  })

  test('nothing from a message is ever markup', async ({ page, problems, stage }) => {
    await connectHere(page, en)
    await subscribe(page, en, '#')
    const peer = await stage.connect('"><img src=x onerror=alert(1)>')
    const evil = '<img src=x onerror=alert(1)><script>alert(2)</script>'
    await peer.publish(`<b>x</b>/${evil.replaceAll('/', '|')}`, evil, {
      retain: true,
      properties: { contentType: evil, userProperties: [[evil, 'javascript:alert(3)']] },
    })
    await peer.publish('json/evil', JSON.stringify({ [evil]: evil }))
    await row(page, '<script>').first().click()
    await page.locator('.detail-pane .payload', { hasText: '<script>' }).waitFor()
    await row(page, 'json/evil').click()
    await page.locator('.detail-pane .tok-key', { hasText: '<img' }).waitFor()
    await page.getByRole('tab', { name: /Topics/ }).click()
    await page.locator('.tree-row', { hasText: '<b>x<' }).waitFor()
    assert.equal(
      await page.locator('img, .message-row script, .detail-pane script, .message-row b b').count(),
      0,
    )
    await page.getByRole('tab', { name: 'Broker' }).click()
    await login(page)
    await page.getByRole('link', { name: 'Clients' }).click()
    await page.getByRole('button', { name: /onerror/ }).click()
    await page.locator('.drawer h2', { hasText: 'onerror' }).waitFor()
    assert.equal(await page.locator('img').count(), 0)
    assert.deepEqual(problems, [])
    await peer.publish(`<b>x</b>/${evil.replaceAll('/', '|')}`, '', { retain: true })
  })

  test('search narrows the list live, pause holds it, going on shows what came', async ({
    page,
    stage,
  }) => {
    await connectHere(page, en)
    await subscribe(page, en, 'find/#')
    const peer = await stage.connect('finder')
    for (const value of [18, 23, 27])
      await peer.publish(`find/room${value}`, JSON.stringify({ value }))
    await row(page, 'find/room27').waitFor()
    await page.getByLabel(en.searchMessages).fill('$.value>20 -room27')
    await row(page, 'find/room27').waitFor({ state: 'detached' })
    assert.equal(await row(page, 'find/').count(), 1)
    await page.getByLabel(en.searchMessages).fill('')
    await row(page, 'find/room27').waitFor()
    await page.getByRole('button', { name: en.pause, exact: true }).click()
    await peer.publish('find/later', '1')
    await page.getByText('Paused, 1 new').click()
    await row(page, 'find/later').waitFor()
  })

  test('retained messages are found by a filter, previewed, and cleared but for those kept', async ({
    page,
    stage,
  }) => {
    await connectHere(page, en)
    const peer = await stage.connect('retainer')
    for (const name of ['a', 'b', 'keep'])
      await peer.publish(`old/${name}`, name, { retain: true, qos: 1 })
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: en.commandPalette }).fill('clear retained')
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(en.topicFilter).fill('old/#')
    await dialog.getByRole('button', { name: en.find }).click()
    await dialog.getByText('3 retained messages found').waitFor()
    await dialog.getByLabel('old/keep').uncheck()
    await dialog.getByRole('button', { name: 'Remove 2' }).click()
    await page.locator('.job-list', { hasText: '2 confirmed' }).waitFor()
    const left: string[] = []
    await peer.subscribe('old/#', {
      qos: 1,
      onMessage: ({ topic, retain }) => void (retain && left.push(topic)),
    })
    await peer.publish('old/fence', '', { qos: 1 })
    assert.deepEqual(left, ['old/keep'])
  })

  test('publishes by the clock, and one message for each row of a CSV', async ({ page, stage }) => {
    await connectHere(page, en)
    const peer = await stage.connect('counter')
    const got: string[] = []
    await peer.subscribe('timed/#', {
      qos: 1,
      onMessage: (message) => void got.push(`${message.topic} ${message.text()}`),
    })
    const dock = page.locator('.publish-dock')
    await dock.getByLabel(en.topic, { exact: true }).fill('timed/{{seq}}')
    await dock.locator('[data-payload]').fill('n={{seq}}')
    await dock.getByLabel('QoS').selectOption('1')
    await page.getByRole('button', { name: en.timed }).click()
    await page.getByLabel('Every (ms)').fill('20')
    await page.getByLabel(en.times).fill('10')
    await page.getByRole('button', { name: en.start }).click()
    await page.locator('.job-list', { hasText: '10 confirmed' }).waitFor()
    assert.deepEqual(
      got,
      Array.from({ length: 10 }, (_, at) => `timed/${at + 1} n=${at + 1}`),
    )
    got.length = 0
    await page.getByRole('button', { name: 'CSV' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(en.topic).fill('timed/tag/{{tag}}')
    await dialog.getByLabel(en.payload).fill('{"price": {{price}}}')
    await dialog
      .getByLabel('CSV', { exact: true })
      .fill('tag,price\n0001,12.90\n0002,3.50\n0003,"7.00"')
    await dialog.getByText('timed/tag/0001').waitFor()
    await dialog.getByRole('button', { name: 'Publish 3 messages' }).click()
    await page
      .locator('.job-list li', { hasText: 'CSV' })
      .filter({ hasText: '3 confirmed' })
      .waitFor()
    assert.deepEqual(got, [
      'timed/tag/0001 {"price": 12.90}',
      'timed/tag/0002 {"price": 3.50}',
      'timed/tag/0003 {"price": 7.00}',
    ])
  })

  test('the topic tree walks by keys, and a chart plots a number of the message', async ({
    page,
    problems,
    stage,
  }) => {
    await connectHere(page, en)
    await subscribe(page, en, 'plant/#')
    const peer = await stage.connect('plant')
    for (let at = 0; at < 20; at++) await peer.publish('plant/hall/temp', JSON.stringify({ v: at }))
    await page.getByRole('tab', { name: /Topics/ }).click()
    const tree = page.getByRole('tree')
    await tree.getByText('plant').click()
    await tree.focus()
    await page.keyboard.press('ArrowRight')
    await tree.getByText('hall').waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowRight')
    await tree.getByText('temp').waitFor()
    await page.keyboard.press('ArrowDown')
    await page.locator('.detail-pane .tok-number', { hasText: '19' }).waitFor()
    await page.getByRole('button', { name: 'Plot $.v' }).click()
    await page.locator('.legend', { hasText: '20 points' }).waitFor()
    await page.locator('.plot canvas').waitFor()
    assert.deepEqual(problems, [])
  })

  test('messages are exported, and a file is looked at again', async ({ page }) => {
    await connectHere(page, en)
    await subscribe(page, en, 'file/#')
    await publish(page, en, 'file/a', 'kept')
    await row(page, 'file/a').first().waitFor()
    await page.getByRole('button', { name: en.transfer }).click()
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: en.export, exact: true }).click(),
    ])
    const path = await file.path()
    const lines = (await readFile(path, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { topic: string; payload: string })
    assert.ok(
      lines.length >= 1 &&
        lines.every(({ topic, payload }) => topic === 'file/a' && payload === 'kept'),
    )
    await page.locator('dialog').getByRole('button', { name: en.close }).click()
    await page.getByRole('button', { name: en.clearMessages }).click()
    await row(page, 'file/a').first().waitFor({ state: 'detached' })
    await page.getByRole('button', { name: en.transfer }).click()
    const chooser = page.waitForEvent('filechooser')
    await page
      .getByRole('button', { name: en.import, exact: true })
      .or(page.locator('.transfer').nth(1).getByRole('button'))
      .first()
      .click()
    await (await chooser).setFiles(path)
    await row(page, 'file/a').first().waitFor()
  })

  test('two connections live at once, and both survive a reload as profiles without their passwords', async ({
    page,
  }) => {
    await connectHere(page, en)
    await page.getByRole('button', { name: en.connections }).click()
    await page.getByRole('button', { name: en.newConnection }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(en.name, { exact: true }).fill('second')
    await dialog.getByLabel(en.username, { exact: true }).fill(ADMIN.username)
    await dialog.getByLabel(en.password, { exact: true }).fill(ADMIN.password)
    await dialog.getByRole('button', { name: en.saveAndConnect }).click()
    await page.locator('.connection-tab .dot.is-online').nth(1).waitFor()
    assert.equal(await page.locator('.connection-tab .dot.is-online').count(), 2)
    const stored = await page.evaluate<string>('JSON.stringify(localStorage)')
    assert.ok(stored.includes('second') && !stored.includes(ADMIN.password))
    await page.reload()
    await page.locator('.connection-list', { hasText: 'second' }).waitFor()
  })

  test(
    'a wrong password is told in words',
    async ({ page }) => {
      await page.locator('.welcome .button').nth(2).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel(zh.username, { exact: true }).fill(ADMIN.username)
      await dialog.getByLabel(zh.password, { exact: true }).fill('wrong')
      await dialog.getByRole('button', { name: zh.saveAndConnect }).click()
      await page
        .getByRole('alert')
        .filter({ hasText: /用户名或密码错误|未授权/ })
        .first()
        .waitFor()
    },
    { locale: 'zh-CN' },
  )

  test('the broker area: login, clients, disconnect, who receives, rights, retained, log, trace', async ({
    page,
    problems,
    stage,
  }) => {
    const peer = await stage.connect('managed-client')
    await peer.subscribe('area/#', { qos: 1, onMessage: () => {} })
    await page.getByRole('tab', { name: 'Broker' }).click()
    await login(page)
    await page.locator('.kpis li', { hasText: 'Clients connected' }).waitFor()
    await page
      .locator('.kpis b', { hasText: /^[1-9]\d*$/ })
      .first()
      .waitFor()
    await page.locator('.chart-plot canvas').first().waitFor()
    await page.getByRole('link', { name: 'Subscriptions' }).click()
    await page.getByLabel('Who receives a topic?').fill('area/x')
    await page.getByRole('button', { name: 'Ask' }).click()
    await page.locator('.ask li', { hasText: 'managed-client' }).waitFor()
    await page.getByRole('link', { name: 'Access' }).click()
    await page.getByLabel('Topic', { exact: true }).fill('secret/plans')
    await page.getByRole('button', { name: 'Test' }).click()
    await page.locator('.verdict.is-refused', { hasText: 'secret/#' }).waitFor()
    await peer.publish('area/old', 'value', { retain: true, qos: 1 })
    await page.getByRole('link', { name: 'Retained' }).click()
    await page.getByLabel('Topic filter').fill('area/#')
    await page.getByRole('button', { name: 'area/old' }).click()
    await page.locator('.drawer', { hasText: 'value' }).waitFor()
    await page.getByRole('button', { name: 'Remove by filter…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Topic filter').fill('area/#')
    await dialog.getByRole('button', { name: 'Find' }).click()
    await dialog.getByText(/^1 message,/).waitFor()
    await dialog.getByLabel('Type area/# to confirm').fill('area/#')
    await dialog.getByRole('button', { name: 'Remove 1' }).click()
    await page.getByText('No retained message.').waitFor()
    await page.getByRole('link', { name: 'Trace' }).click()
    await page.getByLabel('Client ID').fill('managed-client')
    await page.getByRole('button', { name: 'Start a trace' }).click()
    await page.locator('.traces .chip', { hasText: 'running' }).waitFor()
    await peer.publish('area/traced', '1', { qos: 1 })
    await page.locator('.packets', { hasText: 'area/traced' }).waitFor()
    await page.getByRole('link', { name: 'Log' }).click()
    await page.locator('.log-line', { hasText: 'managed-client' }).first().waitFor()
    const late = await stage.connect('late-for-the-log')
    await page.locator('.log-line', { hasText: 'late-for-the-log' }).first().waitFor()
    await late.end()
    await page.getByRole('link', { name: 'Clients' }).click()
    await openClient(page, 'managed-client')
    const gone = new Promise<number>((resolve) =>
      peer.on('disconnect', ({ error }) => resolve(error.reason)),
    )
    await page.locator('.drawer').getByRole('button', { name: 'Disconnect' }).click()
    assert.equal(await gone, 0x98)
    assert.deepEqual(
      problems.filter((problem) => !/40[14]/.test(problem)),
      [],
    )
  })

  test('a lost connection is told, and comes back with its subscriptions', async ({
    browser,
    stage,
    after,
  }) => {
    const { page, wire } = await visitOverWire(browser, stage, after)
    await connectHere(page, en)
    await subscribe(page, en, 'back/#')
    wire.cut()
    await page.getByRole('status').filter({ hasText: en.statuses.waiting }).waitFor()
    await page.getByRole('status').filter({ hasText: en.statuses.online }).waitFor()
    const peer = await stage.connect('after')
    await page.locator('.subscription.is-granted', { hasText: 'back/#' }).waitFor()
    await peer.publish('back/again', '1', { qos: 1 })
    await row(page, 'back/again').waitFor()
  })
})

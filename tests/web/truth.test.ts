/** The client never misleads: what looks sent was taken, what looks empty is empty, nobody's work disappears. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { en } from '../../web/src/i18n/en.ts'
import { connectHere, connectTo, publish, row, subscribe } from './acts.ts'
import { ADMIN } from './stage.ts'
import { browserSuite } from './suite.ts'

browserSuite('the client', (test) => {
  test('a search that cannot match says so; hits are counted and marked', async ({
    page,
    stage,
  }) => {
    await connectHere(page, en)
    await subscribe(page, en, 'hits/#')
    const peer = await stage.connect('hitter')
    for (const id of ['1724442618569203713', '1724442618569203714'])
      await peer.publish(`hits/${id.slice(-2)}`, `{"id":${id},"name":"Kitchen"}`)
    await row(page, 'hits/').nth(1).waitFor()
    const search = page.getByLabel(en.searchMessages)
    for (const query of ['qos:9', '$.temp>>', 'dir:up', '$.a>']) {
      await search.fill(query)
      await page.locator('.search .problem', { hasText: query }).waitFor()
    }
    await search.fill('$.id=1724442618569203714')
    await page.locator('.hits', { hasText: /^1 hit$/ }).waitFor()
    await row(page, 'hits/14').waitFor()
    await search.fill('"name":"Kitchen"')
    await page.locator('.hits', { hasText: /^2 hits$/ }).waitFor()
    await search.fill('kitchen')
    await page
      .locator('.message-table mark', { hasText: /^Kitchen$/ })
      .first()
      .waitFor()
  })

  test('a refused publish does not look sent', async ({ page }) => {
    await connectHere(page, en)
    await page.locator('.publish-dock').getByLabel('QoS').selectOption('1')
    await publish(page, en, 'secret/plan', 'x')
    await page.locator('.publish-foot .problem', { hasText: 'Not authorized' }).waitFor()
    await row(page, 'secret/').locator('.chip', { hasText: en.refusedChip }).waitFor()
    await page.locator('.counters', { hasText: '↑ 0' }).waitFor()
  })

  test('a CSV run looks at every row first, and says what became of each', async ({
    page,
    stage,
  }) => {
    await connectHere(page, en)
    const peer = await stage.connect('csv-reader')
    const got: string[] = []
    await peer.subscribe('run/#', { qos: 1, onMessage: (message) => void got.push(message.text()) })
    await page.locator('.publish-dock').getByLabel('QoS').selectOption('1')
    await page.getByRole('button', { name: 'CSV' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(en.topic).fill('{{where}}')
    await dialog.getByLabel(en.payload).fill('{"name": "{{name}}"}')
    await dialog
      .getByLabel('CSV', { exact: true })
      .fill('where,name\nrun/1,"say ""hi"""\nrun/+,bad\nsecret/2,denied\nrun/3\nrun/4,"C:\\x"')
    await dialog.getByRole('button', { name: 'Publish 5 messages' }).click()
    await dialog.getByText('Row 2: topic name contains a wildcard').waitFor()
    await dialog.getByText('Row 4: 1 cell, but 2 columns').waitFor()
    assert.deepEqual(got, [])
    await dialog.getByRole('button', { name: 'Publish the other 3 rows' }).click()
    const job = page.locator('.job-list li').first()
    await job
      .filter({ hasText: '2 confirmed' })
      .filter({ hasText: '1 failed: Not authorized' })
      .waitFor()
    assert.deepEqual(got, ['{"name": "say \\"hi\\""}', '{"name": "C:\\\\x"}'])
    const results = async () => {
      const download = page.waitForEvent('download')
      await job.getByRole('button', { name: en.jobResults }).click()
      return (await readFile((await (await download).path()) ?? '', 'utf8')).split('\r\n')
    }
    const expected = [
      /^\uFEFFrow,result,reason$/,
      /^1,ok,$/,
      /^2,left out,topic name contains a wildcard$/,
      /^3,failed,Not authorized/,
      /^4,left out,"1 cell, but 2 columns"$/,
      /^5,ok,$/,
      /^$/,
    ]
    const holdsAll = (lines: readonly string[]) => {
      assert.equal(lines.length, expected.length, lines.join('\n'))
      for (const [at, line] of lines.entries()) assert.match(line, expected[at] ?? /^$/)
    }
    holdsAll(await results())
    await job.getByRole('button', { name: en.retryFailed }).click()
    await page
      .locator('.job-list li', { hasText: '1 / 1' })
      .filter({ hasText: '1 failed' })
      .waitFor()
    holdsAll(await results())
  })

  test('a CSV whose payload is JSON in no row says so before anything is sent', async ({
    page,
    stage,
    t,
  }) => {
    await connectHere(page, t)
    const peer = await stage.connect('broken-reader')
    const got: string[] = []
    await peer.subscribe('broken/#', { onMessage: (message) => void got.push(message.text()) })
    await page.locator('.publish-dock').getByLabel('QoS').selectOption('1')
    await page.getByRole('button', { name: 'CSV' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(t.topic).fill('broken/{{tag}}')
    await dialog.getByLabel(t.payload).fill('{"price": {{price}}')
    await dialog.getByLabel('CSV', { exact: true }).fill('tag,price\n1,2.5\n2')
    await dialog.getByRole('button', { name: t.publishRows('2') }).click()
    await dialog.getByText(t.noRowIsJson).waitFor()
    await dialog.getByText('Row 2: 1 cell, but 2 columns').waitFor()
    assert.deepEqual(await dialog.locator('.csv-preview .is-left-out b').allInnerTexts(), [
      'broken/2',
    ])
    assert.deepEqual(got, [])
    await dialog.getByLabel('CSV', { exact: true }).fill('tag,price\n1,2.5')
    await dialog.getByRole('button', { name: t.publishRows('1') }).click()
    await dialog.getByRole('button', { name: t.publishRowsAnyway('1') }).click()
    await page.locator('.job-list li', { hasText: t.jobConfirmed('1') }).waitFor()
    assert.deepEqual(got, ['{"price": 2.5'])
  })

  test('a CSV run at QoS 0 claims no answer of the broker', async ({ page, t }) => {
    await connectHere(page, t)
    await page.locator('.publish-dock').getByLabel('QoS').selectOption('0')
    await page.getByRole('button', { name: 'CSV' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(t.topic).fill('{{where}}')
    await dialog.getByLabel('CSV', { exact: true }).fill('where\nsecret/1\nfree/2')
    await dialog.getByRole('button', { name: 'Publish 2 messages' }).click()
    const job = page.locator('.job-list li', { hasText: t.jobUnanswered('2') })
    await job.waitFor()
    assert.doesNotMatch(await job.innerText(), /\d confirmed/)
    const download = page.waitForEvent('download')
    await job.getByRole('button', { name: t.jobResults }).click()
    const text = await readFile((await (await download).path()) ?? '', 'utf8')
    assert.match(text, /1,sent,\r\n2,sent,\r\n$/)
  })

  test('two tabs never undo each other: connections, subscriptions, saved messages', async ({
    page,
    stage,
  }) => {
    await connectHere(page, en)
    const other = await page.context().newPage()
    await other.goto(stage.url)
    await other.getByRole('button', { name: en.otherBroker }).click()
    const dialog = other.getByRole('dialog')
    await dialog.getByLabel(en.name, { exact: true }).fill('made by the second tab')
    await dialog.getByRole('button', { name: en.save, exact: true }).click()
    await subscribe(page, en, 'tab/one')
    await other.reload()
    await other.getByText('made by the second tab').waitFor()
    await other.locator('.welcome-list button', { hasText: 'This broker' }).first().click()
    await other.getByRole('status').filter({ hasText: en.statuses.online }).waitFor()
    await other.locator('.subscription', { hasText: 'tab/one' }).waitFor()
    for (const [tab, name] of [
      [page, 'first'],
      [other, 'second'],
    ] as const) {
      await tab.locator('.publish-dock').getByLabel(en.topic, { exact: true }).fill(`saved/${name}`)
      await tab.getByRole('button', { name: en.saved }).click()
      await tab.getByLabel(en.saveAs).fill(name)
      await tab.locator('.save-message button').click()
    }
    for (const tab of [page, other])
      for (const name of ['first', 'second'])
        await tab.locator('.saved li', { hasText: `saved/${name}` }).waitFor()
  })

  test('a pasted mqtt:// address says why the browser cannot, and becomes one that it can', async ({
    page,
  }) => {
    await page.getByRole('button', { name: en.otherBroker }).click()
    const dialog = page.getByRole('dialog')
    const host = dialog.getByLabel(en.host, { exact: true })
    await host.fill('mqtt://broker.example:1883')
    await page.getByText(en.pastedMqtt).waitFor()
    assert.equal(await dialog.getByLabel(en.port, { exact: true }).inputValue(), '9001')
    // Another broker may be at that port: whose address stands there is said.
    await host.fill('mqtt://127.0.0.1:1883')
    await page.getByText(en.pastedMqttHere).waitFor()
    assert.equal(await page.getByText(en.pastedMqtt).count(), 0)
    await dialog.getByRole('button', { name: en.saveAndConnect }).click()
    await page.getByRole('status').filter({ hasText: en.statuses.online }).waitFor()
  })

  test('a refused login stops and asks; the right one connects', async ({ page, stage }) => {
    await connectTo(page, en, { [en.username]: ADMIN.username, [en.password]: 'wrong' })
    const ask = page.locator('form.connect-help')
    await ask.getByText(en.loginRefused).waitFor()
    await page.getByRole('status').filter({ hasText: en.statuses.offline }).waitFor()
    await ask.getByLabel(en.password).fill(ADMIN.password)
    await ask.getByRole('button', { name: en.connect }).click()
    await page.getByRole('status').filter({ hasText: en.statuses.online }).waitFor()
    const refused = stage.broker.log().match(/Client \S+ .*not authorised/g) ?? []
    assert.ok(refused.length <= 1, refused.join('\n'))
  })
})

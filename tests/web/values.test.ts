/** The table of values and the chart in a real browser. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { encode as cbor } from 'cborg'
import { connectHere, openFile, row, subscribe } from './acts.ts'
import { browserSuite } from './suite.ts'

browserSuite('values', (test) => {
  test('the latest of each topic as a table: columns, order, condition, file', async ({
    page,
    stage,
    t,
  }) => {
    await connectHere(page, t)
    await subscribe(page, t, 'tags/#')
    const peer = await stage.connect('tagger')
    for (const [tag, battery, rssi] of [
      ['0001', '2.95', -60],
      ['0002', '2.10', -71],
      ['0003', '3.01', -55],
    ] as const)
      await peer.publish(`tags/${tag}`, `{"battery": ${battery}, "radio": {"rssi": ${rssi}}}`)
    await peer.publish('tags/0004', cbor({ battery: 2.5, radio: { rssi: -80 } }))
    await page.getByRole('tab', { name: t.views.pivot }).click()
    const table = page.getByRole('grid', { name: t.views.pivot })
    await table.getByRole('columnheader', { name: 'battery' }).waitFor()
    const cells = () => table.locator('.pivot-row:not(.is-head) .cell:nth-child(3)').allInnerTexts()
    await table.getByText('-80', { exact: true }).waitFor()
    await page.mouse.move(2, 2)
    await table.getByRole('button', { name: /^battery/ }).click()
    const firstIs = async (tag: string) => {
      const first = table.locator('.pivot-row:not(.is-head)').first()
      await first.and(table.locator('.pivot-row', { hasText: tag })).waitFor()
    }
    await firstIs('0002')
    assert.deepEqual(await cells(), ['2.10', '2.5', '2.95', '3.01'])
    await table.getByRole('button', { name: /^battery/ }).click()
    await firstIs('0003')
    await page.getByLabel(t.condition).fill('battery < 2.9')
    await page
      .getByRole('status')
      .filter({ hasText: t.rowsOf('2') })
      .waitFor()
    assert.deepEqual(await cells(), ['2.5', '2.10'])
    // A condition that cannot be is said beside it, not at the search.
    const where = page.getByLabel(t.condition)
    await where.fill('battery <')
    await page.locator('.pivot-tools .problem', { hasText: 'battery<' }).waitFor()
    assert.equal(await where.getAttribute('aria-invalid'), 'true')
    assert.equal(await page.locator('.problem').count(), 1)
    await where.fill('battery < 2.9')
    await page.locator('.pivot-tools .problem').waitFor({ state: 'detached' })
    await page
      .getByRole('status')
      .filter({ hasText: t.rowsOf('2') })
      .waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: t.exportTable }).click()
    const csv = await readFile((await (await download).path()) ?? '', 'utf8')
    assert.match(
      csv,
      /^\uFEFFtopic,last seen,\$\.battery,\$\.radio\.rssi\r\ntags\/0004,[^,]+,2\.5,-80\r\n/,
    )
    await page.getByRole('button', { name: t.removeColumn('$.radio.rssi') }).click()
    await table.getByRole('columnheader', { name: 'rssi' }).waitFor({ state: 'detached' })
    await table.locator('.pivot-row', { hasText: '0002' }).getByRole('button').click()
    await page.locator('.detail-pane .tok-number', { hasText: '2.10' }).waitFor()
  })

  test('a hundred columns are a click, and beside each of them the topic stays in sight', async ({
    page,
    stage,
    t,
  }) => {
    await connectHere(page, t)
    await subscribe(page, t, 'wide/#')
    const peer = await stage.connect('wide')
    const values = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`v${at}`, at / 4]))
    await peer.publish('wide/a', JSON.stringify(values), { qos: 1 })
    await page.getByRole('tab', { name: t.views.pivot }).click()
    const heads = page.locator('.pivot-row.is-head .column')
    await heads.first().waitFor()
    await page.getByRole('button', { name: /^Add the other \d+$/ }).click()
    await heads.nth(99).waitFor()
    assert.equal(await heads.count(), 100)
    const topic = page.locator('.pivot-row .topic', { hasText: 'wide/a' })
    const before = await topic.boundingBox()
    await heads.nth(99).scrollIntoViewIfNeeded()
    await page.locator('.pivot-row .cell', { hasText: /^24\.75$/ }).waitFor()
    assert.equal((await topic.boundingBox())?.x, before?.x)
    await page.getByRole('button', { name: /^Add the other/ }).waitFor({ state: 'detached' })
  })

  test('a chart keeps topics apart, reads values at the pointer and has a second axis', async ({
    page,
    stage,
    t,
  }) => {
    await connectHere(page, t)
    await subscribe(page, t, 'plot/#')
    const peer = await stage.connect('plotter')
    for (let at = 0; at < 20; at++) {
      // A first point with a time of its own, for the pointer to stand on.
      if (at === 1) await page.waitForTimeout(200)
      await peer.publish('plot/a', `{"v": ${at}, "unit": "°C"}`)
      await peer.publish('plot/b', cbor({ v: 1000 + at }))
    }
    await row(page, 'plot/b').last().waitFor()
    await page.getByRole('tab', { name: t.views.chart }).click()
    const form = page.locator('.add-series')
    await form.getByLabel(t.topicFilter).fill('plot/+')
    await form.getByLabel(t.jsonPath).fill('$.v')
    await form.getByRole('button', { name: t.addSeries }).click()
    const legend = page.locator('.chart-view .legend li')
    await legend.filter({ hasText: 'plot/a' }).locator('b', { hasText: '19 °C' }).waitFor()
    await legend.filter({ hasText: 'plot/b' }).locator('b', { hasText: '1019' }).waitFor()
    await page.locator('.u-over').hover({ position: { x: 3, y: 30 } })
    await legend.filter({ hasText: 'plot/a' }).locator('b', { hasText: /^0 °C/ }).waitFor()
    await page.locator('.chart-time').waitFor()
    await legend.filter({ hasText: 'plot/b' }).getByLabel(t.rightAxis).check()
    await page.locator('.u-axis').nth(2).waitFor()
  })

  test('each payload is shown as what it is, in rows too', async ({ page, stage, t }) => {
    await connectHere(page, t)
    await subscribe(page, t, 'as/#')
    const peer = await stage.connect('coder')
    await peer.publish('as/cbor', cbor({ kind: 'cbor', n: 18446744073709551615n }))
    await row(page, 'as/cbor').filter({ hasText: '"n": 18446744073709551615' }).click()
    await page
      .locator('.detail-pane')
      .getByText(`${t.formats.auto} (CBOR)`)
      .waitFor({ state: 'attached' })
  })

  test('the schema of a subscription counts in rows, in the table of values and in charts', async ({
    page,
    stage,
    t,
  }) => {
    await connectHere(page, t)
    await subscribe(page, t, 'proto/#')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: t.commandPalette }).fill(t.schemas)
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    const source = 'syntax = "proto3"; message Price { string tag = 1; uint64 cents = 2; }'
    await openFile(page, 'price.proto', source, () =>
      dialog.getByRole('button', { name: t.loadFile }).click(),
    )
    await dialog.getByText('price.proto').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: `${t.options}: proto/#` }).click()
    const form = page.locator('.subscription').first()
    await form.getByLabel(t.decodeAs).selectOption('protobuf')
    await form.getByLabel(t.schema).selectOption({ label: 'price.proto' })
    const peer = await stage.connect('proto-sender')
    // tag "A7", cents 300.
    await peer.publish('proto/a', Uint8Array.of(0x0a, 2, 0x41, 0x37, 0x10, 0xac, 0x02))
    await row(page, 'proto/a').filter({ hasText: '"cents": 300' }).waitFor()
    await page.getByRole('tab', { name: t.views.pivot }).click()
    await page.locator('.pivot-row', { hasText: 'proto/a' }).filter({ hasText: '300' }).waitFor()
    await page.getByRole('tab', { name: t.views.chart }).click()
    const series = page.locator('.add-series')
    await series.getByLabel(t.topicFilter).fill('proto/+')
    await series.getByLabel(t.jsonPath).fill('$.cents')
    await series.getByRole('button', { name: t.addSeries }).click()
    await page.locator('.chart-view .legend li b', { hasText: '300' }).waitFor()
  })

  for (const [locale, said] of [
    ['en-US', /^schema: illegal token/],
    ['zh-CN', /^模式（Schema）有误/],
  ] as const)
    test(
      `a schema that is wrong says so where it is written (${locale})`,
      async ({ page, t }) => {
        await page.keyboard.press('Control+k')
        await page.getByRole('combobox', { name: t.commandPalette }).fill(t.schemas)
        await page.keyboard.press('Enter')
        const dialog = page.getByRole('dialog')
        await dialog.getByRole('button', { name: t.newSchema }).click()
        await dialog.locator('summary').first().click()
        const problem = dialog.locator('.problem')
        const source = dialog.locator('textarea')
        await source.fill('message Broken {')
        await problem.filter({ hasText: said }).waitFor()
        await source.fill('syntax = "proto3"; message Price { uint64 cents = 1; }')
        await problem.waitFor({ state: 'detached' })
        await dialog.getByLabel(t.messageType).fill('Prise')
        await problem.filter({ hasText: /Prise/ }).waitFor()
        await dialog.getByLabel(t.format).selectOption('avro')
        await problem.filter({ hasText: /JSON/ }).waitFor()
        await source.fill('"long"')
        await problem.waitFor({ state: 'detached' })
      },
      { locale },
    )
})

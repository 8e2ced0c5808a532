/** What one feels in use: nothing is squeezed, cut, or pushed out of sight. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import * as packets from '../support/packets.ts'
import { waitMsMax } from '../support/patience.ts'
import { RawClient } from '../support/raw-client.ts'
import { connectHere, openFile, row, subscribe } from './acts.ts'
import { login } from './stage.ts'
import { browserSuite } from './suite.ts'

/** Of the list of facts: the height that is shown, and the height of all of it. */
const FACTS = `(() => {
  const list = document.querySelector('.drawer dl')
  return [list.clientHeight, list.scrollHeight]
})()`

/** Of what is shown in hex: how many lines its text has, and how many are seen. */
const LINES = `(() => {
  const shown = document.querySelector('pre.is-hex')
  const range = document.createRange()
  range.selectNodeContents(shown)
  const tops = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)))
  return [shown.textContent.trimEnd().split('\\n').length, tops.size]
})()`

/** Of each row of a list: how far its words are from standing on one line, in pixels. */
const SLANTS = `[...document.querySelectorAll('.message-area [role=row]:not(.is-head)')].map((row) => {
  const words = document.createTreeWalker(row, NodeFilter.SHOW_TEXT, (node) =>
    node.data.trim() === '' ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT)
  const middles = []
  while (words.nextNode() !== null) {
    const range = document.createRange()
    range.selectNodeContents(words.currentNode)
    const { top, bottom, height } = range.getBoundingClientRect()
    if (height > 0) middles.push((top + bottom) / 2)
  }
  return Math.max(...middles) - Math.min(...middles)
})`

/** The topics of the rows that are seen whole. */
const ROWS_SEEN = `(() => {
  const list = document.querySelector('.message-table')
  const { top, bottom } = list.getBoundingClientRect()
  const head = list.querySelector('.is-head').offsetHeight
  return [...list.querySelectorAll('.message-row:not(.is-head)')]
    .filter((row) => row.getBoundingClientRect().top >= top + head - 1 && row.getBoundingClientRect().bottom <= bottom)
    .map((row) => row.querySelector('.topic').textContent)
})()`

/** Waits for them to be as they should. */
async function rowsSeen(page: Page, isRight: (rows: string[]) => boolean): Promise<string[]> {
  const deadline = performance.now() + waitMsMax
  for (;;) {
    const rows = await page.evaluate<string[]>(ROWS_SEEN)
    if (isRight(rows)) return rows
    assert.ok(performance.now() < deadline, `seen are ${rows.join()}`)
    await sleep(20)
  }
}

/** Buttons and links without words: those that say nothing on hover, or nothing at all. */
const MUTE = `[...document.querySelectorAll('button, a')]
  .filter((one) => one.textContent.trim() === '' && one.checkVisibility())
  .filter((one) => !one.getAttribute('aria-label') || !(one.title || one.closest('[title]') || one.matches('.swatch')))
  .map((one) => one.outerHTML.slice(0, 120))`

browserSuite('in use', (test) => {
  test('every icon says what it does, on hover too', async ({ page, stage, t }) => {
    await connectHere(page, t)
    await subscribe(page, t, 'icons/#')
    const peer = await stage.connect('icon-sender')
    await peer.publish('icons/a', '{"v": 1}')
    const mute = await page.evaluate<string[]>(MUTE)
    await row(page, 'icons/a').click()
    await page.locator('.detail-pane .tok-number').first().waitFor()
    mute.push(...(await page.evaluate<string[]>(MUTE)))
    for (const view of ['bubbles', 'latest', 'pivot', 'chart'] as const) {
      await page.getByRole('tab', { name: t.views[view], exact: true }).click()
      mute.push(...(await page.evaluate<string[]>(MUTE)))
    }
    await page.getByRole('tab', { name: t.broker, exact: true }).click()
    await login(page, t)
    for (const link of await page.locator('.broker-nav > a').all()) {
      await link.click()
      mute.push(...(await page.evaluate<string[]>(MUTE)))
    }
    assert.deepEqual([...new Set(mute)], [])
  })

  test('the words of a row stand on one line', async ({ page, stage, t }) => {
    await connectHere(page, t)
    await subscribe(page, t, 'line/#')
    const peer = await stage.connect('line-sender')
    for (const name of ['kitchen', 'door'])
      await peer.publish(`line/12/${name}`, '{"temperature": 21.5, "battery": 2.9}')
    await row(page, 'line/').nth(1).waitFor()
    for (const view of ['table', 'latest', 'pivot'] as const) {
      await page.getByRole('tab', { name: t.views[view], exact: true }).click()
      await page.locator('.message-area [role=row]', { hasText: 'kitchen' }).waitFor()
      const slants = await page.evaluate<number[]>(SLANTS)
      assert.ok(slants.length >= 2)
      assert.ok(Math.max(...slants) <= 2, `${view}: ${slants.join(', ')}`)
    }
  })

  test('a window that becomes narrow and wide again shows the reader the same rows', async ({
    page,
    stage,
    t,
  }) => {
    await connectHere(page, t)
    await subscribe(page, t, 'turned/#')
    const peer = await stage.connect('turner')
    for (let at = 100; at < 300; at++) await peer.publish(`turned/${at}`, 'x')
    await row(page, 'turned/299').waitFor()
    await row(page, 'turned/299').hover()
    await page.mouse.wheel(0, -1500)
    await page.locator('.held-note').waitFor()
    const { 0: first } = await rowsSeen(page, (rows) => rows.length > 5)
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 800 })
      await rowsSeen(page, (rows) => rows.length > 5 && rows[0] === first)
    }
  })

  test("a client's facts keep their place, however long the list of its window", async ({
    page,
    stage,
  }) => {
    const client = await RawClient.open(stage.broker.port, 5)
    client.send(packets.connect(5, { clientId: 'slow-reader' }))
    await client.expect('connack')
    client.send(packets.subscribe(1, [{ filter: 'window/#', qos: 1 }]))
    await client.expect('suback')
    const sender = await stage.connect('window-sender')
    for (let at = 0; at < 60; at++) await sender.publish(`window/${at}`, 'x', { qos: 1 })
    await page.setViewportSize({ width: 1280, height: 500 })
    await page.goto(`${stage.url}#broker/clients`)
    await login(page)
    await page.locator('.row-button', { hasText: 'slow-reader' }).click()
    const drawer = page.locator('.drawer')
    await drawer.locator('li', { hasText: 'QoS 1, 1 B' }).first().waitFor()
    const [shown, whole] = await page.evaluate<[number, number]>(FACTS)
    assert.ok(shown >= whole, `${shown} of ${whole} pixels`)
    await drawer.locator('dl div').last().scrollIntoViewIfNeeded()
    await client.end()
  })

  test('"+" stays in sight beside many tabs', async ({ page, t }) => {
    await connectHere(page, t)
    for (let at = 0; at < 12; at++) {
      await page
        .locator('.connection-tab', { hasText: t.thisBroker })
        .locator('button')
        .first()
        .click()
      await page.getByRole('button', { name: t.transfer }).click()
      const text = '{"tst":"2026-01-02T03:04:05Z","topic":"a","qos":0,"retain":0,"payload":"x"}\n'
      await openFile(page, `a-rather-long-name-${at}.jsonl`, text, () =>
        page.getByRole('dialog').getByRole('button', { name: t.import }).click(),
      )
      await page.getByText(`a-rather-long-name-${at}`).first().waitFor()
    }
    for (const width of [1280, 768, 390]) {
      await page.setViewportSize({ width, height: 800 })
      const box = await page.getByRole('button', { name: t.connections, exact: true }).boundingBox()
      assert.ok(box !== null && box.x >= 0 && box.x + box.width <= width, `at ${width} pixels`)
    }
  })

  test('hex is read in lines of sixteen, which never wrap', async ({ page, stage, t }) => {
    await connectHere(page, t)
    await subscribe(page, t, 'hex/#')
    const peer = await stage.connect('hex-sender')
    await peer.publish(
      'hex/a',
      Uint8Array.from({ length: 160 }, (_, at) => (at * 7 + 128) & 0xff),
    )
    await row(page, 'hex/a').click()
    await page.locator('pre.is-hex').waitFor()
    for (const width of [1280, 390, 2560]) {
      await page.setViewportSize({ width, height: 800 })
      const [lines, seen] = await page.evaluate<[number, number]>(LINES)
      assert.ok(lines >= 10, `${lines} lines`)
      assert.equal(seen, lines, `at ${width} pixels`)
    }
  })

  test(
    'a line of hex is seen whole where there is room for it',
    async ({ page, stage, t }) => {
      await connectHere(page, t)
      await subscribe(page, t, 'wide/#')
      const peer = await stage.connect('wide-sender')
      await peer.publish('wide/a', new Uint8Array(40).fill(0xfe))
      await row(page, 'wide/a').click()
      await page.locator('pre.is-hex').waitFor()
      const [room, needed] = await page
        .locator('.payload')
        .evaluate((shown: { clientWidth: number; scrollWidth: number }) => [
          shown.clientWidth,
          shown.scrollWidth,
        ])
      assert.equal(needed, room)
    },
    { width: 1920, height: 1080 },
  )

  test('no line breaks within a date', async ({ page, stage }) => {
    await page.goto(`${stage.url}#broker/why?client=nobody`)
    await login(page)
    const since = page.locator('.is-unbroken', { hasText: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/ })
    await since.waitFor()
    for (let width = 330; width < 430; width += 10) {
      await page.setViewportSize({ width, height: 800 })
      const pieces = await since.evaluate(
        (part: { getClientRects(): ArrayLike<unknown> }) => part.getClientRects().length,
      )
      assert.equal(pieces, 1, `at ${width} pixels`)
    }
  })

  test('the demo says what its numbers measure, in its charts too', async ({ page, t }) => {
    await page.getByRole('button', { name: t.tryDemo }).click()
    await row(page, 'demo/').first().click()
    await page.locator('.detail-pane .tok-number').first().waitFor()
    const plot = page.getByRole('button', { name: t.plot('$.value') })
    await plot.first().click()
    await page
      .locator('.chart-view .legend li b', { hasText: /\d ?(°C|%|lx|V|W|ppm)/ })
      .first()
      .waitFor()
  })
})

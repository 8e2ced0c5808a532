/** No field covers another or cuts its words, and nothing is wider than the screen, from a small phone to a wall, in both languages. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import type { Text } from '../../web/src/i18n/en.ts'
import { connectHere, publish, row, subscribe } from './acts.ts'
import { stumbles } from './reading.ts'
import { login, noChinese } from './stage.ts'
import { browserSuite } from './suite.ts'

/** Pairs of fields, buttons and words beside them that share more than a rim, as far as what is around them lets them be seen. */
const OVERLAPS = `(() => {
  const dialog = document.querySelector('dialog[open]') ?? document
  const clipped = (element) => {
    let { left, top, right, bottom } = element.getBoundingClientRect()
    for (let at = element.parentElement; at !== null; at = at.parentElement) {
      if (getComputedStyle(at).overflow === 'visible') continue
      const box = at.getBoundingClientRect()
      left = Math.max(left, box.left); right = Math.min(right, box.right)
      top = Math.max(top, box.top); bottom = Math.min(bottom, box.bottom)
    }
    return { element, left, top, right, bottom }
  }
  const seen = [...dialog.querySelectorAll('button, input, select, textarea, a, code, dd, .hits, .problem, .plot')]
    .filter((element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
    .filter((element) => element.closest('.visually-hidden, .skip, .connection-tabs') === null)
    .map(clipped)
    .filter(({ left, top, right, bottom }) => right - left > 1 && bottom - top > 1)
  const nameOf = ({ element }) => (element.getAttribute('aria-label') ?? element.textContent).trim().slice(0, 40)
  const found = []
  for (const [at, one] of seen.entries())
    for (const other of seen.slice(at + 1)) {
      if (one.element.contains(other.element) || other.element.contains(one.element)) continue
      const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left)
      const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top)
      if (wide > 3 && high > 3) found.push(nameOf(one) + ' × ' + nameOf(other))
    }
  for (const cell of dialog.querySelectorAll('td'))
    if (cell.getBoundingClientRect().height > 160) found.push('squeezed: ' + cell.textContent.slice(0, 40))
  for (const element of dialog.querySelectorAll('button, input, select, textarea, .chip')) {
    if (element.closest('.visually-hidden, .broker-nav, .table-scroll, .pivot-table, .connection-tabs') !== null) continue
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue
    const { left, right } = element.getBoundingClientRect()
    const seen = clipped(element)
    if (left < seen.left - 1 || right > Math.min(seen.right, innerWidth) + 1) found.push('cut: ' + nameOf({ element }))
  }
  const middle = (element) => { const box = element.getBoundingClientRect(); return (box.top + box.bottom) / 2 }
  for (const check of dialog.querySelectorAll('.grid > .check'))
    for (const field of check.parentElement.querySelectorAll(':scope > .field:has(> input, > select)')) {
      const box = field.getBoundingClientRect()
      const at = middle(check)
      const off = at > box.top && at < box.bottom ? at - middle(field.querySelector('input, select')) : 0
      if (check.checkVisibility() && Math.abs(off) > 4) found.push('not level: ' + nameOf({ element: check }) + ' ' + off)
    }
  const pen = document.createElement('canvas').getContext('2d')
  const shows = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
    element.closest('.visually-hidden, .skip, .connection-tabs, .message-row, .pivot-row, .tree-row, .history-list, .crumbs, td') === null
  // The examples behind "Search:" may go: the help has them.
  for (const input of dialog.querySelectorAll('input[placeholder]:placeholder-shown:not(.search input)')) {
    const { font, paddingLeft, paddingRight } = getComputedStyle(input)
    pen.font = font
    const room = input.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight)
    if (shows(input) && pen.measureText(input.placeholder).width > room + 1) found.push('cut placeholder: ' + input.placeholder)
  }
  for (const label of dialog.querySelectorAll('button, .button, [role=tab], .chip, dt'))
    for (const part of [label, ...label.querySelectorAll('*')])
      if (shows(label) && part.scrollWidth > part.clientWidth + 1 && !/visible|inline$/.test(getComputedStyle(part).overflowX + getComputedStyle(part).display))
        found.push('cut label: ' + nameOf({ element: label }))
  if (document.documentElement.scrollWidth > innerWidth) found.push('wider than the screen')
  return found
})()`

/** Sizes of a screen on which the page has the same panes, from the least on; it is walked through at the first of them. */
const SCREENS = {
  'a phone': [
    { width: 360, height: 740 },
    { width: 390, height: 844 },
    { width: 768, height: 1024 },
  ],
  'a desk': [
    { width: 901, height: 800 },
    { width: 1100, height: 800 },
    { width: 1280, height: 800 },
    { width: 2560, height: 1440 },
  ],
} as const

/** What is drawn again after another width is there two frames later. */
const DRAWN = 'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))'

/** Of all sizes, the first one last. */
async function overlapsOn(
  page: Page,
  sizes: (typeof SCREENS)[keyof typeof SCREENS],
  state: string,
): Promise<string[]> {
  const found: string[] = []
  for (const size of sizes.toReversed()) {
    await page.setViewportSize(size)
    await page.evaluate(DRAWN)
    const pairs = [...(await page.evaluate<string[]>(OVERLAPS)), ...(await stumbles(page))]
    found.push(...pairs.map((pair) => `${size.width} pixels, ${state}: ${pair}`))
  }
  return found
}

/** On a phone: the pane of that place. */
async function pane(page: Page, place: number): Promise<void> {
  const bar = page.locator('.pane-bar button').nth(place)
  if (await bar.isVisible()) await bar.click()
}

async function openByPalette(page: Page, t: Text, words: string): Promise<void> {
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: t.commandPalette }).fill(words)
  await page.keyboard.press('Enter')
  await page.locator('dialog[open]:not(.palette)').waitFor()
}

const ANNOUNCED = JSON.stringify({
  name: 'Battery of the tag beside the door',
  unique_id: 'tag-4711-battery',
  state_topic: 'wide/a/rather/long/topic/1',
  device: { identifiers: ['tag-4711'], name: 'Tag 4711', manufacturer: 'Shop' },
})

/** What is loaded when it is first looked at is not there at once. */
const VIEWS = {
  bubbles: '.bubble',
  latest: '.latest-table .message-row:not(.is-head)',
  pivot: '.pivot-row .column',
  chart: '.chart-view',
  table: '.message-table',
} as const

browserSuite('widths', (test) => {
  for (const [screen, sizes] of Object.entries(SCREENS))
    for (const locale of ['en-US', 'zh-CN'] as const)
      test(
        `${screen}, ${locale}`,
        async ({ page, stage, t }) => {
          const found: string[] = []
          const look = async (state: string): Promise<void> =>
            void found.push(...(await overlapsOn(page, sizes, state)))
          await look('welcome')
          await connectHere(page, t)
          await pane(page, 0)
          await page.getByRole('button', { name: t.subscribeOptions }).click()
          await subscribe(page, t, 'wide/#')
          await look('subscriptions')
          const peer = await stage.connect(`wide-${sizes[0].width}-${locale}`)
          for (let at = 0; at < 20; at++)
            await peer.publish(`wide/a/rather/long/topic/${at}`, `{"battery": ${at}, "tag": "x"}`)
          await pane(page, 1)
          for (const view of ['bubbles', 'latest', 'pivot', 'chart', 'table'] as const) {
            await page.getByRole('tab', { name: t.views[view], exact: true }).click()
            await page.locator(VIEWS[view]).first().waitFor()
            await look(view)
          }
          await page.getByRole('tab', { name: t.views.chart, exact: true }).click()
          await page.locator('.add-series').getByLabel(t.topicFilter).fill('wide/#')
          await page.locator('.add-series input').last().fill('$.battery')
          await page.keyboard.press('Enter')
          await page.locator('.chart-view .is-warning', { hasText: t.topicsLeft('8') }).waitFor()
          await look('chart of many topics')
          await page.getByRole('tab', { name: t.views.table, exact: true }).click()
          await row(page, 'topic/19').click()
          await page.locator('.detail-pane .tok-number').first().waitFor()
          await look('detail')
          await pane(page, 3)
          await page.locator('.publish-tools .tool').first().click()
          await look('publish')
          await page.locator('.publish-dock').getByLabel('QoS').selectOption('1')
          await publish(page, t, 'secret/plan', 'x')
          await page.locator('.publish-dock .problem').waitFor()
          await pane(page, 1)
          await page.locator('.message-row .chip.is-bad').waitFor()
          await look('refused')
          const dialogs = [t.settings, t.newConnection, t.csvTitle, t.transfer, t.keyboardHelp]
          for (const words of dialogs) {
            await openByPalette(page, t, words)
            await look(words)
            const folded = await page.locator('dialog[open] summary').all()
            for (const summary of folded) await summary.click()
            if (words === t.newConnection) await page.getByLabel(t.willOn).check()
            if (folded.length > 0) await look(`${words}, unfolded`)
            await page.keyboard.press('Escape')
          }
          await peer.publish('homeassistant/sensor/wide/battery/config', ANNOUNCED, {
            retain: true,
          })
          await pane(page, 1)
          await page.getByRole('searchbox').first().fill('nobody says this')
          await page.locator('.hits').waitFor()
          await look('no hit')
          await page.getByRole('searchbox').first().fill('qos:9')
          await page.locator('.search .problem').waitFor()
          await look('impossible search')
          await page.getByRole('tab', { name: t.broker, exact: true }).click()
          await page.locator('.login').waitFor()
          await look('login')
          await login(page, t)
          for (const link of await page.locator('.broker-nav > a').all()) {
            await link.click()
            await look((await link.textContent()) ?? '')
          }
          assert.deepEqual(found, [])
        },
        { ...sizes[0], locale },
        locale === 'zh-CN' && noChinese,
      )
})

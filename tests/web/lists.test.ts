/** Lists, files and large payloads in a real browser. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { leastOf, processMsMax } from '../support/patience.ts'
import { connectHere, openFile, row, subscribe } from './acts.ts'
import { watchMainThread } from './main-thread.ts'
import { browserSuite } from './suite.ts'

/** The rows on screen: what each holds, and where it is. */
const ROWS = `[...document.querySelectorAll('.message-table [data-seq]')].map((row) => {
  const { top } = row.getBoundingClientRect()
  return { seq: row.dataset.seq, top: Math.round(top) }
})`

interface SeenRow {
  seq: string
  top: number
}

/** The row that is first fully below the table's head. */
async function readerRow(page: Page): Promise<SeenRow> {
  const head = await page.locator('.message-table .is-head').boundingBox()
  const edge = (head?.y ?? 0) + (head?.height ?? 0)
  const rows = await page.evaluate<SeenRow[]>(ROWS)
  const found = rows.find(({ top }) => top >= edge - 1)
  assert.ok(found, 'rows on screen')
  return found
}

function msOf(work: () => unknown): number {
  const startMs = performance.now()
  work()
  return performance.now() - startMs
}

/** Resolves when two pictures in a row are the same. */
async function settled(page: Page): Promise<void> {
  let before = ''
  for (;;) {
    await page.waitForTimeout(150)
    const now = JSON.stringify(await page.evaluate(ROWS))
    if (now === before) return
    before = now
  }
}

browserSuite('lists', (test) => {
  test('a row stays under the reader while others come and subscriptions change', async ({
    page,
    stage,
    t,
  }) => {
    await connectHere(page, t)
    await subscribe(page, t, 'list/a')
    await subscribe(page, t, 'list/b')
    const peer = await stage.connect('lister')
    const fill = async () => {
      for (let at = 0; at < 100; at++)
        await peer.publish(`list/${at % 2 === 0 ? 'a' : 'b'}`, String(at))
    }
    await fill()
    await page.locator('.counters [data-received="100"]').waitFor()
    const list = page.locator('.message-table')
    await list.hover()
    await page.mouse.wheel(0, -600)
    await page.locator('.held-note').waitFor()
    await settled(page)
    const before = await readerRow(page)
    await fill()
    await page.locator('.held-note', { hasText: '100 new' }).waitFor()
    assert.deepEqual(await readerRow(page), before)
    const isA = (await row(page, 'list/a').first().getAttribute('data-seq')) !== null
    assert.ok(isA)
    const other = Number(before.seq) % 2 === 0 ? 'list/b' : 'list/a'
    await page.getByRole('button', { name: `${t.hideMessages}: ${other}` }).click()
    await page.locator('.held-note', { hasText: '50 new' }).waitFor()
    await settled(page)
    assert.deepEqual(await readerRow(page), before)
    await page.locator('.message-table [data-seq]').nth(3).click()
    await page.mouse.wheel(0, 2000)
    await settled(page)
    await page.mouse.wheel(0, -1500)
    await settled(page)
    const blank = await page.evaluate<number>(
      `[...document.querySelectorAll('.message-table [role=presentation] > [role=presentation] > :not([data-seq])')].length`,
    )
    assert.equal(blank, 0)
  })

  test('a file of messages is a tab of its own, outside of live counts', async ({ page, t }) => {
    await connectHere(page, t)
    await subscribe(page, t, 'live/#')
    const line =
      '{"tst":"2026-01-31T13:05:09.123456+0000","topic":"file/a","qos":1,"retain":0,"payloadlen":35,"payload":{"id":18446744073709551615,"t":1.0}}'
    const rounded =
      '{"tst":"2026-01-31T13:05:10.123456Z+0000","topic":"file/b","qos":0,"retain":0,"payloadlen":20,"payload":{"id":1.8446744073709552e+19}}'
    await page.getByRole('button', { name: t.transfer }).click()
    await openFile(page, 'field.jsonl', `${line}\n${rounded}\n`, () =>
      page.getByRole('dialog').getByRole('button', { name: t.import }).click(),
    )
    await page.locator('.notice', { hasText: t.alteredPayloads(1) }).waitFor()
    const bar = page.locator('.status-bar.is-file', { hasText: 'field.jsonl' })
    await bar.locator('.problem', { hasText: t.alteredPayloads(1) }).waitFor()
    await row(page, 'file/a').click()
    await page.locator('.detail-pane').getByText('18446744073709551615').waitFor()
    assert.equal(await page.locator('.publish-dock').count(), 0)
    await page
      .locator('.connection-tab', { hasText: t.thisBroker })
      .getByRole('button')
      .first()
      .click()
    await page.locator('.counters [data-received="0"]').waitFor()
    assert.equal(await row(page, 'file/a').count(), 0)
    await page
      .locator('.connection-tab', { hasText: 'field.jsonl' })
      .getByRole('button')
      .last()
      .click()
    assert.equal(await page.locator('.connection-tab').count(), 1)
  })

  test('of a file that is cut off, what can be read is opened, and each line that cannot is named', async ({
    page,
    t,
  }) => {
    await connectHere(page, t)
    const open = async (name: string, text: string) => {
      await page.getByRole('button', { name: t.transfer }).click()
      const dialog = page.getByRole('dialog')
      await openFile(page, name, text, () => dialog.getByRole('button', { name: t.import }).click())
    }
    await open(
      'cut.jsonl',
      '{"topic":"cut/a"}\n{"topic":"cut/b","qos":7}\n{"topic":"cut/c"}\n{"topic":"cut',
    )
    const bar = page.locator('.status-bar.is-file')
    await bar.locator('.unread summary', { hasText: t.unreadLines(2) }).click()
    assert.deepEqual(await bar.locator('.unread li').allTextContents(), [
      'line 2: qos is 7',
      'line 4: cut off',
    ])
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 800 })
      const summary = await bar.locator('.unread summary').boundingBox()
      const list = await bar.locator('.unread ul').boundingBox()
      assert.ok(summary !== null && list !== null)
      assert.ok(Math.abs(list.x - summary.x) < 2, `${list.x}, below ${summary.x}`)
      assert.ok(list.x + list.width <= width, `reaches ${list.x + list.width} of ${width}`)
    }
    await page.setViewportSize({ width: 1280, height: 800 })
    assert.equal(await row(page, 'cut/').count(), 2)
    const tabs = await page.locator('.connection-tab').count()
    await page
      .locator('.connection-tab', { hasText: t.thisBroker })
      .getByRole('button')
      .first()
      .click()
    await open('photo.jsonl', 'GIF89a\n')
    await page.locator('.notice.is-problem', { hasText: 'photo.jsonl: line 1: no JSON' }).waitFor()
    assert.equal(await page.locator('.connection-tab').count(), tabs)
  })

  test('a payload of 20 MB costs the page little: its beginning is shown, the rest when asked for', async ({
    page,
    stage,
    t,
  }) => {
    await connectHere(page, t)
    await subscribe(page, t, 'big/#')
    const peer = await stage.connect('big')
    const thread = await watchMainThread(page)
    let firstId = 0
    const tries: string[] = []
    // Of a second a tenth was measured on this thread; the reading of the first part, beside it, takes as long again.
    const used = await leastOf(1, async () => {
      firstId += 1_000_000
      const topic = `big/${firstId}`
      const items = Array.from({ length: 200_000 }, (_, at) => ({
        id: firstId + at,
        text: 'x'.repeat(80),
      }))
      const text = JSON.stringify(items)
      const parsedMs = msOf(() => JSON.parse(text))
      const startMs = await thread.cpuMs()
      const startMiB = await thread.heapMiB()
      await peer.publish(topic, text, { qos: 1 })
      await row(page, topic).waitFor({ timeout: processMsMax })
      const clickedMs = performance.now()
      await row(page, topic).click()
      await page
        .locator('.detail-pane .tok-number', { hasText: String(firstId) })
        .first()
        .waitFor({ timeout: processMsMax })
      const openedMs = performance.now() - clickedMs
      const cpuMs = (await thread.cpuMs()) - startMs
      await page.locator('.part-note').waitFor()
      const moreMiB = (await thread.heapMiB()) - startMiB
      tries.push(
        `${cpuMs} ms of CPU, ${openedMs} ms until it was open (${parsedMs} to parse it), ${moreMiB} MiB`,
      )
      // By the clock all is slower on a machine with other work, and so is the parser of JSON.
      return Math.max(cpuMs / 400, openedMs / Math.max(1000, parsedMs * 5), moreMiB / 20)
    })
    assert.ok(used <= 1, tries.join('\n'))
    // What is shown is a part of it, and so is what stands in the document.
    assert.ok((await page.locator('.detail-pane .code-line').count()) <= 500)
    await page.getByRole('button', { name: t.showWhole }).click()
    await page.locator('.part-note').waitFor({ state: 'detached', timeout: processMsMax })
  })

  test('members of a shared subscription count what came by it, not what its filter matches', async ({
    page,
    stage,
    t,
  }) => {
    await connectHere(page, t)
    await subscribe(page, t, '$share/pool/turn/#')
    await subscribe(page, t, 'turn/seen')
    const [other, peer] = await Promise.all([stage.connect('member'), stage.connect('turner')])
    let taken = 0
    await other.subscribe('$share/pool/turn/#', { onMessage: () => void taken++ })
    for (let at = 0; at < 20; at++) await peer.publish('turn/seen', String(at), { qos: 1 })
    const count = (filter: string) =>
      page.locator('.subscription', { hasText: filter }).locator('.count')
    await count('turn/seen').filter({ hasText: /^20/ }).waitFor()
    await count('$share/pool/turn/#')
      .filter({ hasText: new RegExp(`^${20 - taken}(?!\\d)`) })
      .waitFor()
    assert.ok(taken > 0 && taken < 20)
    await row(page, 'turn/seen').first().click()
    await page.locator('.detail-pane .facts').waitFor()
    assert.equal(
      await page.locator('.detail-pane').getByText(t.properties.subscriptionIds).count(),
      0,
    )
  })
})

/** What makes a day with the client easier: options at the first subscribe, order, sharing, comparing, searching. */
import assert from 'node:assert/strict'
import { test as unit } from 'node:test'
import { filtersOverlap } from '../../web/src/model/overlap.ts'
import { emptyProfile, emptySubscription } from '../../web/src/model/profile.ts'
import { shareHash, sharedProfile } from '../../web/src/publish/share.ts'
import { moved } from '../../web/src/ui/drag-order.ts'
import { timeLabels } from '../../web/src/ui/format.ts'
import { connectHere, row, subscribe } from './acts.ts'
import { login } from './stage.ts'
import { browserSuite } from './suite.ts'

unit('filters overlap when a topic exists that both match', () => {
  for (const [a, b, overlap] of [
    ['a/+', 'a/b', true],
    ['a/#', 'a', true],
    ['#', 'x/y', true],
    ['#', '$SYS/#', false],
    ['a/+', '+/b', true],
    ['a/b', 'a/c', false],
    ['a/+', 'a/b/c', false],
    ['$share/g/a/#', 'a/b', true],
  ] as const) {
    assert.equal(filtersOverlap(a, b), overlap, `${a} ${b}`)
    assert.equal(filtersOverlap(b, a), overlap, `${b} ${a}`)
  }
})

unit('a shared address has everything but the password', () => {
  const profile = {
    ...emptyProfile({ scheme: 'wss', host: 'broker.example', port: 8084, path: '/mqtt' }),
    name: 'Köln 上海',
    username: 'ann',
    password: 'secret',
    version: 4 as const,
    subscriptions: [emptySubscription('a/+/c', 0), emptySubscription('#', 1)],
  }
  const hash = shareHash(profile)
  assert.doesNotMatch(hash, /secret/)
  const back = sharedProfile(hash)
  assert.deepEqual(
    [back?.scheme, back?.host, back?.port, back?.path, back?.name, back?.username, back?.version],
    ['wss', 'broker.example', 8084, '/mqtt', 'Köln 上海', 'ann', 4],
  )
  assert.deepEqual(
    back?.subscriptions.map(({ filter }) => filter),
    ['a/+/c', '#'],
  )
  assert.equal(sharedProfile('#client?url=nothing'), null)
})

unit('an item moves to where another is, or by one', () => {
  const list = ['a', 'b', 'c'].map((id) => ({ id }))
  const ids = (items: readonly { id: string }[]) => items.map(({ id }) => id).join('')
  assert.equal(ids(moved(list, 'a', { to: 'c' })), 'bca')
  assert.equal(ids(moved(list, 'c', { by: -1 })), 'acb')
  assert.equal(ids(moved(list, 'a', { by: -1 })), 'abc')
})

unit(
  'a time on an axis is as fine as the distance between ticks, also where there is only one',
  () => {
    const at = new Date(2026, 0, 2, 3, 4, 5, 678).getTime() / 1000
    const labels = (step: number) => timeLabels(null, [at], 0, 0, step)
    assert.deepEqual([300, 30, 0.1].map(labels), [['03:04'], ['03:04:05'], ['05.678']])
  },
)

browserSuite('comfort', (test) => {
  test('options at the first subscribe, a hint on overlap, another order', async ({
    page,
    stage,
    t,
  }) => {
    const peer = await stage.connect('retainer')
    await peer.publish('first/a', 'kept', { retain: true, qos: 1 })
    await connectHere(page, t)
    await page.getByRole('button', { name: t.subscribeOptions }).click()
    const form = page.locator('.add-subscription')
    await form.getByLabel(t.retainHandling).selectOption('2')
    await form.getByLabel(t.noLocal).check()
    await subscribe(page, t, 'first/#')
    await form.getByLabel(t.topicFilter).fill('first/+')
    await form.getByText(t.filterOverlaps('first/#')).waitFor()
    await page.getByRole('button', { name: t.subscribeOptions }).click()
    await subscribe(page, t, 'second/#')
    const names = () => page.locator('.subscription .name').allInnerTexts()
    await page.locator('.subscription-name', { hasText: 'second/#' }).press('Alt+ArrowUp')
    await page.locator('.subscription').first().filter({ hasText: 'second/#' }).waitFor()
    assert.deepEqual(await names(), ['second/#', 'first/#'])
    await page.locator('.subscription').first().dragTo(page.locator('.subscription').last())
    await page.locator('.subscription').first().filter({ hasText: 'first/#' }).waitFor()
    // Neither its own message came, nor the retained one: the next is somebody else's.
    await page.locator('.publish-dock').getByLabel(t.topic, { exact: true }).fill('first/b')
    await page.locator('[data-payload]').press('Control+Enter')
    await peer.publish('first/c', 'from another')
    await row(page, 'first/c').waitFor()
    assert.equal(await page.locator('.message-row.is-in').count(), 1)
  })

  test('a shared address fills the form of a new connection', async ({ page, stage, t }) => {
    const hash = shareHash({
      ...emptyProfile({ scheme: 'ws', host: '127.0.0.1', port: stage.httpPort, path: '/mqtt' }),
      name: 'from a friend',
    })
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
    const dialog = page.getByRole('dialog', { name: t.newConnection })
    assert.equal(await dialog.getByLabel(t.name, { exact: true }).inputValue(), 'from a friend')
    await dialog.getByRole('button', { name: t.saveAndConnect }).click()
    await page.getByRole('status').filter({ hasText: t.statuses.online }).waitFor()
  })

  test('any two messages are compared, and a payload is searched and folded', async ({
    page,
    stage,
    t,
  }) => {
    await connectHere(page, t)
    await subscribe(page, t, 'pair/#')
    const peer = await stage.connect('pair')
    const json = (n: number) =>
      JSON.stringify({ n, deep: { same: true, list: [1, 2, { needle: 'here' }], more: 1 }, end: 0 })
    await peer.publish('pair/a', json(1))
    await peer.publish('pair/b', json(2))
    await row(page, 'pair/a').click()
    await page.getByRole('button', { name: t.compareFrom }).click()
    await row(page, 'pair/b').click()
    await page.getByRole('tab', { name: t.diff }).click()
    const detail = page.locator('.detail-pane')
    await detail.locator('.diff-removed', { hasText: '"n": 1' }).waitFor()
    await detail.locator('.diff-added', { hasText: '"n": 2' }).waitFor()
    await page.getByRole('button', { name: t.compareWithPrevious }).click()
    await detail.getByText(t.noPrevious).waitFor()
    await page.getByRole('tab', { name: t.payload, exact: true }).click()
    const lines = () => detail.locator('.code-line').count()
    const before = await lines()
    await detail.getByRole('button', { name: t.fold, exact: true }).nth(1).click()
    assert.ok((await lines()) < before)
    await detail.getByRole('button', { name: t.unfold, exact: true }).click()
    await detail.getByLabel(t.searchPayload).fill('needle')
    await detail.locator('mark', { hasText: 'needle' }).waitFor()
    assert.deepEqual(
      (await detail.locator('.code-line').allInnerTexts()).map((text) => text.trim()),
      ['{', '"deep": {', '"list": [', '{', '"needle": "here"'],
    )
  })

  test('the overview has a day, what there is, who is slow, and the ways to API and metrics', async ({
    page,
    stage,
  }) => {
    const slow = await stage.connect('slow-one')
    await slow.subscribe('slow/#', { qos: 1, onMessage: () => new Promise(() => {}) })
    const peer = await stage.connect('fast')
    for (let at = 0; at < 30; at++) await peer.publish('slow/a', 'x'.repeat(1000), { qos: 1 })
    await page.getByRole('tab', { name: 'Broker' }).click()
    await login(page)
    await page.getByRole('tab', { name: '24 h' }).click()
    await page.locator('.counts dt', { hasText: 'Connected clients' }).waitFor()
    await page.locator('.counts a', { hasText: 'slow-one' }).waitFor()
    for (const [name, part] of [
      ['API', 'api/v1/docs'],
      ['/metrics', 'metrics'],
    ] as const)
      assert.equal(
        await page.locator('.broker-nav').getByRole('link', { name }).getAttribute('href'),
        part,
      )
    assert.equal(
      (await fetch(`${stage.url}metrics`)).headers.get('www-authenticate') === null,
      true,
    )
  })
})

/** Two tabs of the page in one browser, at work at the very same moment: what either of them saves stays. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Locator, Page } from 'playwright-core'
import type { Text } from '../../web/src/i18n/en.ts'
import { merge } from '../../web/src/model/merge.ts'
import { SharedValue } from '../../web/src/state/shared-value.ts'
import { connectHere, publish, row, subscribe } from './acts.ts'
import { browserSuite, type At } from './suite.ts'

const KEY = 'list'

interface Write {
  readonly by: Tab
  readonly text: string
}

/**
 * localStorage as Chromium has it: a process writes into its own copy and tells the browser, which tells all processes in
 * the order it was told itself. Until its own write has come back, a process leaves its copy alone. The page is told of a
 * write later than its copy has it.
 */
class Tab {
  readonly said: Write[] = []
  readonly heard: Write[] = []
  private copy: string | null = null
  private underWay = 0
  isTold = true
  readonly value = new SharedValue<readonly number[]>({
    storage: {
      getItem: (key) => (key === KEY ? this.copy : null),
      setItem: (_, text) => {
        this.copy = text
        this.underWay++
        this.said.push({ by: this, text })
      },
    },
    key: KEY,
    oldKey: 'before',
    empty: [],
    nowMs: () => 0,
    onFailure: assert.fail,
  })

  hear(): void {
    const write = this.heard.shift()
    if (write === undefined) return
    if (write.by === this) {
      this.underWay--
      return
    }
    if (this.underWay === 0) this.copy = write.text
    this.isTold = false
  }

  tell(): void {
    if (this.isTold) return
    this.isTold = true
    this.value.seen()
  }
}

const steps = fc.array(
  fc.record({ tab: fc.nat(2), act: fc.constantFrom('add', 'say', 'hear', 'hear', 'tell') }),
  { maxLength: 60, size: 'max' },
)

test('whatever several tabs change at once, all of it is there in each of them, in the order of each', () => {
  fc.assert(
    fc.property(steps, (script) => {
      const tabs = [new Tab(), new Tab(), new Tab()]
      const say = (tab: Tab) => {
        const write = tab.said.shift()
        if (write !== undefined) for (const other of tabs) other.heard.push(write)
      }
      const addedBy: Tab[] = []
      for (const step of script) {
        const tab = tabs[step.tab]
        if (step.act === 'say') say(tab)
        else if (step.act === 'hear') tab.hear()
        else if (step.act === 'tell') tab.tell()
        else {
          const one = addedBy.push(tab)
          tab.value.change((list) => [...list, one])
        }
      }
      const isBusy = () =>
        tabs.some(({ said, heard, isTold }) => said.length + heard.length > 0 || !isTold)
      for (let round = 0; isBusy(); round++) {
        assert.ok(round < 1000, 'the tabs come to no rest')
        for (const tab of tabs) {
          say(tab)
          tab.hear()
          tab.tell()
        }
      }
      const lists = tabs.map(({ value }) => value.read())
      const wanted = addedBy.map((_, at) => at + 1)
      for (const list of lists) {
        assert.deepEqual(list, lists[0])
        assert.deepEqual(
          list.toSorted((a, b) => a - b),
          wanted,
        )
        for (const tab of tabs) {
          const own = list.filter((one) => addedBy[one - 1] === tab)
          assert.deepEqual(
            own,
            own.toSorted((a, b) => a - b),
          )
        }
      }
    }),
    { numRuns: 1000 },
  )
})

test('what was saved by a version before is read', () => {
  const storage = { getItem: (key: string) => (key === 'before' ? '[7]' : null), setItem() {} }
  const value = new SharedValue<readonly number[]>({
    storage,
    key: KEY,
    oldKey: 'before',
    empty: [],
    nowMs: () => 0,
    onFailure: assert.fail,
  })
  assert.deepEqual(value.read(), [7])
})

const FIELDS = ['name', 'port', 'will.topic', 'will.qos', 'pairs'] as const
type Field = (typeof FIELDS)[number]
const blank = { name: '', port: 1, will: { topic: '', qos: 0 }, pairs: [] as string[] }
const changed = (value: typeof blank, field: Field, by: number): typeof blank => ({
  ...value,
  ...(field === 'name' && { name: `n${by}` }),
  ...(field === 'port' && { port: by }),
  ...(field === 'will.topic' && { will: { ...value.will, topic: `t${by}` } }),
  ...(field === 'will.qos' && { will: { ...value.will, qos: by } }),
  ...(field === 'pairs' && { pairs: [`p${by}`] }),
})

test('of what two tabs change of one connection only fields that both changed are replaced, and named', () => {
  const some = fc.subarray([...FIELDS])
  fc.assert(
    fc.property(some, some, (mine, theirs) => {
      const change = (value: typeof blank, fields: readonly Field[], by: number) =>
        fields.reduce((before, field) => changed(before, field, by), value)
      const stored = change(blank, theirs, 7)
      const { value, clashes } = merge(blank, change(blank, mine, 9), stored)
      assert.deepEqual(value, change(stored, mine, 9))
      assert.deepEqual(
        clashes.toSorted(),
        mine.filter((field) => theirs.includes(field)).toSorted(),
      )
    }),
  )
})

const ROUNDS = 50

/** Saves the message in the dock under many names; tabs that are told so together do it at the same milliseconds. */
const saveMany = (name: string) => `(async () => {
  const input = document.querySelector('.save-message input')
  const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')
  for (let round = 0; round < ${ROUNDS}; round++) {
    set.call(input, ${JSON.stringify(name)} + round)
    input.dispatchEvent(new Event('input', { bubbles: true }))
    await new Promise((resolve) => setTimeout(resolve))
    while (Date.now() % 50 !== 0);
    input.form.requestSubmit()
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
})()`

/** Chooses one of these again and again, where they can be chosen; tabs that are told so together do it at the same milliseconds. */
const chooseMany = (values: readonly string[]) => `(async () => {
  const select = document.querySelector('.subscription-form select:has([value="${values[0]}"])')
  const { set } = Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, 'value')
  for (let round = 0; round < ${ROUNDS}; round++) {
    await new Promise((resolve) => setTimeout(resolve))
    while (Date.now() % 50 !== 0);
    set.call(select, ${JSON.stringify(values)}[round % ${values.length}])
    select.dispatchEvent(new Event('change', { bubbles: true }))
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
})()`

browserSuite('two tabs that save at the same moment', (define) => {
  define('lose nothing of each other', async ({ page, stage, t }) => {
    const other = await page.context().newPage()
    await other.goto(stage.url)
    for (const tab of [page, other]) {
      await connectHere(tab, t)
      await tab.locator('.publish-dock').getByLabel(t.topic, { exact: true }).fill('saved/x')
      await tab.getByRole('button', { name: t.saved }).click()
    }
    await Promise.all([page.evaluate(saveMany('one-')), other.evaluate(saveMany('other-'))])
    for (const tab of [page, other]) {
      const saved = tab.locator('.saved li')
      await saved.nth(2 * ROUNDS - 1).waitFor()
      assert.equal(await saved.count(), 2 * ROUNDS)
    }
  })

  define('keep what each has changed of one connection', async ({ page, stage, t }) => {
    await connectHere(page, t)
    const other = await page.context().newPage()
    await other.goto(stage.url)
    await connectHere(other, t)
    const form = async (tab: Page) => {
      await tab.getByRole('button', { name: t.editConnection }).click()
      return tab.getByRole('dialog')
    }
    const [one, two] = [await form(page), await form(other)]
    await one.getByLabel(t.name, { exact: true }).fill('named by one tab')
    await two.getByLabel(t.folder, { exact: true }).fill('put away by the other')
    for (const dialog of [one, two])
      await dialog.getByRole('button', { name: t.save, exact: true }).click()
    for (const tab of [page, other]) {
      const dialog = await form(tab)
      assert.equal(
        await dialog.getByLabel(t.name, { exact: true }).inputValue(),
        'named by one tab',
      )
      const folder = await dialog.getByLabel(t.folder, { exact: true }).inputValue()
      assert.equal(folder, 'put away by the other')
    }
  })
})

browserSuite('two tabs that edit the same', (define) => {
  /** The same connection, with a subscription, in two tabs. */
  const openTwice = async ({ page, stage, t }: At): Promise<[Page, Page]> => {
    await connectHere(page, t)
    await subscribe(page, t, 'shop/+/price')
    const other = await page.context().newPage()
    await other.goto(stage.url)
    await connectHere(other, t)
    await other.locator('.subscription', { hasText: 'shop/+/price' }).waitFor()
    return [page, other]
  }
  const openForm = async (tab: Page, t: Text) => {
    await tab.getByRole('button', { name: t.editConnection }).click()
    return tab.getByRole('dialog')
  }
  const openRow = async (tab: Page, t: Text) => {
    await tab.getByRole('button', { name: `${t.options}: shop/+/price` }).click()
    return tab.locator('.subscription-form')
  }

  define(
    'see in an open form what the other has saved, and which field both changed',
    async (at) => {
      const { t } = at
      const [one, two] = await openTwice(at)
      const [mine, theirs] = [await openForm(one, t), await openForm(two, t)]
      const name = (dialog: Locator) => dialog.getByLabel(t.name, { exact: true })
      await name(mine).fill('by one')
      await name(theirs).fill('by the other')
      await theirs.getByLabel(t.folder, { exact: true }).fill('put away')
      await theirs.getByRole('button', { name: t.save, exact: true }).click()
      await mine
        .getByRole('alert')
        .filter({ hasText: t.otherTabChanged(t.name) })
        .waitFor()
      assert.equal(await name(mine).inputValue(), 'by one')
      assert.equal(await mine.getByLabel(t.folder, { exact: true }).inputValue(), 'put away')
      await mine.getByRole('button', { name: t.save, exact: true }).click()
      const again = await openForm(two, t)
      await again.getByText(t.otherTabChanged(t.name)).waitFor({ state: 'detached' })
      assert.equal(await name(again).inputValue(), 'by one')
    },
  )

  define('are one client: whose place the other took is told so', async (at) => {
    const [one] = await openTwice(at)
    await one.locator('.status-bar [role=alert]', { hasText: at.t.takenOver }).waitFor()
  })

  define('are one client of MQTT 3.1.1 too, and do not take its place by turns', async (at) => {
    const { page, stage, t } = at
    await page.getByRole('button', { name: t.otherBroker }).click()
    const form = page.getByRole('dialog')
    await form.getByLabel(t.name, { exact: true }).fill('old version')
    await form.getByLabel(t.version).selectOption('4')
    await form.getByRole('button', { name: t.saveAndConnect }).click()
    const online = { hasText: t.statuses.online }
    await page.getByRole('status').filter(online).waitFor()
    const other = await page.context().newPage()
    await other.goto(stage.url)
    const item = other.locator('.welcome-list li', { hasText: 'old version' })
    await item.getByRole('button').first().click()
    await other.getByRole('status').filter(online).waitFor()
    await page.locator('.status-bar [role=alert]', { hasText: t.takenOver }).waitFor()
    await page.locator('.status-bar.is-offline').waitFor()
  })

  define('keep a place that the broker did not give to the other', async ({ page, stage, t }) => {
    const other = await page.context().newPage()
    await other.goto(stage.url)
    // Two that connect at once hear of each other, the one that came last too.
    await other.evaluate(`void (globalThis.said = new Promise((resolve) => {
      globalThis.channel = new BroadcastChannel('mozzie-clients')
      channel.addEventListener('message', ({ data }) => resolve(data))
    }))`)
    await connectHere(page, t)
    await other.evaluate(`said.then((data) => channel.postMessage(data))`)
    await subscribe(page, t, 'still/#')
    await publish(page, t, 'still/here', 'x')
    await row(page, 'still/here').first().waitFor()
    await page.getByRole('status').filter({ hasText: t.statuses.online }).waitFor()
    assert.equal(await page.locator('.status-bar [role=alert]').count(), 0)
  })

  define('keep what each has changed of the will', async (at) => {
    const { t } = at
    const [one, two] = await openTwice(at)
    const forms = [await openForm(one, t), await openForm(two, t)] as const
    const wills = forms.map((form) => form.locator('details', { hasText: t.will }))
    for (const will of wills) {
      await will.locator('summary').click()
      await will.getByLabel(t.willOn).check()
    }
    await wills[0]?.getByLabel(t.topic, { exact: true }).fill('wills/one')
    await wills[1]?.getByLabel('QoS', { exact: true }).selectOption('2')
    for (const form of forms) await form.getByRole('button', { name: t.save, exact: true }).click()
    for (const tab of [one, two]) {
      const will = (await openForm(tab, t)).locator('details', { hasText: t.will })
      await will.locator('summary').click()
      assert.equal(await will.getByLabel(t.topic, { exact: true }).inputValue(), 'wills/one')
      assert.equal(await will.getByLabel('QoS', { exact: true }).inputValue(), '2')
    }
  })

  define('save a connection that the other has removed meanwhile', async ({ page, stage, t }) => {
    await page.getByRole('button', { name: t.otherBroker }).click()
    const made = page.getByRole('dialog')
    await made.getByLabel(t.name, { exact: true }).fill('kept after all')
    await made.getByRole('button', { name: t.save, exact: true }).click()
    const other = await page.context().newPage()
    await other.goto(stage.url)
    const item = other.locator('.welcome-list li', { hasText: 'kept after all' })
    await item.getByRole('button', { name: t.edit }).click()
    const form = other.getByRole('dialog')
    await form.getByLabel(t.folder, { exact: true }).fill('put away')
    const here = page.locator('.welcome-list li', { hasText: 'kept after all' })
    await here.getByRole('button', { name: t.remove }).click()
    await page.getByRole('dialog').getByRole('button', { name: t.remove }).click()
    await item.waitFor({ state: 'detached' })
    await form.getByRole('button', { name: t.save, exact: true }).click()
    await item.waitFor()
  })

  define('keep both fields of a subscription that they change at the same moment', async (at) => {
    const { t } = at
    const tabs = await openTwice(at)
    const forms = await Promise.all(tabs.map((tab) => openRow(tab, t)))
    const [qos, format] = ['QoS', t.decodeAs]
    const field = (form: Locator, name: string) => form.getByLabel(name, { exact: true })
    await Promise.all([
      tabs[0].evaluate(chooseMany(['1', '2'])),
      tabs[1].evaluate(chooseMany(['hex', 'json'])),
    ])
    for (const form of forms) {
      await field(form, qos).and(form.locator('select:has(option[value="2"]:checked)')).waitFor()
      await field(form, format)
        .and(form.locator('select:has(option[value="json"]:checked)'))
        .waitFor()
    }
  })

  define('show the other its topic filter, and say when one has replaced it', async (at) => {
    const { t } = at
    const [one, two] = await openTwice(at)
    const [mine, theirs] = await Promise.all([openRow(one, t), openRow(two, t)])
    const field = (form: Locator) => form.getByLabel(t.topicFilter, { exact: true })
    await field(mine).focus()
    await field(theirs).fill('shop/1/price')
    await field(theirs).blur()
    await one.locator('.subscription', { hasText: 'shop/1/price' }).waitFor()
    assert.equal(await field(mine).inputValue(), 'shop/1/price')
    await field(mine).blur()
    await two.locator('.subscription', { hasText: 'shop/1/price' }).waitFor()
    await field(mine).fill('shop/2/price')
    await field(theirs).fill('shop/3/price')
    await field(theirs).blur()
    await one.locator('.subscription-name', { hasText: 'shop/3/price' }).waitFor()
    assert.equal(await field(mine).inputValue(), 'shop/2/price')
    await field(mine).blur()
    await one.getByText(t.otherTabReplaced(t.topicFilter, 'shop/3/price')).waitFor()
  })
})

browserSuite('a browser that forbids storage', (define) => {
  define('leaves the page working', async ({ page, problems, t }) => {
    await page.addInitScript(`for (const name of ['localStorage', 'sessionStorage'])
      Object.defineProperty(window, name, { get() { throw new DOMException('denied', 'SecurityError') } })`)
    await page.reload()
    await connectHere(page, t)
    await page.locator('.subscriptions, .side-pane').first().waitFor()
    assert.deepEqual(problems, [])
  })
})

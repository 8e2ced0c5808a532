/** What the page finds in the browser's storage: written by another version of it, by another page of the host, or by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { emptyDraft } from '../../web/src/model/message.ts'
import { emptyProfile, emptySubscription } from '../../web/src/model/profile.ts'
import { defaultSettings } from '../../web/src/model/settings.ts'
import { storedProfiles, storedSettings } from '../../web/src/model/stored.ts'
import { connectHere } from './acts.ts'
import { browserSuite } from './suite.ts'

const here = { scheme: 'ws', host: 'broker.example', port: 80, path: '/mqtt' } as const
const blank = emptyProfile(here)

/** Holds `value` against `base`: every member that the page relies on is there, and of its type. */
function assertLike(value: unknown, base: object): void {
  assert.ok(typeof value === 'object' && value !== null)
  for (const [name, known] of Object.entries(base) as [string, unknown][]) {
    const given: unknown = (value as Record<string, unknown>)[name]
    if (known === null) continue
    assert.equal(typeof given, typeof known, name)
    assert.equal(Array.isArray(given), Array.isArray(known), name)
    if (typeof known === 'object' && !Array.isArray(known)) assertLike(given, known)
    if (name !== 'userProperties') continue
    for (const pair of given as unknown[])
      assert.ok(Array.isArray(pair) && pair.every((text) => typeof text === 'string'))
  }
}

/** Objects with the names of `base`, each with anything below it. */
const strange = (base: object): fc.Arbitrary<unknown> =>
  fc.record(
    Object.fromEntries(
      Object.entries(base).map(([name, known]) => {
        const inner = typeof known === 'object' && known !== null && !Array.isArray(known)
        const anything = fc.oneof(fc.jsonValue(), fc.constant(null))
        return [name, inner ? fc.oneof(anything, strange(known as object)) : anything]
      }),
    ),
    { requiredKeys: [] },
  )

test('whatever is stored, connections have all that the page relies on', () => {
  const subscription = fc.oneof(fc.jsonValue(), strange(emptySubscription('', 0)))
  const profile = fc
    .tuple(strange(blank), fc.option(fc.array(subscription, { maxLength: 3 })))
    .map(([value, subscriptions]) => ({
      ...(value as object),
      ...(subscriptions && { subscriptions }),
    }))
  const stored = fc.oneof(fc.jsonValue(), fc.array(fc.oneof(profile, fc.jsonValue())))
  fc.assert(
    fc.property(stored, (value) => {
      for (const each of storedProfiles(value, here)) {
        assertLike(each, blank)
        for (const one of each.subscriptions) assertLike(one, emptySubscription('', 0))
      }
    }),
  )
})

test('whatever is stored, settings have all that the page relies on', () => {
  const message = fc.oneof(fc.jsonValue(), strange({ id: '', draft: emptyDraft() }))
  const lists = fc.record({ saved: fc.array(message), history: fc.array(strange(emptyDraft())) })
  const stored = fc.oneof(fc.jsonValue(), strange(defaultSettings()), lists)
  fc.assert(
    fc.property(stored, (value) => {
      const settings = storedSettings(value)
      assertLike(settings, defaultSettings())
      for (const { draft } of settings.saved) assertLike(draft, emptyDraft())
      for (const draft of settings.history) assertLike(draft, emptyDraft())
    }),
  )
})

test('what is as it must be stays as it was stored, with what only a newer version knows', () => {
  const subscriptions = [{ ...emptySubscription('a/#', 3), qos: 2 as const, newer: 1 }]
  const will = { ...blank.will, userProperties: [['a', 'b']] as [string, string][] }
  const profile = { ...blank, version: 4 as const, will, subscriptions, newer: { a: 1 } }
  assert.deepEqual(storedProfiles([profile], here), [profile])
  const settings = { ...defaultSettings(), language: 'zh' as const, keepMiB: 128, newer: [1] }
  assert.deepEqual(storedSettings(settings), settings)
})

const CONNECTIONS = 'mozzie.tabs.connections'
const SETTINGS = 'mozzie.tabs.settings'
const shared = (value: unknown) => JSON.stringify({ changes: [], value })
const withMembers = (members: object) => shared([{ ...blank, name: 'old one', ...members }])

const contents: Record<string, Record<string, string>> = {
  'a text in place of connections': { [CONNECTIONS]: shared('none') },
  'connections of long ago that are no list': { 'mozzie.connections': '{"a":1}' },
  'a connection without a host': { [CONNECTIONS]: withMembers({ host: null }) },
  'a connection without a will or subscriptions': {
    [CONNECTIONS]: withMembers({ will: null, subscriptions: [null], userProperties: 5 }),
  },
  'a language that there is not': { [SETTINGS]: shared({ language: 'xx' }) },
  'more memory than there is': { [SETTINGS]: shared({ keepMiB: 1e9 }) },
  'open connections that are no list': {
    [SETTINGS]: shared({ reopenTabs: true }),
    'mozzie.open': '{"ids":5}',
  },
}

browserSuite('a browser whose storage holds', (define) => {
  for (const [name, items] of Object.entries(contents))
    define(`${name} shows the page, which connects`, async ({ page, problems, t }) => {
      await page.evaluate(`for (const [key, value] of Object.entries(${JSON.stringify(items)}))
        localStorage.setItem(key, value)`)
      await page.reload()
      await page.locator('.welcome').waitFor()
      const old = page.locator('.welcome-list li', { hasText: 'old one' })
      if (items[CONNECTIONS]?.includes('old one')) {
        await old.getByRole('button', { name: t.edit }).click()
        await page.getByRole('dialog').getByLabel(t.host, { exact: true }).waitFor()
        await page.keyboard.press('Escape')
      }
      await connectHere(page, t)
      assert.deepEqual(problems, [])
    })
})

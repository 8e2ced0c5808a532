/** States of the broker area where there is something to see: on the busy stage. */
import { en as english } from '../../web/src/broker/words-en.ts'
import { zh as chinese } from '../../web/src/broker/words-zh.ts'
import { zh } from '../../web/src/i18n/zh.ts'
import { openPart } from './acts.ts'
import { login, OTHER_USER } from './stage.ts'
import type { Tour } from './tour.ts'

const wordsOf = ({ t }: Tour) => (t === zh ? chinese : english)

async function settled({ page, t }: Tour): Promise<void> {
  await page.getByText(t.loading, { exact: true }).waitFor({ state: 'detached' })
}

/** Clients, subscriptions, what is kept, and what is asked about them. */
async function clients(tour: Tour): Promise<void> {
  const { page, t, see } = tour
  const b = wordsOf(tour)
  const open = async (name: string) => {
    await page.locator('tbody .row-button', { hasText: name }).click()
    await page.locator('.drawer dl').waitFor()
  }
  await openPart(page, 'clients')
  await open('till-away')
  await page.locator('.drawer li', { hasText: 'shop/12/price' }).first().waitFor()
  await see('busy-client-away')
  await page.locator('.drawer').getByRole('button', { name: b.forgetClient }).click()
  await page.locator('dialog[open]').waitFor()
  await see('busy-client-confirm')
  await page.keyboard.press('Escape')
  await page.locator('.drawer').getByRole('button', { name: t.close }).click()
  await page.getByRole('searchbox').fill('nobody')
  await page.getByText(b.noClients).waitFor()
  await see('busy-clients-no-hit')
  await openPart(page, 'subscriptions')
  const counts = page.locator('.topic-metrics')
  await counts.getByLabel(b.topicMetrics.title).first().fill('shop/#')
  await counts.getByRole('button', { name: b.topicMetrics.start, exact: true }).click()
  await counts.locator('tbody tr').waitFor()
  await page.getByLabel(b.whoReceives).fill('shop/12/price/4711')
  await page.getByRole('button', { name: b.ask, exact: true }).first().click()
  await page.locator('.ask li', { hasText: 'till-away' }).waitFor()
  await see('busy-subscriptions')
  await openPart(page, 'retained')
  await page.locator('tbody tr').first().waitFor()
  await see('busy-retained')
  await page.getByRole('button', { name: b.purge }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel(t.topicFilter).fill('shop/12/price/#')
  await dialog.getByRole('button', { name: t.find }).click()
  await dialog.getByLabel(b.purgeTyped('shop/12/price/#')).waitFor()
  await see('busy-purge')
  await page.keyboard.press('Escape')
  await openPart(page, 'why')
  await page.getByLabel(b.columns.clientId, { exact: true }).fill('till-away')
  await page.getByLabel(t.topic, { exact: true }).fill('shop/12/price/4711')
  await page.getByRole('button', { name: b.ask, exact: true }).first().click()
  await page.locator('.verdict').waitFor()
  await see('busy-why')
}

/** Users, groups, roles, rights, bans and who changed them. */
async function users(tour: Tour): Promise<void> {
  const { page, t, see } = tour
  const { users: u, bans } = wordsOf(tour)
  await openPart(page, 'users')
  await page.locator('tr', { hasText: 'till-7' }).waitFor()
  await see('busy-users')
  await page.locator('tr', { hasText: 'visitor' }).getByRole('button', { name: u.disable }).click()
  await page.locator('td.is-warning', { hasText: u.disabled }).waitFor()
  for (const part of ['groups', 'roles'] as const) {
    await page.getByRole('tab', { name: u.parts[part] }).click()
    await page.locator('tr', { hasText: 'till' }).first().waitFor()
    await see(`busy-${part}`)
  }
  await page.getByRole('tab', { name: u.parts.rights }).click()
  await page.getByLabel(t.topic, { exact: true }).fill('shop/1')
  await page.locator('form button[type=submit]').click()
  await page.locator('tr', { hasText: 'till-7' }).waitFor()
  await see('busy-rights')
  await page.getByRole('tab', { name: u.parts.bans }).click()
  await page.getByText(bans.none).waitFor()
  await see('busy-no-bans')
  const form = page.getByRole('form', { name: bans.newBan })
  await form.getByLabel(bans.columns.clientId).fill('loud-gateway')
  await form.getByLabel(bans.columns.reason).fill('publishes 10,000 messages a second')
  await form.getByRole('button', { name: bans.ban }).click()
  await page.locator('tr', { hasText: 'loud-gateway' }).waitFor()
  await see('busy-bans')
  await page.getByRole('tab', { name: u.parts.audit }).click()
  await page.locator('tr', { hasText: 'disableClient' }).waitFor()
  await see('busy-audit')
}

/** The log, a trace and the options. */
async function records(tour: Tour): Promise<void> {
  const { page, t, shop, see } = tour
  const b = wordsOf(tour)
  await openPart(page, 'log')
  await page.getByLabel(b.searchLog).fill('nobody wrote this')
  await page.getByText(b.noLogLine).waitFor()
  await see('busy-log-no-hit')
  await openPart(page, 'trace')
  await page.getByLabel(t.topicFilter).fill('shop/#')
  await page.getByRole('button', { name: b.startTrace }).click()
  await page.locator('.traces .chip').waitFor()
  await see('busy-trace-begins')
  await shop.publish('shop/12/traced', '{"price": 3.49}', { qos: 1 })
  await page.locator('.packets tr').first().waitFor()
  await see('busy-trace')
  await openPart(page, 'config')
  await page.getByLabel(b.config.all).check()
  await page.getByText('max_queued_messages', { exact: true }).waitFor()
  await see('busy-config-all')
  await page.getByLabel(b.config.search).fill('nothing like this')
  await page.getByText(b.config.noHit).waitFor()
  await see('busy-config-no-hit')
}

/** The broker area of a busy broker, and those who may not see it. */
export async function operate(tour: Tour): Promise<void> {
  const { page, t, see } = tour
  await page.getByRole('tab', { name: t.broker, exact: true }).click()
  const form = page.locator('.login')
  await form.locator('input').first().fill(OTHER_USER.username)
  await form.getByLabel(t.password).fill(OTHER_USER.password)
  await form.locator('button[type=submit]').click()
  await form.getByRole('alert').waitFor()
  await see('login-no-admin')
  await login(page, t)
  await page.locator('.refusals tbody tr').first().waitFor()
  for (const part of ['overview', 'clients', 'discovery', 'listeners', 'bridges']) {
    await openPart(page, part)
    await settled(tour)
    await see(`busy-${part}`)
  }
  await page.locator('.table-scroll').waitFor()
  await clients(tour)
  await users(tour)
  await records(tour)
  await page.route('**/api/v1/**', (route) =>
    route.fulfill({ status: 404, contentType: 'text/html', body: '<p>no' }),
  )
  await page.reload()
  await page.getByText(wordsOf(tour).noApi).waitFor()
  await see('not-a-broker-page')
}

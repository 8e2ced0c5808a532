/** What people do in the client, for tests. */
import type { Locator, Page } from 'playwright-core'
import type { Text } from '../../web/src/i18n/en.ts'

export async function connectHere(page: Page, t: Text): Promise<void> {
  await page.locator('.welcome .button.is-primary').click()
  await page.getByRole('status').filter({ hasText: t.statuses.online }).waitFor()
}

/** Opens a connection by its form; an address as the host fills the fields that it has. */
export async function connectTo(
  page: Page,
  t: Text,
  fields: Readonly<Record<string, string>>,
): Promise<void> {
  await page.getByRole('button', { name: t.otherBroker }).click()
  const dialog = page.getByRole('dialog')
  for (const [label, value] of Object.entries(fields))
    await dialog.getByLabel(label, { exact: true }).fill(value)
  await dialog.getByRole('button', { name: t.saveAndConnect }).click()
}

export async function subscribe(page: Page, t: Text, filter: string): Promise<void> {
  await page.getByLabel(t.topicFilter, { exact: true }).first().fill(filter)
  await page.locator('.add-subscription button[type=submit]').click()
  await page.locator('.subscription.is-granted', { hasText: filter }).waitFor()
}

export async function publish(page: Page, t: Text, topic: string, payload: string): Promise<void> {
  const dock = page.locator('.publish-dock')
  await dock.getByLabel(t.topic, { exact: true }).fill(topic)
  await dock.locator('[data-payload]').fill(payload)
  await dock.locator('[data-payload]').press('Control+Enter')
}

export const row = (page: Page, text: string) =>
  page.locator('.message-table .message-row', { hasText: text })

/** Opens a part of the broker area by its name in the address, and waits until it is the one that is shown. */
export async function openPart(page: Page, name: string): Promise<void> {
  const link = page.locator(`.broker-nav > a[href$=${name}]`)
  await link.click()
  await link.and(page.locator('[aria-current=page]')).waitFor()
}

/** Gone once the field holds something else, and there again with what it was asked for. */
export async function followsField(answer: Locator, field: Locator): Promise<void> {
  await answer.waitFor()
  const asked = await field.inputValue()
  await field.fill(`${asked}x`)
  await answer.waitFor({ state: 'detached' })
  await field.fill(asked)
}

/** Chooses a file of this text where `press` opens the browser's dialog for files. */
export async function openFile(
  page: Page,
  name: string,
  text: string,
  press: () => Promise<void>,
): Promise<void> {
  const chooser = page.waitForEvent('filechooser')
  await press()
  const buffer = Buffer.from(text)
  await (await chooser).setFiles({ name, mimeType: 'application/json', buffer })
}

/** Opens a client's drawer, on the page of clients. */
export async function openClient(page: Page, clientId: string): Promise<void> {
  const row = page.locator('.row-button', { hasText: clientId })
  await page.getByRole('searchbox').fill(clientId)
  await row.waitFor()
  // A click that is under way when the list becomes shorter would meet somebody else.
  await page.locator('tbody tr', { hasNotText: clientId }).first().waitFor({ state: 'detached' })
  await row.click()
}

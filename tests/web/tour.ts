/** What the tours through the states of the page share. */
import type { Page } from 'playwright-core'
import type { MqttClient } from '../../src/client/node.ts'
import type { Text } from '../../web/src/i18n/en.ts'
import type { Cuttable } from './stage.ts'

export interface Tour {
  readonly page: Page
  readonly t: Text
  readonly shop: MqttClient
  /** Between the page and its broker. */
  readonly wire: Cuttable
  /** Looks at what is on the screen now. */
  see(name: string): Promise<void>
}

const isPhone = ({ page }: Tour): boolean => (page.viewportSize()?.width ?? 0) < 760

/** On a phone: the pane of that place. */
export async function pane(tour: Tour, place: number): Promise<void> {
  if (isPhone(tour)) await tour.page.locator('.pane-bar button').nth(place).click()
}

/** Opens a dialog by its name in the palette. */
export async function command({ page, t }: Tour, words: string): Promise<void> {
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: t.commandPalette }).fill(words)
  await page.keyboard.press('Enter')
  await page.locator('dialog[open]:not(.palette)').waitFor()
}

export async function close({ page, t }: Tour): Promise<void> {
  await page.locator('dialog[open]').getByRole('button', { name: t.close }).first().click()
}

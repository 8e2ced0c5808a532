// npm run screenshots -- --all DIR [--width 390]: every state of the page at 390, 1280 and 1920 pixels, in both themes and languages, into DIR; axe looks at each.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { en } from '../web/src/i18n/en.ts'
import { zh } from '../web/src/i18n/zh.ts'
import { violations } from '../tests/web/axe.ts'
import { startCuttable, startStage, visit, type View } from '../tests/web/stage.ts'
import { broker, client, troubles } from '../tests/web/screens.ts'

const SIZES = [
  [390, 844],
  [1280, 800],
  [1920, 1080],
] as const

/** Resolves with what axe found, a line each. */
export async function allScreens(
  browser: Browser,
  directory: string,
  only: number | null,
): Promise<string[]> {
  mkdirSync(directory, { recursive: true })
  const found: string[] = []
  for (const [width, height] of SIZES)
    for (const theme of ['light', 'dark'] as const)
      for (const locale of ['en-US', 'zh-CN'] as const)
        if (only === null || only === width)
          found.push(...(await oneTour(browser, directory, { width, height, theme, locale })))
  return found
}

async function oneTour(browser: Browser, directory: string, view: View): Promise<string[]> {
  const stage = await startStage()
  const wire = await startCuttable(stage.httpPort)
  const shop = await stage.connect('shop-12-ap-3')
  const t = view.locale === 'zh-CN' ? zh : en
  const suffix = `${view.width}-${view.theme}-${view.locale?.slice(0, 2)}`
  const found: string[] = []
  for (const part of [troubles, client, broker]) {
    const { page, close } = await visit(browser, wire.url, view)
    const see = async (name: string): Promise<void> => {
      await page.waitForTimeout(200)
      await page.screenshot({ path: join(directory, `${name}-${suffix}.png`) })
      found.push(...(await violations(page, `${name}-${suffix}`)))
    }
    await part({ page, t, shop, wire, see })
    await close()
  }
  wire.close()
  await stage.close()
  return found
}

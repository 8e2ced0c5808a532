// npm run screenshots -- --all DIR [--only 390-dark-zh]: every state of the page at 390, 1280 and 1920 pixels, in both themes and languages, or one kind of these, into DIR; axe looks at each.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { en } from '../web/src/i18n/en.ts'
import { zh } from '../web/src/i18n/zh.ts'
import { violations } from '../tests/web/axe.ts'
import { startBusyStage } from '../tests/web/busy-stage.ts'
import { startCuttable, startStage, visit, type View } from '../tests/web/stage.ts'
import { broker, client, troubles } from '../tests/web/screens.ts'
import { clusterScene, fullScene, hangingScene, type Scene } from '../tests/web/screens-hard.ts'
import { operate } from '../tests/web/screens-operate.ts'
import { work } from '../tests/web/screens-work.ts'

const SIZES = [
  [390, 844],
  [1280, 800],
  [1920, 1080],
] as const

/** A fresh broker, where much is empty, one to which things have happened, and those in a hard place; null: it cannot be had here. */
const SCENES: readonly (() => Promise<Scene | null>)[] = [
  async () => ({ stage: await startStage(), parts: [troubles, client, broker] }),
  async () => ({ stage: await startBusyStage(), parts: [work, operate] }),
  hangingScene,
  fullScene,
  clusterScene,
]

/** What the names of its pictures end with. */
const suffixOf = ({ width, theme, locale }: View): string =>
  `${width}-${theme}-${locale?.slice(0, 2)}`

/**
 * Resolves with what axe found, a line each.
 *
 * @param only Part of the names of the pictures to make.
 */
export async function allScreens(
  browser: Browser,
  directory: string,
  only: string,
): Promise<string[]> {
  mkdirSync(directory, { recursive: true })
  const found: string[] = []
  for (const [width, height] of SIZES)
    for (const theme of ['light', 'dark'] as const)
      for (const locale of ['en-US', 'zh-CN'] as const) {
        const view = { width, height, theme, locale }
        if (suffixOf(view).includes(only)) found.push(...(await oneTour(browser, directory, view)))
      }
  return found
}

async function oneTour(browser: Browser, directory: string, view: View): Promise<string[]> {
  const t = view.locale === 'zh-CN' ? zh : en
  const suffix = suffixOf(view)
  const found: string[] = []
  for (const start of SCENES) {
    const scene = await start()
    if (scene === null) continue
    const { stage, parts } = scene
    const wire = await startCuttable(stage.httpPort)
    const shop = await stage.connect('shop-12-ap-3')
    for (const part of parts) {
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
  }
  return found
}

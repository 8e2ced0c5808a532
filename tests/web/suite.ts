/** Tests in a browser: a broker and a browser for all of a file, a page with storage of its own for each test. */
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { en, type Text } from '../../web/src/i18n/en.ts'
import { zh } from '../../web/src/i18n/zh.ts'
import { testMsMax } from '../support/patience.ts'
import {
  noBrowser,
  openBrowser,
  startStage,
  visit,
  type Seen,
  type Stage,
  type View,
} from './stage.ts'

export interface At extends Seen {
  readonly browser: Browser
  readonly stage: Stage
  /** The words of the page's language. */
  readonly t: Text
  /** To be run when the test is over, however it ends. */
  /** What it returns is waited for. */
  after(run: () => unknown): void
}

type Run = (at: At) => Promise<void>
/** @param skip As the option of a test. */
type Define = (name: string, run: Run, view?: View, skip?: false | string) => void

/**
 * @param define Gets what makes one test; its page opens at the first screen.
 * @param more Further lines of the broker's configuration.
 */
export function browserSuite(
  name: string,
  define: (test: Define) => void,
  more: readonly string[] = [],
): void {
  describe(name, { skip: noBrowser }, () => {
    let browser: Browser
    let stage: Stage
    before(async () => {
      ;[browser, stage] = await Promise.all([openBrowser(), startStage(more)])
    })
    after(async () => {
      await browser?.close()
      await stage?.close()
    })
    define((title, run, view = {}, skip = false) => {
      test(title, { timeout: testMsMax, skip }, async (context) => {
        const seen = await visit(browser, stage.url, view)
        try {
          await run({
            ...seen,
            browser,
            stage,
            t: view.locale === 'zh-CN' ? zh : en,
            after: (then) => context.after(then),
          })
        } finally {
          await seen.close()
        }
      })
    })
  })
}

/** Where the page is said to be, it is: also where its usual port is taken. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { en } from '../../web/src/i18n/en.ts'
import { startPages } from '../server/run-mozzie.ts'
import { testMsMax } from '../support/patience.ts'
import { connectHere } from './acts.ts'
import { noBrowser, openBrowser, visit } from './stage.ts'

describe('the address of the page', { skip: noBrowser }, () => {
  test(
    'is the last line of the start, and the page there connects, though 9883 is taken',
    { timeout: testMsMax },
    async (context) => {
      const browser = await openBrowser()
      context.after(() => browser.close())
      const { other } = await startPages(context)
      const last = other.stderr().trimEnd().split('\n').at(-1) ?? ''
      const url = /The page is at (http:\/\/127\.0\.0\.1:\d+\S*): port 9883 is in use\.$/.exec(
        last,
      )?.[1]
      assert.ok(url !== undefined, last)
      const { page, close } = await visit(browser, url)
      await connectHere(page, en)
      await close()
    },
  )
})

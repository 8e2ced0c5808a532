/** What a reader would stumble over in what the page shows: text cut off in a field, Latin punctuation among Chinese words. */
import type { Page } from 'playwright-core'

/** Fields to choose in that are too narrow for one of their options. */
const CUT_OPTIONS = `[...document.querySelectorAll('select')]
  .filter((select) => select.checkVisibility())
  .flatMap((select) => {
    const chosen = select.selectedIndex
    const cut = [...select.options].flatMap((option) => {
      select.selectedIndex = option.index
      const alone = select.cloneNode(false)
      alone.append(option.cloneNode(true))
      alone.style.cssText = 'position:absolute;width:max-content;max-width:none;min-width:0'
      select.after(alone)
      const wanted = alone.offsetWidth
      alone.remove()
      return wanted > select.offsetWidth + 1 ? ['cut option: ' + option.text] : []
    })
    select.selectedIndex = chosen
    return cut
  })`

/** All that is read or heard; what is written in code is the same in every language. */
const WORDS = `[
  ...document.body.innerText.split('\\n'),
  ...[...document.querySelectorAll('*')].flatMap((element) =>
    ['aria-label', 'title', 'placeholder'].map((name) => element.getAttribute(name) ?? '')),
]`

/** In Chinese the colon, comma and brackets are full-width; \`topic:文本\` is the language of the search. */
const HALF_WIDTH = /\p{Script=Han} ?[:;,!?]|\p{Script=Han} ?\(|\) ?\p{Script=Han}/u

/** Both, as far as the page shows them now. */
export async function stumbles(page: Page): Promise<string[]> {
  const cut = await page.evaluate<string[]>(CUT_OPTIONS)
  const words = await page.evaluate<string[]>(WORDS)
  return [
    ...cut,
    ...words.filter((text) => HALF_WIDTH.test(text)).map((text) => `half-width: ${text}`),
  ]
}

/** What a reader would stumble over in what the page shows: text cut off in a field, Latin punctuation among Chinese words. */
import type { Page } from 'playwright-core'

/** Fields to choose in that are too narrow for one of their options; the browser lays out all at once. */
const CUT_OPTIONS = `(() => {
  const tried = [...document.querySelectorAll('select')]
    .filter((select) => select.checkVisibility())
    .flatMap((select) => [...select.options].map((option) => {
      const alone = select.cloneNode(false)
      alone.append(option.cloneNode(true))
      alone.style.cssText = 'position:absolute;width:max-content;max-width:none;min-width:0'
      return { select, option, alone }
    }))
  for (const { select, alone } of tried) select.after(alone)
  const isCut = ({ select, alone }) => alone.offsetWidth > select.offsetWidth + 1
  const isCutWhenChosen = (one) => {
    const chosen = one.select.selectedIndex
    one.select.selectedIndex = one.option.index
    const answer = isCut(one)
    one.select.selectedIndex = chosen
    return answer
  }
  // One may be as wide as what is chosen in it.
  const cut = tried.filter(isCut).filter(isCutWhenChosen)
  for (const { alone } of tried) alone.remove()
  return cut.map(({ option }) => 'cut option: ' + option.text)
})()`

/** In Chinese the colon, comma and brackets are full-width, and no space follows them; \`topic:文本\` is the language of the search. */
const HALF_WIDTH =
  /\p{Script=Han} ?[:;,!?]|[;,!?] ?\p{Script=Han}|\p{Script=Han} ?\(|\) ?\p{Script=Han}|[，。；：！？、] +\S/u

/**
 * Two small English words, one behind the other, where the page speaks and not a topic, a payload, a log or a file. What
 * was said before the language changed stays as it was said, and devices have names of their own.
 */
const ENGLISH = `(() => {
  const isEnglish = (text) => /(?<![\\w/.-])[a-z]{2,},? [a-z]{2,}(?![\\w/=.-])/.test(text) && !/\\p{Script=Han}/u.test(text)
  const isCode = '.mono, code, pre, kbd, textarea, [contenteditable], .message-row, .bubble, .payload, .log-lines, [lang]:not(html), .confirm, .notice, [role=alert], .device'
  const found = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode())
    if (isEnglish(node.data) && node.parentElement.checkVisibility() && node.parentElement.closest(isCode) === null) found.push(node.data)
  for (const element of document.querySelectorAll('[title], [aria-label], [placeholder]'))
    for (const name of ['title', 'aria-label', 'placeholder'])
      if (element.closest(isCode) === null && isEnglish(element.getAttribute(name) ?? '')) found.push(name + ' ' + element.getAttribute(name))
  return document.documentElement.lang === 'en' ? [] : found.map((text) => 'English: ' + text)
})()`

/** All that is read or heard and has some; what is written in code is the same in every language. */
const HALF_WIDTH_WORDS = `[
  ...document.body.innerText.split('\\n'),
  ...[...document.querySelectorAll('*')].flatMap((element) =>
    ['aria-label', 'title', 'placeholder'].map((name) => element.getAttribute(name) ?? '')),
]
  .filter((text) => ${HALF_WIDTH}.test(text))
  .map((text) => 'half-width: ' + text)`

/** All of it, as far as the page shows it now. */
export function stumbles(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`[...${CUT_OPTIONS}, ...${ENGLISH}, ...${HALF_WIDTH_WORDS}]`)
}

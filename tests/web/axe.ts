/** What axe says of a screen, by its rules for WCAG 2.2 A and AA. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  id: string
  nodes: { target: string[]; failureSummary?: string }[]
}

/** Waits until nothing is in transition any more: a colour on its way has a contrast of its own. */
const SETTLE = `
  const underWay = () => document.getAnimations().filter((each) => each instanceof CSSTransition)
  for (let some = underWay(); some.length > 0; some = underWay())
    await Promise.all(some.map((each) => each.finished.catch(() => {})))`

const RULES = {
  all: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
  /** All that another theme changes. */
  colours: { type: 'rule', values: ['color-contrast'] },
} as const
type AxeRules = keyof typeof RULES

/** What axe finds while nothing begins to change: a connection that comes up meanwhile colours its button anew. */
const find = (rules: AxeRules): string => `(async () => {
  for (;;) {
    ${SETTLE}
    let isMoving = false
    const note = () => void (isMoving = true)
    document.addEventListener('transitionrun', note, true)
    const { violations } = await axe.run(document, { runOnly: ${JSON.stringify(RULES[rules])} })
    document.removeEventListener('transitionrun', note, true)
    if (violations.length === 0 || !isMoving) return violations
  }
})()`

/** What axe finds, a line each. */
export async function violations(
  page: Page,
  screen: string,
  rules: AxeRules = 'all',
): Promise<string[]> {
  if (!(await page.evaluate<boolean>("typeof axe === 'object'"))) await page.evaluate(axe)
  const found = await page.evaluate<Violation[]>(find(rules))
  return found.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ target, failureSummary = '' }) =>
        `${screen}: ${id}: ${target.join(' ')} ${failureSummary.split('\n')[1] ?? ''}`,
    ),
  )
}

/**
 * Whether two brokers told the clients the same. The model alone says whether what they told is right: where it leaves a choice
 * (which member of a group, a will before or behind the CONNACK of who takes over), two that are right may differ.
 */
import type { Outcome } from './run.ts'

const FROM_SERVER = /^\d+ ◀ /
/** Which identifier a message gets depends on which of two came first. */
const IDENTIFIER = /(?<=PUBLISH .*)#\d+/

/** The first step after which clients got something else; null: none. What comes in one step has no order between publishers. */
export function firstUnlike(one: Outcome, other: Outcome): string | null {
  const [left, right] = [byStep(one), byStep(other)]
  const at = left.findIndex((step, index) => step !== right[index])
  return at < 0 ? null : `${left[at]}\n  or\n${right[at]}`
}

function byStep({ transcript }: Outcome): string[] {
  const steps: string[][] = []
  for (const line of transcript)
    if (FROM_SERVER.test(line)) steps.at(-1)?.push(line.replace(IDENTIFIER, '#'))
    else steps.push([line])
  return steps.map(([step, ...came]) => [step, ...came.sort()].join('\n'))
}

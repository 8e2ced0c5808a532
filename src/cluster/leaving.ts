/** Which nodes send their clients away: of two that begin at once each has to see the other, or nobody would be left to take them. */
import type { Membership } from './membership.ts'
import type { Records } from './records.ts'

const KEY = 'leaving'

interface Leaving {
  readonly node: string
  readonly run: string
}

/** Says that a node is to be left by its clients; false: no other one would take them. */
export async function sayLeaving(
  records: Records,
  membership: Membership,
  { node, run }: Leaving,
): Promise<boolean> {
  for (;;) {
    const { value, sequence } = records.get<readonly Leaving[]>(KEY)
    const others = (value ?? []).filter(
      (one) => one.node !== node && membership.isRunAlive(one.node, one.run),
    )
    const takes = membership
      .others()
      .filter(({ isDraining }) => isDraining !== true)
      .some((other) => others.every((one) => one.node !== other.node))
    if (!takes) return false
    if (await records.swap(KEY, [...others, { node, run }], sequence)) return true
  }
}

/** `npm run cluster:crash-points`: every call of the engine, before and after, early and later. Prints a row for each; 1 if anything was lost. */
import { startCrashStage } from './crash-points.ts'
import { CALLS } from './engine-calls.ts'
import { skipNats } from './nats-servers.ts'

/** Which calls of a kind. */
const NUMBERS = [2, 17]

if (skipNats !== false) {
  console.error(skipNats)
  process.exit(1)
}
const stage = await startCrashStage('crash')
console.log('| call | number | when | died | acknowledged | lost | QoS 2 twice | out of order |')
let bad = 0
for (const kind of CALLS)
  for (const number of NUMBERS)
    for (const when of ['before', 'after'] as const) {
      const result = await stage.ride({ kind, number, when })
      const { hasDied, acked, lost, twice, outOfOrder } = result
      const isBad = lost.length + twice + outOfOrder > 0
      if (isBad) bad++
      const cells = [kind, number, when, hasDied, acked, lost.length, twice, outOfOrder]
      console.log(`| ${cells.join(' | ')} |${isBad ? ` BAD ${lost.slice(0, 3).join(', ')}` : ''}`)
    }
await stage.stop()
console.log(`${bad} bad`)
process.exit(bad === 0 ? 0 : 1)

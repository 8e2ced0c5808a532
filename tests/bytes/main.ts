/** `npm run bytes -- --minutes 10 [--seed N] [--count N]` */
import { parseArgs } from 'node:util'
import { runSeed } from './run.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, count: { type: 'string' } },
})
const first = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
const count = Number(values.count ?? (values.minutes === undefined ? 1 : Infinity))
const endsMs = performance.now() + Number(values.minutes ?? Infinity) * 60_000
let seeds = 0
let faults = 0
const sum = { published: 0, came: 0, bytes: 0 }
for (let seed = first; seeds < count && performance.now() < endsMs && faults < 5; seed++) {
  const { fault, published, came, bytes } = await runSeed(seed)
  seeds++
  sum.published += published
  sum.came += came
  sum.bytes += bytes
  if (fault === null) continue
  faults++
  console.log(`seed ${seed}: ${fault}\n`)
}
console.log(
  `${seeds} seeds from ${first}, ${sum.published} published, ${sum.came} came, ${(sum.bytes / 1e6).toFixed(0)} MB, ${faults} with faults`,
)
process.exitCode = faults > 0 ? 1 : 0

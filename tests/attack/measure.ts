/** `npm run attack`: every attack by load at its full size, measured; `npm run attacks-page` writes the page from it. */
import { fight } from './load-field.ts'
import { recordFigures } from './load-figures.ts'
import { configOf, loads, peakMbMaxOf } from './loads.ts'

const wanted = process.argv.slice(2)

for (const load of loads) {
  if (wanted.length > 0 && !wanted.includes(load.id)) continue
  const damage = await fight(configOf(load), (field) => load.run(field, load.full))
  recordFigures(load.id, damage)
  const { stall, quiet, peakMb } = damage
  const held = stall.cpuMs <= load.stallMsMax && peakMb <= peakMbMaxOf(load)
  if (!held) process.exitCode = 1
  const clock = `${stall.clockMs.toFixed(0)} ms by the clock (quiet ${quiet.clockMs.toFixed(0)} ms)`
  const figures = `${stall.cpuMs.toFixed(0)} ms of CPU, ${clock}, ${peakMb.toFixed(0)} MB`
  console.log(`${held ? 'ok    ' : 'MISSED'} ${load.id} ${load.attack}: ${figures}`)
}
process.exit()

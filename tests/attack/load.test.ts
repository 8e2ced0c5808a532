/** Attacks by load, small: how long they stop a bystander, and how much memory they take. `measure.ts` makes them large. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fight } from './load-field.ts'
import { configOf, loads, peakMbMaxOf } from './loads.ts'

/** CPU time does not count other work on the machine, but caches are colder and compilers later with it. */
const BUSY_FACTOR = 2
/** Other work may come in between once, and again; what is too slow or too large is so each time. */
const ATTEMPTS_MAX = 3

for (const load of loads.filter(({ small }) => small > 0))
  test(`${load.id}: ${load.attack}`, async (context) => {
    const cpuMsMax = load.stallMsMax * BUSY_FACTOR
    const peakMbMax = peakMbMaxOf(load)
    let isBorne = false
    for (let attempt = 0; attempt < ATTEMPTS_MAX && !isBorne; attempt++) {
      const { stall, peakMb } = await fight(configOf(load), (field) => load.run(field, load.small))
      isBorne = stall.cpuMs <= cpuMsMax && peakMb <= peakMbMax
      const bounds = `of at most ${cpuMsMax} and ${peakMbMax}`
      context.diagnostic(
        `a bystander waited for ${stall.cpuMs} ms of CPU, ${peakMb} MB of memory, ${bounds}`,
      )
    }
    assert.ok(isBorne, 'more than the bounds each time')
  })

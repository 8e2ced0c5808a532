/** Attacks by load, small: how long they stop a bystander, and how much memory they take. `measure.ts` makes them large. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fight } from './load-field.ts'
import { configOf, loads, peakMbMaxOf } from './loads.ts'

/** CPU time does not count other work on the machine, but caches are colder and compilers later with it. */
const BUSY_FACTOR = 2

for (const load of loads.filter(({ small }) => small > 0))
  test(`${load.id}: ${load.attack}`, async () => {
    const damage = await fight(configOf(load), (field) => load.run(field, load.small))
    const { cpuMs } = damage.stall
    assert.ok(cpuMs <= load.stallMsMax * BUSY_FACTOR, `a bystander waited for ${cpuMs} ms of CPU`)
    assert.ok(damage.peakMb <= peakMbMaxOf(load), `${damage.peakMb} MB of memory`)
  })
